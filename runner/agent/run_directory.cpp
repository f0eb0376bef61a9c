#include "runner/agent/run_directory.hpp"

#include <unistd.h>

#include <cstdlib>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"

namespace toehold {

namespace fs = std::filesystem;

fs::path state_base() {
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
    std::error_code error;
    digest.update(fs::weakly_canonical(document, error).string() + "\n");
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
      scratch(directory / "scratch") {}

}  // namespace toehold
