#include "runner/controller/remote_bookmark.hpp"

#include <algorithm>
#include <fstream>

#include "runner/base/files.hpp"
#include "runner/base/text.hpp"

namespace toehold {

using namespace std::chrono_literals;

RemoteBookmark::RemoteBookmark(const Stage& stage, Clock& clock)
    : file_(stage.state_directory / (stage.name + ".followed")), clock_(clock) {
  std::error_code error;
  if (!fs::exists(file_, error)) return;
  begun_ = true;
  const auto number = Value(std::string(trim(read_file(file_, 64)))).as_int();
  offset_ = static_cast<std::uint64_t>(std::max<std::int64_t>(number.value_or(0), 0));
}

void RemoteBookmark::remove() {
  std::error_code ignored;
  fs::remove(file_, ignored);
}

void RemoteBookmark::set(std::uint64_t offset, bool now) {
  if (!now && clock_.monotonic() - written_ < 1s) return;
  written_ = clock_.monotonic();
  std::ofstream(file_) << offset << "\n";  // not durable: it saves a repetition, no more
}

}  // namespace toehold
