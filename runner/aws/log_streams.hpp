// CloudWatch Logs read back: the events of one stream in order, and streams deleted. Called by the
// controller, for what its instances have put there; writes no events.
// Source: the API references of GetLogEvents, DescribeLogStreams and DeleteLogStream.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/aws/logs.hpp"

namespace toehold::aws {

struct LogPage {
  std::vector<std::string> messages;
  std::string next;  // asks for what comes behind them, also when there is nothing yet
};
/// From the stream's beginning, or from where the page ended that `next` is of: at most 1 MiB.
/// nullopt: there is no such stream. Throws Error as Client::require does.
std::optional<LogPage> get_log_events(Client& client, const LogTarget& target,
                                      const std::string& next, const Control& control);

/// One that is gone already is no failure. Throws Error as Client::require does.
void delete_log_stream(Client& client, const LogTarget& target, const Control& control);
/// All streams of the group whose names begin with `prefix.stream`.
void delete_log_streams(Client& client, const LogTarget& prefix, const Control& control);

}  // namespace toehold::aws
