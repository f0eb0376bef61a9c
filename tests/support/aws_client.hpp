// A Client of one session over a scripted network, with credentials at hand and a region. Included
// by the tests of services; opens no connection.
#pragma once

#include <memory>
#include <string>

#include "runner/aws/client.hpp"
#include "runner/base/error.hpp"
#include "tests/support/scripted_http.hpp"
#include "tests/support/scripted_process.hpp"
#include "tests/support/virtual_clock.hpp"

namespace toehold::test {

class FixedCredentials final : public aws::CredentialProvider {
 public:
  std::optional<aws::Credentials> find(Deadline, std::stop_token) override {
    return aws::Credentials{"AKID", "SECRET", "", {}, "the test"};
  }
  std::string name() const override { return "the test"; }
};

struct ClientHarness {
  ScriptedHttp http;
  VirtualClock clock;
  ScriptedProcess processes;
  std::map<std::string, std::string> environment;
  aws::Session session{[this] { return settings(); }(), http.maker(), clock, processes,
                       std::make_unique<FixedCredentials>()};
  aws::Client client{session};

  /// The message and the hint of the Error that `call` throws.
  template <class Call>
  static std::string refusal(const Call& call) {
    try {
      call();
      return {};
    } catch (const Error& error) {
      return std::string(error.what()) + " | " + error.hint();
    }
  }

 private:
  aws::Settings settings() {
    aws::Settings made;
    made.region = "eu-west-1";
    made.imds_disabled = true;
    made.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto at = environment.find(name);
      return at == environment.end() ? std::nullopt : std::optional(at->second);
    };
    return made;
  }
};

}  // namespace toehold::test
