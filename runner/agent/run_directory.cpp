#include "runner/agent/run_directory.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdlib>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/log.hpp"
#include "runner/engine/plan.hpp"

namespace toehold {

namespace fs = std::filesystem;

namespace {

constexpr const char* memory_folder = "/dev/shm";

bool is_in_memory(const char* path) {
  struct statfs file_system {};
  return ::statfs(path, &file_system) == 0 && file_system.f_type == TMPFS_MAGIC;
}

bool is_ours(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid();
}

std::string scratch_prefix(const fs::path& state_directory) {
  std::error_code ignored;
  const std::string name = fs::weakly_canonical(state_directory, ignored).string();
  return "toehold-" + digest_of(DigestAlgorithm::sha256, name).substr(0, 16) + "-";
}

}  // namespace

fs::path state_base() {
  if (const char* home = std::getenv("TOEHOLD_HOME"); home && *home == '/') {
    return fs::path(home).lexically_normal();
  }
  if (::geteuid() == 0) return "/var/lib/toehold";
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state == '/') {
    return fs::path(state) / "toehold";
  }
  if (const char* home = std::getenv("HOME"); home && *home == '/') {
    return fs::path(home) / ".local/state/toehold";
  }
  throw Error(Error::Kind::usage, "no place for the state folder: HOME is not set",
              "give one with --state-directory");
}

fs::path default_state_directory(const std::vector<std::string>& documents,
                                 const std::string& phases) {
  Digest digest(DigestAlgorithm::sha256);
  for (const std::string& document : documents) {
    digest.update(document_identity(document) + "\n");
  }
  digest.update(phases);
  return state_base() / "runs" / digest.finish().substr(0, 16);
}

std::string log_directory_name(UnixMillis started, const std::string& execution_id) {
  return format_utc(started, "TOE_%Y-%m-%d_%H-%M-%S_UTC-0_") + execution_id;
}

StateFiles::StateFiles(fs::path state_directory)
    : directory(std::move(state_directory)),
      lock(directory / "lock"),
      journal(directory / "events.jsonl"),
      previous(directory / "previous.jsonl"),
      cloudwatch(directory / "cloudwatch.json") {}

void ScratchFolder::remove_left(const fs::path& state_directory) {
  std::error_code ignored;
  const std::string prefix = scratch_prefix(state_directory);
  for (const fs::path& parent : {fs::path(memory_folder), state_directory}) {
    for (const auto& left : fs::directory_iterator(parent, ignored)) {
      if (left.path().filename().string().starts_with(prefix) && is_ours(left.path())) {
        fs::remove_all(left.path(), ignored);
      }
    }
  }
}

ScratchFolder::ScratchFolder(const fs::path& state_directory) {
  remove_left(state_directory);
  const std::string prefix = scratch_prefix(state_directory);
  if (is_in_memory(memory_folder)) {
    try {
      folder_.emplace(memory_folder, prefix);  // under a name that nobody can have taken
      return;
    } catch (const Error& error) {
      log(LogLevel::debug, error.full_message());
    }
  }
  folder_.emplace(state_directory, prefix);
}

}  // namespace toehold
