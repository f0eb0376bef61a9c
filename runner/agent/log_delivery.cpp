#include "runner/agent/log_delivery.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/folder_upload.hpp"
#include "runner/base/log.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds create_time(30);
constexpr FlushPatience patience_at_end{seconds(30), seconds(300)};
constexpr FlushPatience patience_when_ignored{seconds(10), seconds(300)};
constexpr FlushPatience patience_at_pause{seconds(3), seconds(10)};
constexpr std::chrono::minutes upload_time(30);

void check_account(const char* option, const std::string& account) {
  const bool digits =
      std::all_of(account.begin(), account.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (account.empty() || (digits && account.size() == 12)) return;
  throw Error(Error::Kind::usage, std::string(option) + ": '" + account + "' is no account id",
              "write its 12 digits");
}

void check_bucket(const std::string& bucket) {
  if (bucket.starts_with("s3://") || bucket.find('/') != std::string::npos) {
    throw Error(Error::Kind::usage, "--log-s3-bucket-name: '" + bucket + "' is no bucket's name",
                "write the name alone; the folder in it goes to --log-s3-key-prefix");
  }
  const bool allowed = std::all_of(bucket.begin(), bucket.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
  if (allowed && bucket.size() >= 3) return;
  throw Error(Error::Kind::usage, "--log-s3-bucket-name: '" + bucket + "' is no bucket's name",
              "a name has letters, digits, '-' and '.', at least 3 of them");
}

void needs(const char* option, const std::string& value, const char* needed,
           const std::string& with) {
  if (value.empty() || !with.empty()) return;
  throw Error(Error::Kind::usage, std::string(option) + " has no effect without " + needed,
              std::string("add ") + needed + ", or leave it out");
}

void print(const char* severity, const std::string& message, const std::string& hint) {
  std::string text = std::string(severity) + ": " + printable(message) + "\n";
  if (!hint.empty()) text += "  = " + printable(hint) + "\n";
  std::fputs(text.c_str(), stderr);
}

}  // namespace

void check_log_options(const RunRequest& request) {
  needs("--cw-log-stream", request.cw_log_stream, "--cw-log-group", request.cw_log_group);
  needs("--cw-log-region", request.cw_log_region, "--cw-log-group", request.cw_log_group);
  needs("--log-s3-key-prefix", request.log_s3_key_prefix, "--log-s3-bucket-name",
        request.log_s3_bucket_name);
  needs("--log-s3-bucket-owner", request.log_s3_bucket_owner, "--log-s3-bucket-name",
        request.log_s3_bucket_name);
  try {
    if (!request.cw_log_group.empty()) aws::check_log_group(request.cw_log_group);
  } catch (Error& error) {
    throw error.during("--cw-log-group");
  }
  try {
    if (!request.cw_log_stream.empty()) aws::check_log_stream(request.cw_log_stream);
  } catch (Error& error) {
    throw error.during("--cw-log-stream");
  }
  if (!request.log_s3_bucket_name.empty()) check_bucket(request.log_s3_bucket_name);
  check_account("--log-s3-bucket-owner", request.log_s3_bucket_owner);
}

LogDelivery::LogDelivery(const RunRequest& request, const RunStarted& started,
                         aws::Session& session, ObjectStore& objects)
    : request_(request),
      log_directory_(started.log_directory),
      session_(session),
      objects_(objects),
      target_{request.cw_log_region, request.cw_log_group,
              request.cw_log_stream.empty() ? started.execution_id : request.cw_log_stream} {}

void LogDelivery::begin(const fs::path& progress_file, bool goes_on, std::stop_token stop) {
  if (target_.group.empty()) return;
  cloudwatch_.emplace(session_,
                      CloudWatchOptions{log_directory_ / "console.log", target_, progress_file});
  if (!goes_on && !request_.cw_ignore_failures) {
    try {
      cloudwatch_->create(
          {Deadline(session_.clock().monotonic() + create_time), stop,
           [](const std::string& text) { log(LogLevel::info, "CloudWatch Logs: " + text); }});
    } catch (const Error& error) {
      if (error.kind() == Error::Kind::cancelled) throw;
      const std::string hint = error.hint().empty() ? "" : error.hint() + "; or ";
      throw Error(
          error.kind(),
          "console.log cannot be sent to CloudWatch Logs; no step was run: " + error.full_message(),
          hint + "add --cw-ignore-failures to run without it");
    }
  }
  cloudwatch_->start();
}

std::optional<std::string> LogDelivery::news() {
  return cloudwatch_ ? cloudwatch_->news() : std::nullopt;
}

void LogDelivery::pause() {
  if (cloudwatch_) cloudwatch_->finish(patience_at_pause, {});
}

std::string LogDelivery::finish(std::stop_token stop) {
  const std::string unsent = finish_cloudwatch(stop);
  const std::string kept = upload(stop);
  return unsent.empty() ? kept : unsent;
}

std::string LogDelivery::finish_cloudwatch(std::stop_token stop) {
  if (!cloudwatch_) return {};
  const bool ignored = request_.cw_ignore_failures;
  const CloudWatchGaps gaps = cloudwatch_->finish(
      ignored ? patience_when_ignored : patience_at_end, stop, [](std::uint64_t left) {
        std::fprintf(stderr, "sending the last %s of console.log to CloudWatch Logs\n",
                     format_size(left).c_str());
      });
  if (gaps.why.empty()) return {};
  const std::string what =
      gaps.unsent_bytes > 0
          ? "the last " + format_size(gaps.unsent_bytes) + " of console.log are not in "
          : count_of(gaps.rejected_events, "line") + " of console.log were refused by ";
  const std::string message = what + "CloudWatch " + to_string(target_) + ": " + gaps.why;
  const std::string hint = gaps.hint.empty() ? "" : gaps.hint + "; ";
  print(ignored ? "warning" : "error", message,
        hint + "all of it is in " + (log_directory_ / "console.log").string());
  log(ignored ? LogLevel::warning : LogLevel::error, message);
  return ignored ? std::string() : message;
}

ObjectAddress LogDelivery::destination() const {
  return {request_.log_s3_bucket_name,
          object_key(request_.log_s3_key_prefix, log_directory_.filename().string()),
          request_.log_s3_bucket_owner};
}

std::string LogDelivery::upload(std::stop_token stop) {
  if (request_.log_s3_bucket_name.empty()) return {};
  const ObjectAddress to = destination();
  try {
    objects_.put(uploads_of(log_directory_, to),
                 {Deadline(session_.clock().monotonic() + upload_time),
                  stop,
                  {},
                  [](const std::string& text) { log(LogLevel::info, text); }});
    uploaded_ = true;
    return {};
  } catch (const Error& error) {
    const std::string message =
        "the logs could not be uploaded to " + to_string(to) + ": " + error.full_message();
    const std::string hint = error.hint().empty() ? "" : error.hint() + "; then ";
    print("error", message,
          hint + "aws s3 cp --recursive " + log_directory_.string() + " " + to_string(to));
    return message;
  }
}

std::string LogDelivery::log_url() const {
  return uploaded_ ? to_string(destination()) : log_directory_.string();
}

void DeliveryNews::tick() {
  const auto text = delivery_.news();
  if (text) screen_.on(Event{0, clock_.unix_millis(), Note{"", "warning", *text}});
}

}  // namespace toehold
