// What can be told of a document's text before YAML is read: encoding, size, and whether the YAML
// library would keep too much of it in memory. Called by read_yaml only; knows no YAML beyond
// brackets, quotes and block scalars.
#pragma once

#include <optional>
#include <string_view>

#include "runner/base/diagnostic.hpp"
#include "runner/document/yaml.hpp"

namespace toehold {

/// Where the YAML begins: behind a byte order mark. A document that is one map or list in brackets
/// (JSON) begins at its bracket.
struct TextStart {
  std::size_t offset = 0;
  bool bracket = false;
};
TextStart find_start(std::string_view text);

/// Reports what makes the text unreadable; false then.
bool check_raw_text(const SourceText& source, const YamlLimits& limits, Diagnostics& diagnostics);

/// The library keeps every token from a bracket on until it knows that the bracket does not begin a
/// key. Gives the offset at which more than `most` of them wait.
std::optional<std::size_t> find_token_pile(std::string_view text, std::size_t most);

}  // namespace toehold
