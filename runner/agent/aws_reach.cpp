#include "runner/agent/aws_reach.hpp"

#include <algorithm>

#include "runner/aws/ssm.hpp"
#include "runner/base/error.hpp"
#include "runner/base/log.hpp"

namespace toehold {

namespace {
constexpr std::chrono::seconds longest_lookup(60);
}

AwsReach::AwsReach(std::stop_token stop, const std::string& region)
    : stop_(std::move(stop)),
      processes_(std::chrono::seconds(5)),
      own_(
          std::in_place,
          [region] { return aws::read_settings(aws::process_environment(), {}, region); },
          make_curl_http_client, clock_, processes_),
      session_(*own_) {}

AwsReach::AwsReach(std::stop_token stop, aws::Session& session)
    : stop_(std::move(stop)), processes_(std::chrono::seconds(5)), session_(session) {}

aws::Client& AwsReach::client() {
  if (!client_) client_.emplace(session_);
  return *client_;
}

HttpClient& AwsReach::http() {
  if (!http_) http_ = session_.make_http();
  return *http_;
}

aws::Control AwsReach::control() const {
  return {Deadline(clock_.monotonic() + longest_lookup), stop_,
          [](const std::string& text) { log(LogLevel::warning, "AWS: " + text); }};
}

AwsLookups AwsReach::lookups() {
  AwsLookups lookups;
  lookups.parameter = [this](const std::string& name) {
    aws::SsmParameter found = aws::get_parameter(client(), name, control());
    return ParameterValue{std::move(found.value), std::move(found.type)};
  };
  lookups.metadata = [this](const std::string& path) { return metadata(path); };
  lookups.account_id = [this] {
    const aws::Control limits = control();
    return session_.account_id(limits.deadline, limits.stop);
  };
  lookups.region = [this] {
    const aws::Control limits = control();
    return session_.region(limits.deadline, limits.stop);
  };
  return lookups;
}

std::string AwsReach::metadata(const std::string& path) {
  const aws::Control limits = control();
  const std::string item = path.substr(std::min(path.find_first_not_of('/'), path.size()));
  auto found = session_.imds().get("meta-data/" + item, limits.deadline, limits.stop);
  if (!found) {
    throw Error(Error::Kind::aws, "this instance's metadata has no item " + item,
                "see what there is below http://169.254.169.254/latest/meta-data/");
  }
  return std::move(*found);
}

}  // namespace toehold
