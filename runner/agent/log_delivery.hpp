// LogDelivery: brings a run's logs to AWS as it was asked to: console.log to CloudWatch Logs while
// the run goes on, the log folder to S3 at its end. Called by RunSession; does nothing when neither
// was asked for, and never touches the journal.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "runner/base/object_store.hpp"
#include "runner/engine/event_sink.hpp"
#include "runner/engine/run_request.hpp"
#include "runner/report/cloudwatch.hpp"

namespace toehold {

/// Throws Error(usage) for options about logs that do not go together or that AWS cannot take.
void check_log_options(const RunRequest& request);

class LogDelivery {
 public:
  /// The references outlive it; they are used only for what `request` asks.
  LogDelivery(const RunRequest& request, const RunStarted& started, aws::Session& session,
              ObjectStore& objects);

  /// From now on console.log, which must be there, is sent. A new run fails here, before its first
  /// step, when CloudWatch Logs cannot be used: throws Error, unless failures are to be ignored.
  /// One that goes on has had effects and does not. `progress_file`: see CloudWatchOptions.
  void begin(const std::filesystem::path& progress_file, bool goes_on, std::stop_token stop);
  /// To be shown to whoever watches the run.
  std::optional<std::string> news();
  /// Before this process ends and another one goes on with the run: sends for a few seconds more.
  void pause();
  /// The run is over: sends and uploads what is left, and says on stderr what could not be. Returns
  /// what went wrong, empty if nothing did or it is to be ignored.
  std::string finish(std::stop_token stop);

  /// Where the logs are: s3://bucket/prefix/TOE_... once they have been uploaded, else the folder.
  std::string log_url() const;

 private:
  std::string finish_cloudwatch(std::stop_token stop);
  std::string upload(std::stop_token stop);
  ObjectAddress destination() const;

  const RunRequest& request_;
  std::filesystem::path log_directory_;
  aws::Session& session_;
  ObjectStore& objects_;
  aws::LogTarget target_;
  std::optional<CloudWatchLog> cloudwatch_;
  bool uploaded_ = false;
};

/// Shows its news on `screen` as notes.
class DeliveryNews final : public EventSink {
 public:
  DeliveryNews(LogDelivery& delivery, EventSink& screen, const Clock& clock)
      : delivery_(delivery), screen_(screen), clock_(clock) {}
  void on(const Event&) override { tick(); }
  void tick() override;

 private:
  LogDelivery& delivery_;
  EventSink& screen_;
  const Clock& clock_;
};

}  // namespace toehold
