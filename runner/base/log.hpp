// The developer's log, application.log: what the program did and why. Never carries results, step
// output or secrets. The only file that includes spdlog is log.cpp.
#pragma once

#include <filesystem>
#include <string>

namespace toehold {

enum class LogLevel { debug, info, warning, error };

/// Starts writing to `path` (mode 0600); `trace` copies every line to stderr.
void open_log(const std::filesystem::path& path, bool trace);
/// stderr only, for commands without a log folder. Without either call nothing is written.
void open_trace();
void log(LogLevel level, const std::string& message);
void close_log();

}  // namespace toehold
