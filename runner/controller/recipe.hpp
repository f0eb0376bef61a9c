// Recipe: what an image is made of, in the words of Image Builder's image recipes: a parent, the
// components with their parameters, the target and the outputs. Read as strictly as documents are.
// Called by the build commands; runs nothing and reads no component.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/base/value.hpp"
#include "runner/controller/distribution_spec.hpp"
#include "runner/engine/scope.hpp"

namespace toehold {

struct RecipeComponent {
  std::string document;  // path (made absolute), URL, s3:// or ARN
  Parameters parameters;
  std::vector<SourceLocation> parameter_places;
  SourceLocation where;
};

struct OutputSpec {
  std::string type;  // "oci-archive", "rootfs", "changes", "qcow2", "raw"
  std::string path;  // absolute; empty: in the image store
  SourceLocation where;
};

struct TargetSpec {
  std::string type = "sandbox";
  Value options{Value::Map()};  // those written; target_options.hpp has them as structs
  SourceLocation where;
  SourceLocation base_where;  // of what it starts from: its own `base`, or `parentImage`
};

struct Recipe {
  std::string name;
  std::string version = "1.0.0";
  std::string description;
  std::string parent_image;  // as written; what is taken is in the target's options
  std::vector<RecipeComponent> components;
  Parameters parameters;  // for all components
  std::vector<SourceLocation> parameter_places;
  std::string working_directory;
  Parameters tags;
  Parameters ami_tags;
  Value block_device_mappings;              // checked, for targets on AWS
  Value additional_instance_configuration;  // likewise
  bool tests_enabled = true;
  std::int64_t test_timeout_minutes = 720;
  TargetSpec target;
  std::vector<OutputSpec> outputs;
  std::vector<Distribution> distributions;  // of a machine image of AWS
  Parameters matrix;                        // the values of this build: empty without a matrix
  SourcePtr source;
};

/// `KEY=value` of `--set`: the values of a key of the matrix, parted by commas, or any key of the
/// recipe, with dots for the keys below it (`target.base`).
using RecipeSettings = std::vector<std::pair<std::string, std::string>>;

struct LoadedRecipes {
  std::vector<Recipe> builds;  // one, or one a combination of the matrix; for running only if there
                               // are no errors
  Diagnostics diagnostics;     // sorted by position
};

/// Reads and checks a recipe; one that is a component becomes recipe_from_component. What keeps the
/// file from being read is an error in the result. Throws Error(usage) for a setting that fits
/// nothing.
LoadedRecipes load_recipe(const std::filesystem::path& path, const RecipeSettings& settings = {});

/// The same from a text; relative paths in it start at `folder`. Looks at no other file.
LoadedRecipes read_recipe(const SourcePtr& source, const std::filesystem::path& folder,
                          const RecipeSettings& settings = {});

/// Whether a file means to be a recipe, though a key of it may be misspelt, and not a component or
/// something else; false also for one that cannot be read.
bool is_recipe_file(const std::filesystem::path& path);

/// The recipe of `toehold build component.yml`: this one component on the default target.
Recipe recipe_from_component(const std::filesystem::path& path);

/// "SUITE=bookworm, EDITION=small": what tells the builds of a matrix apart; empty without one.
std::string matrix_label(const Recipe& recipe);

}  // namespace toehold
