#include "runner/controller/base_cache.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "runner/agent/run_directory.hpp"
#include "runner/base/clock.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/base/user_namespace.hpp"
#include "runner/controller/rootless.hpp"

namespace toehold {

namespace {

fs::path bases() {
  return state_base() / "cache" / "bases";
}

/// Of what another build may be making just now; that can take minutes.
FileLock wait_for_lock(const fs::path& path, const TellProgress& note,
                       const std::stop_token& stop) {
  SystemClock clock;
  for (bool told = false;; told = true) {
    try {
      return FileLock(path);
    } catch (const Error& error) {
      if (error.kind() != Error::Kind::busy) throw;
    }
    if (!told) note("waiting for another build that makes " + path.stem().string());
    if (!clock.sleep_for(std::chrono::milliseconds(100), stop)) {
      throw Error(Error::Kind::cancelled, "interrupted");
    }
  }
}

}  // namespace

fs::path base_folder(const std::string& name) {
  return bases() / (name + id_map_key());
}

bool is_made(const std::string& name) {
  std::error_code error;
  return fs::exists(base_folder(name) / "ready", error);
}

fs::path made_once(const std::string& name, const TellProgress& note, const std::stop_token& stop,
                   const std::function<void(const fs::path&)>& make) {
  const fs::path place = base_folder(name);
  if (is_made(name)) return place / "fs";
  make_private_directory(bases());
  const FileLock lock = wait_for_lock(place.string() + ".lock", note, stop);
  if (is_made(name)) return place / "fs";
  std::error_code error;
  fs::remove_all(place, error);
  make_private_directory(place);
  if (::mkdir((place / "fs").c_str(), 0755) != 0) {
    throw Error::from_errno("cannot make " + place.string(), errno);
  }
  ::chmod((place / "fs").c_str(), 0755);
  try {
    make(place / "fs");
  } catch (...) {
    fs::remove_all(place, error);
    throw;
  }
  write_file_atomically(place / "ready", "");
  return place / "fs";
}

std::string identity_of_file(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    throw Error::from_errno("cannot read " + file.string(), errno);
  }
  return digest_of(DigestAlgorithm::sha256, file.string() + " " + std::to_string(status.st_size) +
                                                " " + std::to_string(status.st_mtim.tv_sec) + "." +
                                                std::to_string(status.st_mtim.tv_nsec) + " " +
                                                std::to_string(status.st_ino));
}

void run_or_fail(const Command& command, ProcessRunner& processes, std::stop_token stop,
                 const std::string& what) {
  std::string complaint;
  const ProcessResult result = processes.run(
      command,
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::err) complaint.append(bytes.substr(0, 65536));
        if (complaint.size() > 4096) complaint.erase(0, complaint.size() - 4096);
      },
      [](int) {}, Deadline(), std::move(stop));
  if (result.cancelled) throw Error(Error::Kind::cancelled, "interrupted");
  if (result.succeeded()) return;
  throw Error(Error::Kind::process,
              what + ": " + describe(result) + "\n" + std::string(trim(complaint)));
}

void require_mmdebstrap(const std::string& suite) {
  if (find_in_path("mmdebstrap")) return;
  throw Error(Error::Kind::unsupported, "the base mmdebstrap:" + suite + " needs mmdebstrap",
              "apt-get install mmdebstrap");
}

void run_mmdebstrap(const std::string& suite, const std::vector<std::string>& options,
                    const fs::path& place, ProcessRunner& processes, std::stop_token stop) {
  // It starts many programs; in namespaces of their own they, and what they have mounted, end with
  // the first of them, which ends with us. Its root mode wants to mount what only root of the
  // machine may.
  std::vector<std::string> words{"unshare",      "--pid",      "--fork",        "--kill-child",
                                 "--mount-proc", "mmdebstrap", "--variant=apt", "--quiet"};
  words.push_back(in_user_namespace() ? "--mode=unshare" : "--mode=root");
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), {suite, place.string()});
  run_or_fail({words, "/", {}}, processes, std::move(stop), "mmdebstrap of " + suite);
  ::chmod(place.c_str(), 0755);
}

}  // namespace toehold
