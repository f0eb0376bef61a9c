#include "runner/report/result.hpp"

#include "runner/base/json.hpp"

namespace toehold {

std::string result_json(const RunStarted& started, const RunFinished& finished,
                        const std::string& log_url) {
  return to_json(Value::object({{"executionId", started.execution_id},
                                {"status", finished.status},
                                {"failedStepCount", finished.failed_steps},
                                {"executedStepCount", finished.executed_steps},
                                {"ignoredFailedStepCount", finished.ignored_failed_steps},
                                {"failureMessage", finished.message},
                                {"logUrl", log_url}}),
                 4);
}

}  // namespace toehold
