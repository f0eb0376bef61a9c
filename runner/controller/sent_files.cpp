#include "runner/controller/sent_files.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/report/file_log.hpp"

namespace toehold {

namespace {

constexpr std::size_t longest_head = 4096;

bool is_of_a_log_folder(const std::string& name) {
  constexpr std::array known{"console.log",   "detailedoutput.json", "events.jsonl",
                             "chaining.json", "application.log",     "document.yaml",
                             FileLog::name};
  if (std::find(known.begin(), known.end(), name) != known.end()) return true;
  const std::string_view middle = std::string_view(name).substr(0, name.rfind(".yaml"));
  return middle.starts_with("document-") && middle.size() > 9 && middle.size() < 16 &&
         middle.find_first_not_of("0123456789", 9) == std::string_view::npos;
}

}  // namespace

void SentFiles::begin() {
  Value head;
  try {
    head = parse_json(head_);
  } catch (const Error&) {
    throw Error(Error::Kind::network, "the machine sends something else than files");
  }
  head_.clear();
  const Value* name = head.is_map() ? head.find("file") : nullptr;
  const Value* size = head.is_map() ? head.find("size") : nullptr;
  const std::int64_t bytes = size ? size->as_int().value_or(-1) : -1;
  if (!name || bytes < 0) throw Error(Error::Kind::network, "the machine sends no file's name");
  left_ = static_cast<std::uint64_t>(bytes);
  name_ = name->text();
  file_.close();
  if (!is_of_a_log_folder(name_)) return;
  const fs::path path = folder_ / name_;
  file_ = FileDescriptor(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file_) throw Error::from_errno("cannot write " + path.string(), errno);
}

void SentFiles::take(std::string_view bytes) {
  while (!bytes.empty()) {
    if (left_ > 0) {
      const std::string_view piece = bytes.substr(0, std::min<std::uint64_t>(left_, bytes.size()));
      if (file_) write_all(file_.get(), piece, name_);
      left_ -= piece.size();
      bytes.remove_prefix(piece.size());
      continue;
    }
    const std::size_t end = bytes.find('\n');
    head_ += bytes.substr(0, end);
    if (head_.size() > longest_head) throw Error(Error::Kind::network, "a file's name is too long");
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    begin();
  }
}

}  // namespace toehold
