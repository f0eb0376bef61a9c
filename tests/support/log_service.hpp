// CloudWatch Logs in memory, behind an HttpClient: groups, streams and their events, the service's
// limits checked on every call, and faults by script. Included by tests of what logs there; opens
// no connection.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "runner/aws/session.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "tests/support/scripted_process.hpp"
#include "tests/support/virtual_clock.hpp"

namespace toehold::test {

struct LogServiceEvent {
  UnixMillis time = 0;
  std::string message;
  bool operator==(const LogServiceEvent&) const = default;
};

class LogService {
 public:
  struct Reply {
    long status = 200;
    std::string body = "{}";
    std::string transport_error;
    bool hangs = false;     // until it is stopped or its deadline
    bool done_too = false;  // the call has its effect all the same
  };
  static Reply error(const std::string& code, long status = 400) {
    return {status, R"({"__type":")" + code + R"(","message":"so it is"})", {}, false, false};
  }

  /// Answers of the next calls of an operation; after them, it works.
  void script(const std::string& operation, std::vector<Reply> replies) {
    for (Reply& reply : replies) script_[operation].push_back(std::move(reply));
  }
  /// From now on every call is answered so; nullopt: it works.
  void always(std::optional<Reply> reply) {
    const std::lock_guard lock(mutex_);
    always_ = std::move(reply);
  }

  HttpResponse call(const HttpRequest& request, const OnBody& on_body, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    std::string operation;
    for (const auto& [name, value] : request.headers) {
      if (equals_ignoring_case(name, "x-amz-target")) operation = value.substr(value.find('.') + 1);
    }
    calls.push_back(operation);
    urls.push_back(request.url);
    largest_body = std::max(largest_body, request.body.size());
    changed_.notify_all();
    Reply reply = always_.value_or(Reply());
    bool works = !always_;
    if (auto& next = script_[operation]; !next.empty()) {
      reply = next.front();
      next.pop_front();
      works = reply.done_too;
    }
    if (reply.hangs) {
      // Nothing wakes it but a stop: the clock of these tests does not move by itself.
      changed_.wait(lock, stop, [] { return false; });
      return failure("cancelled");
    }
    if (works) {
      const Reply done = act(operation, parse_json(request.body));
      if (!reply.done_too) reply = done;
    }
    if (!reply.transport_error.empty()) return failure(reply.transport_error);
    HttpResponse response;
    response.status = reply.status;
    lock.unlock();
    if (request.on_head && !request.on_head(response)) return response;
    on_body(reply.body);
    return response;
  }

  /// Waits in real time, for tests with a thread.
  bool wait_for_calls(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return calls.size() >= count; });
  }
  std::vector<std::string> messages() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& event : events) all.push_back(event.message);
    return all;
  }

  std::vector<std::string> calls;
  std::vector<std::string> urls;
  std::map<std::string, std::set<std::string>> groups;  // their streams
  std::vector<LogServiceEvent> events;
  std::vector<std::string> broken_rules;
  std::vector<std::size_t> batch_sizes;
  std::size_t largest_body = 0;
  std::function<std::string(const std::vector<LogServiceEvent>&)> answer_put;

 private:
  static HttpResponse failure(const std::string& text) {
    HttpResponse response;
    response.transport_error = text;
    response.retryable = true;
    return response;
  }

  Reply act(const std::string& operation, const Value& body) {
    const std::string group = body.find("logGroupName")->text();
    const Value* named = body.find("logStreamName");
    const std::string stream = named ? named->text() : "";
    if (operation == "CreateLogGroup") {
      return groups.try_emplace(group).second ? Reply() : error("ResourceAlreadyExistsException");
    }
    const auto found = groups.find(group);
    if (found == groups.end()) return error("ResourceNotFoundException");
    if (operation == "CreateLogStream") {
      const bool is_new = found->second.insert(stream).second;
      return is_new ? Reply() : error("ResourceAlreadyExistsException");
    }
    if (!found->second.contains(stream)) return error("ResourceNotFoundException");
    return put(body);
  }

  /// The rules of PutLogEvents, as its reference has them.
  Reply put(const Value& body) {
    std::vector<LogServiceEvent> batch;
    std::size_t bytes = 0;
    const auto rule = [&](bool kept, const char* what) {
      if (!kept) broken_rules.push_back(what);
    };
    for (const Value& item : body.find("logEvents")->list()) {
      batch.push_back({*item.find("timestamp")->as_int(), item.find("message")->text()});
      const std::size_t size = batch.back().message.size();
      rule(size > 0, "an event is empty");
      rule(size + 26 <= 262'144, "an event is too long");
      rule(!find_invalid_utf8(batch.back().message), "an event is no UTF-8");
      bytes += size + 26;
      if (batch.size() < 2) continue;
      rule(batch[batch.size() - 2].time <= batch.back().time, "events are not in order");
    }
    rule(!batch.empty(), "no events");
    rule(batch.size() <= 10'000, "too many events");
    rule(bytes <= 1'048'576, "too many bytes");
    if (!batch.empty()) {
      rule(batch.back().time - batch.front().time <= 24 * 60 * 60 * 1000, "more than 24 hours");
    }
    batch_sizes.push_back(batch.size());
    events.insert(events.end(), batch.begin(), batch.end());
    return {200, answer_put ? answer_put(batch) : "{}", {}, false, false};
  }

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, std::deque<Reply>> script_;
  std::optional<Reply> always_;
};

class LogServiceClient final : public HttpClient {
 public:
  explicit LogServiceClient(LogService& service) : service_(service) {}
  HttpResponse send(const HttpRequest& request, const OnBody& on_body,
                    std::stop_token stop) override {
    return service_.call(request, on_body, std::move(stop));
  }

 private:
  LogService& service_;
};

class KnownCredentials final : public aws::CredentialProvider {
 public:
  std::optional<aws::Credentials> find(Deadline, std::stop_token) override {
    return aws::Credentials{"AKIDEXAMPLE", "secret", "", {}, "the test"};
  }
  std::string name() const override { return "the test"; }
};

/// A session whose calls all go to `service`; its clock is virtual, but for tests with threads.
struct LogServiceSession {
  explicit LogServiceSession(LogService& service, bool real_time = false)
      : session(
            settings(), [&service] { return std::make_unique<LogServiceClient>(service); },
            real_time ? static_cast<Clock&>(real_clock) : clock, processes,
            std::make_unique<KnownCredentials>()) {}
  static aws::Settings settings() {
    aws::Settings settings;
    settings.region = "eu-west-1";
    settings.environment = [](const std::string&) { return std::nullopt; };
    return settings;
  }
  VirtualClock clock;
  SystemClock real_clock;
  ScriptedProcess processes;
  aws::Session session;
};

}  // namespace toehold::test
