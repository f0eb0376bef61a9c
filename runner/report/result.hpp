// The JSON object that a run leaves on stdout, in awstoe's shape and order of keys. Called by `run`
// at its end; builds text, never prints.
#pragma once

#include <string>

#include "runner/engine/event.hpp"

namespace toehold {

/// Four blanks an indent, without a newline at the end. `log_url`: where the logs are, a folder or
/// an s3:// location.
std::string result_json(const RunStarted& started, const RunFinished& finished,
                        const std::string& log_url);

}  // namespace toehold
