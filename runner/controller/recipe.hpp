// Recipe: what an image is made of, in the words of Image Builder's image recipes: a parent, the
// components with their parameters, the target and the outputs. Read as strictly as documents are.
// Called by the build commands; runs nothing and reads no component.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/base/value.hpp"
#include "runner/engine/scope.hpp"

namespace toehold {

struct RecipeComponent {
  std::string document;  // path (made absolute), URL, s3:// or ARN
  Parameters parameters;
  SourceLocation where;
};

struct OutputSpec {
  std::string type;  // "oci-archive", "rootfs", "changes"
  std::string path;  // empty: in the image store
  SourceLocation where;
};

struct TargetSpec {
  std::string type = "sandbox";
  Value options{Value::Map()};  // checked against the target's own table
  SourceLocation where;
};

struct Recipe {
  std::string name;
  std::string version = "1.0.0";
  std::string description;
  std::string parent_image;  // "host", a folder, a tarball, "mmdebstrap:SUITE", an image's name
  std::vector<RecipeComponent> components;
  Parameters parameters;  // for all components
  std::string working_directory;
  Parameters tags;
  bool tests_enabled = true;
  std::int64_t test_timeout_minutes = 720;
  TargetSpec target;
  std::vector<OutputSpec> outputs;
  SourcePtr source;
};

}  // namespace toehold
