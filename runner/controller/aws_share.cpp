#include "runner/controller/aws_share.hpp"

namespace toehold {

namespace {

// Of TLS, a connection with what it trusts takes a megabyte.
constexpr std::size_t most_connections = 32;
constexpr std::size_t kept_connections = 16;

}  // namespace

AwsShare::AwsShare()
    : processes_(std::chrono::seconds(5)),
      connections_(make_curl_http_client, most_connections, kept_connections) {}

AwsShare::Region::Region(AwsShare& share, const std::string& name)
    : session([name] { return aws::read_settings(aws::process_environment(), {}, name); },
              [&share] { return share.connections_.client(); }, share.clock_, share.processes_),
      watcher(session) {}

bool AwsShare::Region::takes_image_name(const std::string& name, const std::string& build) {
  const std::lock_guard lock(mutex_);
  return builds_.try_emplace(name, build).first->second == build;
}

AwsShare::Region& AwsShare::region(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto& known = regions_[name];
  if (!known) known = std::make_unique<Region>(*this, name);
  return *known;
}

}  // namespace toehold
