// Session: what all calls to AWS of one run share: settings, region, credentials that are renewed
// in time, and how far this machine's clock is off. Made by the composition root; does nothing
// until it is first asked. Safe for several threads; an HttpClient is not, so each thread has its
// own Client.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "runner/aws/call_rate.hpp"
#include "runner/aws/credentials.hpp"
#include "runner/aws/imds.hpp"
#include "runner/aws/settings.hpp"

namespace toehold::aws {

using MakeHttpClient = std::function<std::unique_ptr<HttpClient>()>;

class Session {
 public:
  /// `read`: called at first use. The references outlive the session.
  Session(std::function<Settings()> read, MakeHttpClient make_http, Clock& clock,
          ProcessRunner& processes);
  /// With credentials of the test's own.
  Session(Settings settings, MakeHttpClient make_http, Clock& clock, ProcessRunner& processes,
          std::unique_ptr<CredentialProvider> provider);

  const Settings& settings();
  Imds& imds();
  Clock& clock() { return clock_; }
  ProcessRunner& processes() { return processes_; }
  std::unique_ptr<HttpClient> make_http() const { return make_http_(); }

  /// Of the settings, else of the instance. Throws Error(aws) that says how to set it.
  std::string region(Deadline deadline, std::stop_token stop);
  /// Renewed five minutes before they end (sooner when they live no longer), or when `rejected`
  /// (their access key id) are the ones at hand: a service has called them expired. Throws
  /// Error(aws).
  Credentials credentials(Deadline deadline, std::stop_token stop,
                          const std::string& rejected = {});
  /// The account of the instance, else sts:GetCallerIdentity.
  std::string account_id(Deadline deadline, std::stop_token stop);

  /// Where a bucket turned out to be; empty when nothing else is known than our own region.
  std::string bucket_region(const std::string& bucket);
  void set_bucket_region(const std::string& bucket, const std::string& region);

  /// Wall clock with what services have said of it.
  UnixMillis now() const;
  /// `server_time`: what the service's answer was dated. Moves our time if it is off by more than a
  /// minute; returns now() less the machine's own time, for comparing.
  std::int64_t correct_clock(UnixMillis server_time);
  std::int64_t clock_skew() const { return skew_; }

  /// When the next call may be made.
  CallRates& rates() { return rates_; }

  /// Leave for one thread more of a transfer, which has one in any case: of hundreds at once, all
  /// together have no more of those than there are connections. Given back when they have ended.
  bool take_helper();
  void give_back_helpers(std::size_t count) { helpers_ -= count; }

 private:
  void load();
  void plan_renewal(bool renewed);

  std::function<Settings()> read_;
  MakeHttpClient make_http_;
  Clock& clock_;
  ProcessRunner& processes_;
  std::once_flag loaded_;
  std::optional<Settings> settings_;
  std::unique_ptr<HttpClient> metadata_http_;     // one thread at a time: under Imds' own lock
  std::unique_ptr<HttpClient> credentials_http_;  // under mutex_
  std::unique_ptr<Imds> imds_;
  std::unique_ptr<CredentialProvider> provider_;
  std::mutex mutex_;
  std::optional<Credentials> credentials_;
  UnixMillis renew_at_ = 0;  // of credentials that end
  std::string region_;
  std::string account_;
  std::map<std::string, std::string> bucket_regions_;
  CallRates rates_;
  std::atomic<std::size_t> helpers_{0};
  std::atomic<std::int64_t> skew_{0};  // milliseconds to add to our clock
};

}  // namespace toehold::aws
