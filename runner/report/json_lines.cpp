#include "runner/report/json_lines.hpp"

#include <fcntl.h>

#include <cerrno>

#include "runner/base/error.hpp"
#include "runner/base/json.hpp"

namespace toehold {

JsonLines::JsonLines(const std::filesystem::path& path)
    : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (!fd_) throw Error::from_errno("cannot write " + path.string(), errno);
}

void JsonLines::on(const Event& event) {
  if (std::holds_alternative<Output>(event.data)) return;
  try {
    write_all(fd_.get(), to_json(encode_event(event)) + "\n", "events.jsonl");
  } catch (const Error&) {
    // A report that cannot be written does not end the run; the journal would.
  }
}

}  // namespace toehold
