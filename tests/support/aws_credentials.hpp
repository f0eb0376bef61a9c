// A credential chain over a made-up home, environment, network and program. Included by the tests
// of the sources of credentials.
#pragma once

#include <memory>
#include <string>

#include "runner/aws/credential_sources.hpp"
#include "runner/base/error.hpp"
#include "tests/support/aws_home.hpp"
#include "tests/support/scripted_http.hpp"
#include "tests/support/scripted_process.hpp"
#include "tests/support/virtual_clock.hpp"

namespace toehold::test {

class CredentialHarness : public AwsHome {
 public:
  /// Off EC2 unless `on_ec2`.
  aws::Credentials find(const std::string& profile = {}) {
    settings_ = settings(profile);
    settings_.imds_disabled = !on_ec2;
    imds_ = std::make_unique<aws::Imds>(settings_, http, clock);
    chain_ = aws::default_credential_chain(settings_, {http, clock, processes, *imds_});
    return again();
  }
  /// The same chain, asked once more.
  aws::Credentials again() { return chain_->find({}, stop.get_token()).value(); }

  /// "KEY SECRET TOKEN" and who they are of, or what went wrong and what to do.
  std::string found(const std::string& profile = {}) {
    try {
      const aws::Credentials keys = find(profile);
      return keys.access_key_id + " " + keys.secret_access_key + " " + keys.session_token + " | " +
             keys.source;
    } catch (const Error& error) {
      kind = error.kind();
      return std::string(error.what()) + " | " + error.hint();
    }
  }

  /// STS' answer to an assumed role.
  void add_role(const std::string& key, const std::string& operation = "AssumeRole") {
    http.add(200,
             "<" + operation + "Response><" + operation + "Result><Credentials><AccessKeyId>" +
                 key + "</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T" +
                 "</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></" +
                 operation + "Result></" + operation + "Response>");
  }
  /// The access key that a request was signed with.
  std::string signer(std::size_t number) const {
    const std::string text = http.header(number, "authorization");
    const std::size_t begin = text.find("Credential=") + 11;
    return text.substr(begin, text.find('/') - begin);
  }

  ScriptedHttp http;
  ScriptedProcess processes;
  VirtualClock clock;
  std::stop_source stop;
  bool on_ec2 = false;
  Error::Kind kind{};

 private:
  aws::Settings settings_;
  std::unique_ptr<aws::Imds> imds_;
  std::unique_ptr<aws::CredentialProvider> chain_;
};

}  // namespace toehold::test
