#include "actions/script.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// The first part of a stream of any length.
class Capture {
 public:
  void add(std::string_view bytes) {
    if (truncated_) return;
    text_.append(bytes.substr(0, most_captured_output + 1 - text_.size()));
    if (text_.size() <= most_captured_output) return;
    truncated_ = true;
    text_.resize(most_of_truncated_output);
    text_.shrink_to_fit();
  }

  Value outputs() && {
    if (truncated_) {
      cut_broken_character();
    } else {
      while (!text_.empty() && (text_.back() == '\n' || text_.back() == '\r')) text_.pop_back();
    }
    Value map = Value::object({{"stdout", to_valid_utf8(text_)}});
    if (truncated_) map.set("stdoutTruncated", true);
    return map;
  }

 private:
  /// The limit may have split a character; only then the malformed part reaches to the end.
  void cut_broken_character() {
    for (std::size_t length = 1; length <= std::min<std::size_t>(3, text_.size()); ++length) {
      const auto byte = static_cast<unsigned char>(text_[text_.size() - length]);
      if (byte < 0x80) return;
      if (byte >= 0xC0) {  // the character's first byte
        if (find_invalid_utf8(std::string_view(text_).substr(text_.size() - length))) {
          text_.resize(text_.size() - length);
        }
        return;
      }
    }
  }

  std::string text_;
  bool truncated_ = false;
};

}  // namespace

std::vector<OutputInfo> program_outputs() {
  return {{"stdout",
           "What it wrote to its standard output, without the line ends at the end; at most 1 MiB "
           "can be referred to, the logs have all of it."}};
}

Outcome run_program(const std::string& action, Command command, ActionContext& context) {
  for (const auto& argument : command.argv) {
    if (argument.find('\0') != std::string::npos) {
      return Failed{"a program's path and arguments cannot hold a NUL character", {}, {}};
    }
  }
  command.environment.insert(command.environment.end(), context.environment.begin(),
                             context.environment.end());
  Capture capture;
  const ProcessResult result = context.processes.run(
      command,
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::out && !bytes.empty()) capture.add(bytes);
        context.output(stream, bytes);
      },
      context.process_started, context.deadline, context.stop);

  if (result.output_held) {
    context.note(action +
                 ": a process that the step left running still holds its output; what it prints "
                 "from now on is discarded");
  }
  const bool ended_early = result.timed_out || result.cancelled;
  if (result.exit_code == reboot_exit_code && !ended_early) {
    context.note(action + ": the program asks for a reboot");
    return RebootRequired{RebootRequired::Resume::same_step, std::chrono::seconds(0)};
  }
  std::vector<Value> outputs;
  if (result.start_error.empty()) outputs.push_back(std::move(capture).outputs());
  context.note(action + ": FINISHED EXECUTION");
  if (!result.succeeded()) {
    return Failed{describe(result), result.exit_code, std::move(outputs), result.timed_out,
                  result.cancelled};
  }
  return Succeeded{std::move(outputs)};
}

ScriptFile::ScriptFile(const std::string& action, const std::string& name,
                       const std::vector<std::string>& commands, ActionContext& context)
    : folder_(context.temp_root, "script-"), path_(folder_.path() / name) {
  std::string text;
  for (const auto& command : commands) {
    text += command;
    if (text.empty() || text.back() != '\n') text += '\n';
  }
  // Not write_file_atomically: a script that a crash loses is written anew, so it needs no fsync.
  const FileDescriptor fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) throw Error::from_errno("cannot create " + path_.string(), errno);
  write_all(fd.get(), text, path_.string());
  context.note(action + ": Created temporary directory: " + folder_.path().string());
}

}  // namespace toehold
