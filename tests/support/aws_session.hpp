// A session over a made-up network, with credentials that a test hands out. Included by tests of
// Session, Client and the services.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "runner/aws/client.hpp"
#include "runner/base/error.hpp"
#include "tests/support/scripted_http.hpp"
#include "tests/support/scripted_process.hpp"
#include "tests/support/virtual_clock.hpp"

namespace toehold::test {

/// Gives its credentials one by one, the last one again and again; none at all is an error.
class ScriptedCredentials final : public aws::CredentialProvider {
 public:
  std::optional<aws::Credentials> find(Deadline, std::stop_token) override {
    ++asked;
    if (fails || keys.empty()) throw Error(Error::Kind::aws, "the source is away");
    aws::Credentials next = keys.front();
    if (keys.size() > 1) keys.pop_front();
    return next;
  }
  std::string name() const override { return "the test"; }

  std::deque<aws::Credentials> keys;
  bool fails = false;
  int asked = 0;
};

class SessionHarness {
 public:
  SessionHarness() {
    auto provider = std::make_unique<ScriptedCredentials>();
    credentials = provider.get();
    credentials->keys.push_back({"KEY", "SECRET", "TOKEN", {}, "the test"});
    settings.region = "eu-west-1";
    settings.environment = [](const std::string&) { return std::nullopt; };
    provider_ = std::move(provider);
  }

  /// Made at first use, of the settings as they are then.
  aws::Session& session() {
    if (!session_) {
      session_ = std::make_unique<aws::Session>(settings, http.maker(), clock, processes,
                                                std::move(provider_));
    }
    return *session_;
  }
  aws::Client& client() {
    if (!client_) client_ = std::make_unique<aws::Client>(session());
    return *client_;
  }
  aws::Control control() {
    return {deadline, stop.get_token(), [this](const std::string& note) { notes.push_back(note); }};
  }
  aws::Answer send(const aws::Call& call) { return client().send(call, control()); }
  /// What `require` throws, with its hint; empty when it does not.
  std::string failure(const aws::Call& call) {
    try {
      client().require(call, control());
      return {};
    } catch (const Error& error) {
      kind = error.kind();
      return std::string(error.what()) + (error.hint().empty() ? "" : " | " + error.hint());
    }
  }
  /// The access key that a request was signed with.
  std::string signer(std::size_t number) const {
    const std::string text = http.header(number, "authorization");
    const std::size_t begin = text.find("Credential=") + 11;
    return text.substr(begin, text.find('/') - begin);
  }

  aws::Settings settings;
  ScriptedHttp http;
  ScriptedProcess processes;
  VirtualClock clock;
  ScriptedCredentials* credentials;
  Deadline deadline;
  std::stop_source stop;
  std::vector<std::string> notes;
  Error::Kind kind{};

 private:
  std::unique_ptr<aws::CredentialProvider> provider_;
  std::unique_ptr<aws::Session> session_;
  std::unique_ptr<aws::Client> client_;
};

}  // namespace toehold::test
