#include "runner/report/file_log.hpp"

#include <fcntl.h>

#include <cerrno>

#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/log.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr std::size_t longest = 1u << 30;

}  // namespace

FileLog::FileLog(const std::filesystem::path& path, std::vector<std::string> ours,
                 std::stop_token stop)
    : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)),
      skipped_(mounts_from_elsewhere(read_file("/proc/self/mountinfo", 64u << 20))),
      stop_(std::move(stop)) {
  if (!fd_) throw Error::from_errno("cannot write " + path.string(), errno);
  skipped_.insert(skipped_.end(), ours.begin(), ours.end());
  last_ = survey_files("/", skipped_, stop_);
}

void FileLog::on(const Event& event) {
  if (const auto* reboot = std::get_if<RebootRequested>(&event.data)) record(reboot->step);
  const auto* finished = std::get_if<StepFinished>(&event.data);
  if (finished && finished->status != "skipped") record(finished->step);
}

void FileLog::record(const std::string& step) {
  try {
    FileSurvey now = survey_files("/", skipped_, stop_);
    FileLogLine line{step, compare_surveys(last_, now)};
    last_ = std::move(now);
    if (line.files.empty()) return;
    Value::List files;
    for (const ChangedFile& file : line.files) files.push_back(changed_file_fields().encode(file));
    const Value value = Value::object({{"step", step}, {"files", Value(std::move(files))}});
    append_line(fd_.get(), to_json(value), name);
  } catch (const Error& error) {
    // A report that cannot be written does not end the run.
    log(LogLevel::warning, std::string(name) + ": " + error.full_message());
  }
}

std::vector<FileLogLine> read_file_log(const std::filesystem::path& path) {
  std::vector<FileLogLine> lines;
  for (const std::string& text : split(read_file(path, longest), '\n')) {
    if (text.empty()) continue;
    try {
      const Value value = parse_json(text);
      const Value* step = value.find("step");
      const Value* files = value.find("files");
      if (!step || !files || !files->is_list()) continue;
      FileLogLine line{step->text(), {}};
      Diagnostics findings(nullptr);
      for (const Value& item : files->list()) {
        if (auto file = changed_file_fields().decode(item, "a file", findings)) {
          line.files.push_back(std::move(*file));
        }
      }
      lines.push_back(std::move(line));
    } catch (const Error&) {
      // The last line of a program that was killed.
    }
  }
  return lines;
}

}  // namespace toehold
