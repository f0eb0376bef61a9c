#include "runner/controller/recipe.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/recipe_matrix.hpp"
#include "runner/controller/recipe_reader.hpp"
#include "runner/controller/recipe_tables.hpp"
#include "runner/controller/target_options.hpp"
#include "runner/document/codes.hpp"
#include "runner/document/yaml.hpp"
#include "runner/engine/plan.hpp"

namespace toehold {

namespace {

constexpr std::size_t most_bytes = 4u << 20;
constexpr std::size_t longest_guess = 64u << 10;
constexpr std::size_t most_keys = 64;  // that are looked at: a recipe has no more

/// Two builds of a matrix must not write one file.
void check_output_paths(const std::vector<Recipe>& builds, Diagnostics& diagnostics) {
  for (std::size_t i = 1; i < builds.size(); ++i) {
    for (const OutputSpec& output : builds[i].outputs) {
      const auto& before = builds.front().outputs;
      const bool taken = !output.path.empty() &&
                         std::any_of(before.begin(), before.end(), [&](const OutputSpec& other) {
                           return other.path == output.path;
                         });
      if (!taken) continue;
      Diagnostics found(diagnostics.source());
      found.error(codes::duplicate_name, output.where,
                  "the builds of the matrix all write " + output.path,
                  "put a value of the matrix into the path: {{ matrix." +
                      builds[i].matrix.front().first + " }}");
      append_new(diagnostics, found);
    }
  }
}

bool is_key_of_recipes(const std::string& key) {
  static const std::set<std::string> shared{"name", "description", "parameters"};
  static const std::vector<std::string> components{"components"};
  static const std::vector<std::string> known = field_names(recipe_fields());
  const bool is_known = std::find(known.begin(), known.end(), key) != known.end();
  return is_known ? !shared.contains(key) : !did_you_mean(key, components).empty();
}

/// What the text means to be, whether or not it is one without mistakes.
enum class FileKind { document, recipe, neither };

FileKind kind_of(const Value& root) {
  if (!root.is_map()) return FileKind::neither;
  if (root.find("components") && !root.find("phases")) return FileKind::recipe;
  if (root.find("phases") || root.find("schemaVersion")) return FileKind::document;
  const auto& members = root.map();
  const auto end =
      members.begin() + static_cast<std::ptrdiff_t>(std::min(members.size(), most_keys));
  const bool of_recipes = std::any_of(
      members.begin(), end, [](const auto& member) { return is_key_of_recipes(member.key); });
  return of_recipes ? FileKind::recipe : FileKind::neither;
}

Value tree_for_component(const fs::path& path) {
  std::string name = path.stem().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') c = '-';
  }
  if (name.size() < 3 || name.size() > 128) name = "component";
  const Value components(Value::List{Value(path_in_recipe(path.string(), "."))});
  return Value::object({{"name", name}, {"components", components}});
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

void check_files(const Recipe& recipe, Diagnostics& diagnostics) {
  std::error_code error;
  for (const RecipeComponent& component : recipe.components) {
    if (is_remote_document(component.document)) continue;
    if (fs::is_regular_file(component.document, error)) continue;
    Diagnostics found(diagnostics.source());
    found.error(codes::unreadable, component.where,
                fs::exists(component.document, error)
                    ? component.document + " is no file"
                    : "there is no component " + component.document,
                "a relative path starts at the recipe's folder");
    append_new(diagnostics, found);
  }
}

}  // namespace

LoadedRecipes read_recipe(const SourcePtr& source, const fs::path& folder,
                          const RecipeSettings& settings) {
  LoadedRecipes loaded{{}, Diagnostics(source)};
  std::optional<Value> root = read_yaml(source, loaded.diagnostics);
  if (!root) return loaded;
  if (kind_of(*root) == FileKind::document) {
    // Its own mistakes are told when it is loaded as a document.
    loaded.diagnostics = Diagnostics(source);
    root = tree_for_component(source->name());
  }
  apply_settings(*root, settings);
  for (const Parameters& values : matrix_combinations(*root, loaded.diagnostics)) {
    Diagnostics found(source);
    const Value tree = with_matrix_values(*root, values, found);
    loaded.builds.push_back(read_recipe_tree(tree, folder, found));
    loaded.builds.back().matrix = values;
    append_new(loaded.diagnostics, found);
  }
  check_output_paths(loaded.builds, loaded.diagnostics);
  loaded.diagnostics.sort();
  return loaded;
}

LoadedRecipes load_recipe(const fs::path& path, const RecipeSettings& settings) {
  SourcePtr source;
  try {
    source = std::make_shared<SourceText>(path.string(), read_file(path, most_bytes));
  } catch (const Error& error) {
    source = std::make_shared<SourceText>(path.string(), "");
    LoadedRecipes unreadable{{}, Diagnostics(source)};
    unreadable.diagnostics.error(codes::unreadable, {}, error.full_message(), error.hint());
    return unreadable;
  }
  LoadedRecipes loaded = read_recipe(source, folder_of(path), settings);
  for (const Recipe& recipe : loaded.builds) check_files(recipe, loaded.diagnostics);
  loaded.diagnostics.sort();
  return loaded;
}

bool is_recipe_file(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  try {
    std::string text = read_file(path, most_bytes);
    const auto has = [&](const char* key) { return text.find(key) != std::string::npos; };
    // Most documents, and what is too long for a recipe with a misspelt key: no parsing.
    if ((has("schemaVersion") || text.size() > longest_guess) && !has("components")) return false;
    const SourcePtr source = std::make_shared<SourceText>(path.string(), std::move(text));
    Diagnostics ignored(source);
    const auto root = read_yaml(source, ignored);
    return root && kind_of(*root) == FileKind::recipe;
  } catch (const Error&) {
    return false;
  }
}

Recipe recipe_from_component(const fs::path& path) {
  Diagnostics none(std::make_shared<SourceText>(path.string(), ""));
  return read_recipe_tree(tree_for_component(path), ".", none);
}

std::string matrix_label(const Recipe& recipe) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : recipe.matrix) parts.push_back(key + "=" + value);
  return join(parts, ", ");
}

}  // namespace toehold
