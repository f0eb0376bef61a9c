// AwsShare: what all builds of this process share of AWS: the connections, credentials and pace of
// each region, and the watcher that waits there for all of them. Made by the commands that build;
// asks nothing until it is first used. Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "runner/aws/watcher.hpp"
#include "runner/base/http_pool.hpp"
#include "runner/base/process.hpp"

namespace toehold {

class AwsShare {
 public:
  AwsShare();

  struct Region {
    Region(AwsShare& share, const std::string& name);
    aws::Session session;
    aws::Watcher watcher;
    /// False when another build of this process is to have an image of that name.
    bool takes_image_name(const std::string& name, const std::string& build);

   private:
    std::mutex mutex_;
    std::map<std::string, std::string> builds_;  // by the names of their images
  };
  /// `name`: empty, that of the settings. Lives as long as this object.
  Region& region(const std::string& name);

 private:
  SystemClock clock_;
  RealProcessRunner processes_;
  HttpPool connections_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Region>> regions_;
};

}  // namespace toehold
