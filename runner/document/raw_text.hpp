// What can be told of a document's text before YAML is read: its size and its encoding. Called by
// read_yaml only, because the library takes such a text as it is; knows nothing of YAML.
#pragma once

#include "runner/base/diagnostic.hpp"
#include "runner/document/yaml.hpp"

namespace toehold {

/// Reports what makes the text unreadable; false then.
bool check_raw_text(const SourceText& source, const YamlLimits& limits, Diagnostics& diagnostics);

}  // namespace toehold
