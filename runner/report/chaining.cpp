#include "runner/report/chaining.hpp"

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"

namespace toehold {

void ChainingRecord::on(const Event& event) {
  if (const auto* step = std::get_if<StepFinished>(&event.data)) {
    // A step finishes once, so nothing is there to be replaced.
    steps_.map().push_back(
        {step->step, Value::object({{"inputs", step->inputs}, {"outputs", step->outputs}}), {}});
  } else if (std::holds_alternative<RunFinished>(event.data) ||
             std::holds_alternative<RebootRequested>(event.data)) {
    try {
      write_file_atomically(path_, to_json(steps_, 2) + "\n");
    } catch (const Error& error) {
      // A report that cannot be written does not end the run.
      problem_ = error.full_message();
    }
  }
}

}  // namespace toehold
