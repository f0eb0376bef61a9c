#include "runner/agent/explain.hpp"

#include "runner/base/text.hpp"
#include "runner/engine/redactor.hpp"

namespace toehold {

namespace {

class Explainer {
 public:
  Explainer(const Plan& plan, ScopeFacts facts) : plan_(plan), facts_(std::move(facts)) {}

  std::string text() {
    std::size_t number = 0;
    for (std::size_t i = 0; i < plan_.documents.size(); ++i) document(i, number);
    std::size_t left_out = 0;
    for (const PlannedStep& planned : plan_.steps) left_out += planned.left_out;
    out_ += count_of(plan_.steps.size() - left_out, "step") + " would run";
    if (left_out != 0) out_ += ", " + std::to_string(left_out) + " are left out";
    out_ += "; nothing was run\n";
    return printable(secrets_.mask(out_));
  }

 private:
  void document(std::size_t index, std::size_t& number) {
    const DocumentRun& run = plan_.documents[index];
    const Scope scope(*run.document, run.parameters, facts_);
    out_ += "document " + run.path;
    if (!run.document->name.empty()) out_ += " (" + run.document->name + ")";
    out_ += "\n";
    const StepFrame nowhere;
    for (const Parameter& parameter : run.document->parameters) {
      std::string value = scope.preview("{{ " + parameter.name + " }}", nowhere);
      if (looks_secret(parameter.name) && !value.empty()) {
        secrets_.add(value);
        value = "***";
      }
      out_ += "  parameter " + parameter.name + " = " + value + "\n";
    }
    const Phase* phase = nullptr;
    for (const PlannedStep& planned : plan_.steps) {
      if (planned.document != index) continue;
      if (planned.phase != phase) {
        phase = planned.phase;
        out_ += "  phase " + phase->name + "\n";
      }
      step(planned, scope, ++number);
    }
  }

  void step(const PlannedStep& planned, const Scope& scope, std::size_t number) {
    const Step& step = *planned.step;
    const StepFrame frame{planned.phase->name, step.name, {}, {}, {}};
    const auto& source = *plan_.documents[planned.document].document->source;
    out_ += "    " + std::to_string(number) + ". " + step.name + "  " + step.action + "  " +
            source.name() + ":" + std::to_string(step.where.line);
    if (planned.left_out) {
      out_ += "  (left out)\n";
      return;
    }
    out_ += "\n";
    facts(step);
    if (step.condition) {
      out_ += "       if       " + condition_text(step.condition->condition, scope, frame) + "\n";
    }
    if (step.loop) out_ += "       loop     " + loop_text(*step.loop, scope, frame) + "\n";
    inputs(step.inputs, scope, frame, "       ");
  }

  void facts(const Step& step) {
    std::string line;
    if (step.timeout_seconds != 7200) {
      line += step.timeout_seconds < 0 ? "no timeout  "
                                       : "timeout " + std::to_string(step.timeout_seconds) + " s  ";
    }
    if (step.max_attempts != 1) line += std::to_string(step.max_attempts) + " attempts  ";
    if (step.on_failure != OnFailure::abort) {
      line += std::string("onFailure ") + to_string(step.on_failure) + "  ";
    }
    if (step.disable_logging) line += "output hidden  ";
    if (!line.empty()) out_ += "       " + std::string(trim(line)) + "\n";
  }

  static std::string condition_text(const Condition& condition, const Scope& scope,
                                    const StepFrame& frame) {
    for (const OperatorInfo& row : operator_table()) {
      if (row.op != condition.op) continue;
      std::string text = row.key;
      if (!condition.terms.empty()) {
        text += "(";
        for (const Condition& term : condition.terms) {
          if (&term != &condition.terms.front()) text += ", ";
          text += condition_text(term, scope, frame);
        }
        return text + ")";
      }
      text += " '" + scope.preview(condition.operand.text(), frame) + "'";
      if (row.other_key) {
        text += std::string(" ") + row.other_key + " '" +
                scope.preview(condition.other.text(), frame) + "'";
      }
      return text;
    }
    return {};
  }

  static std::string loop_text(const Loop& loop, const Scope& scope, const StepFrame& frame) {
    if (loop.range) {
      return "from " + std::to_string(loop.range->start) + " to " +
             std::to_string(loop.range->end) + " by " + std::to_string(loop.range->update_by);
    }
    std::vector<std::string> values;
    if (loop.values) {
      for (const Value& value : *loop.values) values.push_back(scope.preview(value.text(), frame));
      return "over " + join(values, ", ");
    }
    return "over '" + scope.preview(loop.delimited->list.text(), frame) + "' split at '" +
           loop.delimited->delimiter + "'";
  }

  void inputs(const Value& value, const Scope& scope, const StepFrame& frame,
              const std::string& indent) {
    for (const Value& item : value.list()) {
      if (item.is_scalar()) {
        scalar("- ", item, scope, frame, indent);
      } else {
        const std::size_t begin = out_.size();
        inputs(item, scope, frame, indent + "  ");
        if (out_.size() > begin) out_[begin + indent.size()] = '-';
      }
    }
    for (const auto& member : value.map()) {
      if (member.value.is_scalar()) {
        scalar(member.key + ": ", member.value, scope, frame, indent);
      } else {
        out_ += indent + member.key + ":\n";
        inputs(member.value, scope, frame, indent + "  ");
      }
    }
  }

  void scalar(const std::string& label, const Value& value, const Scope& scope,
              const StepFrame& frame, const std::string& indent) {
    std::string text = printable(scope.preview(value.text(), frame));
    while (text.ends_with('\n')) text.pop_back();
    if (text.find('\n') == std::string::npos) {
      out_ += indent + label + text + "\n";
      return;
    }
    out_ += indent + label + "|\n" + indent + "  " + replace_all(text, "\n", "\n" + indent + "  ") +
            "\n";
  }

  const Plan& plan_;
  ScopeFacts facts_;
  std::string out_;
  Secrets secrets_;
};

}  // namespace

std::string explain_plan(const Plan& plan, const Platform& platform, const Clock& clock,
                         const std::string& execution_id) {
  ScopeFacts facts;
  facts.execution_id = execution_id;
  facts.platform = &platform;
  facts.clock = &clock;
  return Explainer(plan, std::move(facts)).text();
}

}  // namespace toehold
