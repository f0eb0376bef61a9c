// The home folder and environment of somebody who uses AWS, made for one test. Included by tests of
// settings and credentials; touches neither the real home folder nor the real environment.
#pragma once

#include <fstream>
#include <map>
#include <string>

#include "runner/aws/settings.hpp"
#include "runner/base/files.hpp"

namespace toehold::test {

class AwsHome {
 public:
  AwsHome() {
    fs::create_directories(folder_.path() / ".aws");
    variables["HOME"] = folder_.path().string();
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  std::string write(const std::string& name, const std::string& text) {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  void config(const std::string& text) { write(".aws/config", text); }
  void credentials(const std::string& text) { write(".aws/credentials", text); }
  aws::EnvironmentLookup environment() const {
    return [variables = variables](const std::string& name) -> std::optional<std::string> {
      const auto at = variables.find(name);
      return at == variables.end() ? std::nullopt : std::optional(at->second);
    };
  }
  aws::Settings settings(const std::string& profile = {}, const std::string& region = {}) const {
    return aws::read_settings(environment(), profile, region);
  }

  std::map<std::string, std::string> variables;

 private:
  TempDirectory folder_{fs::temp_directory_path(), "toehold-aws."};
};

}  // namespace toehold::test
