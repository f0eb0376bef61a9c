#include "runner/report/json_lines.hpp"

#include <fcntl.h>

#include <cerrno>

#include "runner/base/error.hpp"
#include "runner/base/json.hpp"

namespace toehold {

JsonLines::JsonLines(const std::filesystem::path& path)
    : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (!fd_) throw Error::from_errno("cannot write " + path.string(), errno);
  const std::string text = read_file(path);
  const std::size_t whole = text.rfind('\n') + 1;  // 0 where there is none
  if (::ftruncate(fd_.get(), static_cast<off_t>(whole)) != 0) {
    throw Error::from_errno("cannot write " + path.string(), errno);
  }
  if (whole < 2) return;
  const std::size_t begin = text.rfind('\n', whole - 2) + 1;
  try {
    last_seq_ = decode_event(parse_json(text.substr(begin, whole - begin))).seq;
  } catch (const Error&) {
    // Not ours to mend.
  }
}

void JsonLines::on(const Event& event) {
  if (std::holds_alternative<Output>(event.data) || event.seq <= last_seq_) return;
  try {
    append_line(fd_.get(), to_json(encode_event(event)), "events.jsonl");
  } catch (const Error& error) {
    // A report that cannot be written does not end the run; the journal would.
    problem_ = error.full_message();
  }
}

}  // namespace toehold
