// FileLog: files.jsonl of the log folder: which files each step changed, as a line of JSON. The
// engine tells of a step's end before it begins the next one, and waits while the machine's files
// are looked through; so what is found is the step's, or that of a program it has left running.
// Opened by the run session when it is wanted; changes nothing on the machine.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "runner/base/file_survey.hpp"
#include "runner/base/files.hpp"
#include "runner/engine/event_sink.hpp"

namespace toehold {

struct FileLogLine {
  std::string step;  // id
  std::vector<ChangedFile> files;
};

class FileLog final : public EventSink {
 public:
  /// Looks through the machine once. `ours`: folders that are left out, absolute. Appends, mode
  /// 0600. Throws Error(io, cancelled).
  FileLog(const std::filesystem::path& path, std::vector<std::string> ours, std::stop_token stop);
  void on(const Event& event) override;

  static constexpr const char* name = "files.jsonl";

 private:
  void record(const std::string& step);

  FileDescriptor fd_;
  std::vector<std::string> skipped_;
  const std::stop_token stop_;
  FileSurvey last_;
};

/// The lines of a file of such a run; several of one step are those before and after a reboot.
/// What cannot be understood is left out. Throws Error(io).
std::vector<FileLogLine> read_file_log(const std::filesystem::path& path);

}  // namespace toehold
