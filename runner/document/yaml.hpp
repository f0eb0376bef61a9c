// YAML (and JSON) text -> Value with positions. The only file that includes yaml-cpp is yaml.cpp.
// Refuses what would hurt: invalid UTF-8, NUL, tabs as indentation, duplicate keys, a second
// document, merge keys, aliases to ancestors, and anything that grows past the limits.
#pragma once

#include <optional>

#include "runner/base/diagnostic.hpp"
#include "runner/base/value.hpp"

namespace toehold {

struct YamlLimits {
  std::size_t bytes = 4u << 20;
  std::size_t nodes = 400'000;  // counted while aliases expand
  std::size_t depth = 64;
};

/// nullopt when the text cannot be read at all; errors that leave a tree (a duplicate key) are
/// reported and reading goes on.
std::optional<Value> read_yaml(const SourcePtr& source, Diagnostics& diagnostics,
                               const YamlLimits& limits = {});

}  // namespace toehold
