// An action that another process runs for us: what it is asked, and the frames that it answers
// with. Written by the sandbox of the controller and read by the agent's `act`, and the other way
// round. Knows nothing of how the two are joined.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/base/sandbox_root.hpp"
#include "runner/engine/action.hpp"

namespace toehold {

/// One of `action`, `probe` or `command` is asked.
struct ActionRequest {
  std::optional<SandboxRoot> root;  // where; none: as it is
  std::string action;
  Value inputs;
  std::string probe;                 // "binaryExists", "fileExists", "folderExists", "SHA256" ...
  std::string operand;               // of the probe: a name or a path
  std::vector<std::string> command;  // replaces the process: a shell
  std::vector<std::pair<std::string, std::string>> environment;  // all that is in it
  std::string working_directory = "/";
  std::int64_t umask = 022;
  std::int64_t time_limit_ms = -1;  // -1: none
};
std::string encode_request(const ActionRequest& request);
/// Throws Error(document).
ActionRequest decode_request(const std::string& text);

/// A frame is a letter, its payload's length as four bytes, the lowest first, and the payload.
enum class Frame : char {
  out = 'o',  // bytes that the step printed
  err = 'e',
  note = 'n',     // a line for console.log
  started = 'p',  // a process id
  tick = 't',
  outcome = 'r',  // JSON; the last one
};
std::string encode_frame(Frame kind, std::string_view payload);

/// Takes bytes as they come and calls back for each whole frame, in order.
class FrameReader {
 public:
  using OnFrame = std::function<void(Frame, std::string_view)>;
  explicit FrameReader(OnFrame on_frame) : on_frame_(std::move(on_frame)) {}
  /// Throws Error(process) for what cannot be a frame.
  void take(std::string_view bytes);
  bool is_between_frames() const { return buffer_.empty(); }

 private:
  OnFrame on_frame_;
  std::string buffer_;
};

std::string encode_outcome(const Outcome& outcome);
/// Throws Error(document).
Outcome decode_outcome(const std::string& text);

}  // namespace toehold
