#include "runner/controller/build_progress.hpp"

#include <unistd.h>

#include <cerrno>

#include "runner/base/fields.hpp"
#include "runner/base/json.hpp"

namespace toehold {

namespace {

const Fields<ProgressLine>& table() {
  // clang-format off
  static const Fields<ProgressLine> fields = Fields<ProgressLine>{}
      .optional("build", &ProgressLine::build, "Id of the build.")
      .optional("stage", &ProgressLine::stage, "That begins.")
      .optional("steps", &ProgressLine::steps, "Of the stage.")
      .optional("step", &ProgressLine::step, "That begins.")
      .optional("done", &ProgressLine::done, "Steps that have ended.")
      .optional("ended", &ProgressLine::ended, "How the build ended.")
      .optional("message", &ProgressLine::message, "Why it failed.")
      .optional("image", &ProgressLine::image, "Id of the image.");
  // clang-format on
  return fields;
}

/// A step of the recipe's own documents, not of one that they call.
bool is_outer(const std::string& step) {
  return step.find('>') == std::string::npos;
}

}  // namespace

std::string encode_progress(const ProgressLine& line) {
  return to_json(table().encode(line));
}

ProgressLine decode_progress(const std::string& text) {
  Diagnostics findings(nullptr);
  return table().decode(parse_json(text), "progress", findings).value_or(ProgressLine{});
}

void write_progress(int fd, const ProgressLine& line) {
  const std::string text = encode_progress(line) + "\n";
  // Short enough for a pipe to take at once; one that is gone is nobody's error.
  while (::write(fd, text.data(), text.size()) < 0 && errno == EINTR) continue;
}

void BuildProgress::begin_stage(const std::string& name, std::size_t steps) {
  done_ = 0;
  ProgressLine line;
  line.stage = name;
  line.steps = static_cast<std::int64_t>(steps);
  tell(line);
}

void BuildProgress::on(const Event& event) {
  ProgressLine line;
  if (const auto* started = std::get_if<StepStarted>(&event.data)) {
    if (!is_outer(started->step)) return;
    line.step = started->phase + "." + started->name;
  } else if (const auto* finished = std::get_if<StepFinished>(&event.data)) {
    if (!is_outer(finished->step)) return;
    ++done_;
  } else {
    return;
  }
  line.done = done_;
  tell(line);
}

}  // namespace toehold
