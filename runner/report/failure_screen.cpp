#include "runner/report/failure_screen.hpp"

#include "runner/base/text.hpp"
#include "runner/engine/redactor.hpp"
#include "runner/engine/scope.hpp"

namespace toehold {

namespace {

constexpr std::size_t longest_value = 600;

class InputsText {
 public:
  std::string of(const Value& inputs) {
    for (const Value& item : inputs.list()) map(item, "    ");
    return text_;
  }

 private:
  void map(const Value& value, const std::string& indent) {
    for (const auto& member : value.map()) {
      const bool secret = looks_secret(member.key);
      if (member.value.is_scalar()) {
        if (member.value.text().empty()) continue;
        scalar(member.key + ": ", secret ? "***" : member.value.text(), indent);
      } else if (member.value.is_list()) {
        text_ += indent + member.key + ":\n";
        list(member.value, indent + "  ");
      } else {
        text_ += indent + member.key + ":\n";
        map(member.value, indent + "  ");
      }
    }
  }

  void list(const Value& value, const std::string& indent) {
    for (const Value& item : value.list()) {
      if (item.is_scalar()) {
        scalar("- ", item.text(), indent);
      } else {
        map(item, indent + "  ");
      }
    }
  }

  void scalar(const std::string& label, const std::string& value, const std::string& indent) {
    std::string shown = printable(value);
    while (shown.ends_with('\n')) shown.pop_back();
    if (shown.size() > longest_value) {
      shown.resize(longest_value);
      shown = to_valid_utf8(shown) + "... (" + format_size(value.size()) + ")";
    }
    if (shown.find('\n') == std::string::npos) {
      text_ += indent + label + shown + "\n";
    } else {
      text_ += indent + label + "|\n" + indent + "  " +
               replace_all(shown, "\n", "\n" + indent + "  ") + "\n";
    }
  }

  std::string text_;
};

}  // namespace

std::string failure_screen(const FailedStep& failed, const Terminal& terminal,
                           const std::string& retry_command, const std::string& log_directory) {
  const std::string step = failed.started.phase + "." + failed.started.name;
  std::string text = "\n" + terminal.red(terminal.bold("step failed: " + step)) + "\n";
  const auto row = [&](const std::string& label, const std::string& value) {
    text += "  " + terminal.dim(label + std::string(10 - label.size(), ' ')) + value + "\n";
  };
  row("action", failed.started.action);
  row("where", failed.document_path + ":" + std::to_string(failed.started.line));
  std::string why = printable(failed.finished.message);
  row("why", replace_all(why, "\n", "\n            "));
  if (failed.started.max_attempts > 1) {
    row("attempts", std::to_string(failed.finished.attempts) + " of " +
                        std::to_string(failed.started.max_attempts));
  }
  row("took", format_duration(failed.finished.seconds));
  if (!failed.started.logging) {
    row("inputs", "hidden (disableLogging)");
  } else if (const std::string inputs = InputsText().of(failed.finished.inputs); !inputs.empty()) {
    text += "  " + terminal.dim("inputs") + "\n" + inputs;
  }
  if (!failed.tail.empty()) {
    text += "  " + terminal.dim("last output") + "\n";
    for (const std::string& line : failed.tail) text += "    " + terminal.dim("| ") + line + "\n";
  }
  if (failed.in_doubt) {
    text +=
        "  " + terminal.dim("in doubt") +
        "\n    The run died while this step was at work. Look at what it did; then run it again "
        "from here,\n    or give --in-doubt rerun where doing it twice does no harm.\n";
  }
  const bool nested = failed.started.step.find('>') != std::string::npos;
  text += "  " + terminal.dim("next") + "\n";
  if (!retry_command.empty() && !nested) {
    // From a step on whose outputs are not there, it would fail once more.
    const auto missing = missing_step(failed.finished.message);
    text += "    " + terminal.cyan(retry_command + " --from " + missing.value_or(step)) +
            (missing ? "   begin with the step that is missing\n" : "   go on from this step\n");
  }
  if (!log_directory.empty()) {
    text += "    " + terminal.cyan("less +G " + log_directory + "/console.log") +
            "   everything it printed\n";
  }
  return text;
}

}  // namespace toehold
