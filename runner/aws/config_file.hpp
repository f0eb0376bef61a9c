// The format of ~/.aws/config and ~/.aws/credentials: sections of `key = value`, with blocks of
// indented lines. Called by settings.cpp only; knows no key and opens no file.
// Source: the AWS SDKs and Tools Reference Guide; where it says nothing, what the AWS CLI reads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runner/aws/settings.hpp"

namespace toehold::aws {

struct ConfigSection {
  std::string type;  // "profile", "sso-session", "services"; empty: none of these words before it
  std::string name;
  Section values;
};

/// In the order of the file, sections of one name as they come. Throws Error(usage) as
/// `path:line: ...`.
std::vector<ConfigSection> parse_config_file(std::string_view text, const std::string& path);

}  // namespace toehold::aws
