// AwsReach: the one aws::Session of a command, and what documents may ask through it. Made by run
// and validate before they know whether they need it: nothing is read or asked until then.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "runner/aws/client.hpp"
#include "runner/aws/s3.hpp"
#include "runner/aws/session.hpp"
#include "runner/base/process.hpp"
#include "runner/engine/scope.hpp"

namespace toehold {

class AwsReach {
 public:
  /// `stop` ends every wait of the lookups. `region`: empty, that of the settings.
  explicit AwsReach(std::stop_token stop, const std::string& region = {});
  /// With a session that others use, too, and that outlives it.
  AwsReach(std::stop_token stop, aws::Session& session);

  /// For all threads; the Client below is the main thread's.
  aws::Session& session() { return session_; }
  ObjectStore& objects() { return objects_; }
  aws::Client& client();
  /// Of the main thread, for what is not AWS.
  HttpClient& http();
  /// A minute from now, and what the service makes us wait for goes into the application log.
  aws::Control control() const;

  /// What references ask; the functions live as long as this object.
  AwsLookups lookups();

 private:
  std::string metadata(const std::string& path);

  std::stop_token stop_;
  SystemClock clock_;
  RealProcessRunner processes_;
  std::optional<aws::Session> own_;
  aws::Session& session_;
  aws::S3 objects_{session_};
  std::optional<aws::Client> client_;
  std::unique_ptr<HttpClient> http_;
};

}  // namespace toehold
