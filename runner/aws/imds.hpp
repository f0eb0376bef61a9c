// Imds: EC2 instance metadata, version 2 (a session token first) and never version 1. Called for
// `{{ aws:imds:... }}`, for the region and for the instance's role. Never goes through a proxy and
// never waits long: off EC2 it fails in about a second and remembers that.
#pragma once

#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "runner/aws/settings.hpp"
#include "runner/base/clock.hpp"
#include "runner/base/http.hpp"

namespace toehold::aws {

class Imds {
 public:
  /// `settings.imds_endpoint`, `imds_disabled` and the like are honoured.
  Imds(const Settings& settings, HttpClient& http, Clock& clock);

  /// The text at `path` below /latest/ ("meta-data/instance-id"); nullopt when there is no such
  /// item. Throws Error(aws) that says why there is no metadata (disabled, no route, timed out,
  /// refused) and what to do.
  std::optional<std::string> get(const std::string& path, Deadline deadline, std::stop_token stop);
  /// Of the instance identity document, else of placement/region; nullopt when neither is there.
  /// Throws as get().
  std::optional<std::string> region(Deadline deadline, std::stop_token stop);
  /// accountId of the instance identity document; nullopt when there is none. Throws as get().
  std::optional<std::string> account_id(Deadline deadline, std::stop_token stop);

 private:
  void renew_token(Deadline deadline, std::stop_token stop);
  HttpResponse ask(HttpRequest request, std::string& body, Deadline deadline, std::stop_token stop);
  [[noreturn]] void fail(const HttpResponse& response);
  std::optional<std::string> identity(const char* key, Deadline deadline, std::stop_token stop);

  const Settings& settings_;
  HttpClient& http_;
  Clock& clock_;
  std::mutex mutex_;
  std::string token_;
  Monotonic token_ends_{};
  std::string unreachable_;  // why an earlier try failed; it is not repeated
};

}  // namespace toehold::aws
