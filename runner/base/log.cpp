#include "runner/base/log.hpp"

#include <fcntl.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

std::shared_ptr<spdlog::logger> logger;

void use_sinks(std::vector<spdlog::sink_ptr> sinks) {
  auto made = std::make_shared<spdlog::logger>("toehold", sinks.begin(), sinks.end());
  made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  made->set_level(spdlog::level::debug);
  made->flush_on(spdlog::level::debug);  // a log that lacks its last lines is of no use
  made->set_error_handler([](const std::string&) {});  // a full disk must not end a run
  logger = std::move(made);
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void open_log(const std::filesystem::path& path, bool trace) {
  // Made here, as spdlog knows no modes; it then appends to what is there.
  const FileDescriptor fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) throw Error::from_errno("cannot write " + path.string(), errno);
  ::fchmod(fd.get(), 0600);  // of a file that was there before
  std::vector<spdlog::sink_ptr> sinks;
  try {
    sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string()));
  } catch (const spdlog::spdlog_ex& error) {
    throw Error(Error::Kind::io, error.what());
  }
  if (trace) sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  use_sinks(std::move(sinks));
}

void open_trace() {
  use_sinks({std::make_shared<spdlog::sinks::stderr_sink_mt>()});
}

void log(LogLevel level, const std::string& message) {
  // One message is one line, and a name in it cannot forge another.
  if (logger) logger->log(to_spdlog(level), replace_all(printable(message), "\n", "\\n"));
}

void close_log() {
  logger.reset();
}

}  // namespace toehold
