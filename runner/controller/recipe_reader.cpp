#include "runner/controller/recipe_reader.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "runner/base/base64.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/distribution_reader.hpp"
#include "runner/controller/ec2_things.hpp"
#include "runner/controller/recipe_tables.hpp"
#include "runner/controller/target_options.hpp"
#include "runner/document/codes.hpp"
#include "runner/engine/plan.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

std::string text_of(const Value& map, const char* key) {
  const Value* value = map.find(key);
  return value && value->is_scalar() && !value->is_null() ? value->text() : std::string();
}

SourceLocation place_of(const Value& map, const char* key) {
  const Value* value = map.find(key);
  return value && value->where.known() ? value->where : map.where;
}

const Value* given(const Value& map, const char* key) {
  const Value* value = map.find(key);
  return value && !value->is_null() ? value : nullptr;
}

class RecipeReader {
 public:
  RecipeReader(const fs::path& folder, Diagnostics& diagnostics)
      : folder_(folder), diagnostics_(diagnostics) {}

  Recipe read(const Value& written) {
    recipe_.source = diagnostics_.source();
    const Value root = check(recipe_fields_, written, "the recipe").map;
    if (!written.is_map()) return std::move(recipe_);
    name(root);
    version(root);
    recipe_.description = text_of(root, "description");
    recipe_.parent_image = text_of(root, "parentImage");
    working_directory(root);
    if (const Value* list = given(root, "parameters")) {
      recipe_.parameters = parameters(*list, "the recipe", recipe_.parameter_places);
    }
    if (const Value* list = root.find("components")) components(*list);
    recipe_.tags = read_tags(root, "tags", diagnostics_);
    recipe_.ami_tags = read_tags(root, "amiTags", diagnostics_);
    aws_parts(root);
    tests(root);
    target(root);
    if (recipe_.target.type == ec2_target) limits_of_ec2(root);
    if (const Value* list = given(root, "outputs")) outputs(*list);
    if (const Value* list = given(root, "distributions")) {
      recipe_.distributions = read_distributions(*list, recipe_, diagnostics_);
    }
    return std::move(recipe_);
  }

 private:
  GoodMembers check(const std::vector<FieldInfo>& fields, const Value& map,
                    const std::string& owner) {
    return good_members(fields, map, owner, diagnostics_);
  }

  void name(const Value& root) {
    recipe_.name = text_of(root, "name");
    const Value* value = given(root, "name");
    if (!value || !value->is_scalar()) return;
    const std::string& text = recipe_.name;
    const bool letters = std::all_of(text.begin(), text.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '-' || c == ' ';
    });
    if (letters && text.size() >= 3 && text.size() <= 128 && trim(text) == text) return;
    diagnostics_.error(codes::name_syntax, value->where, "'" + text + "' cannot name a recipe",
                       "a name has 3 to 128 letters, digits, '_' and '-', and blanks between them");
  }

  void version(const Value& root) {
    const Value* version = given(root, "version");
    const Value* other = given(root, "semanticVersion");
    if (version && other && version->text() != other->text()) {
      diagnostics_.error(codes::invalid_value, other->where,
                         "'version' and 'semanticVersion' of the recipe differ",
                         "they mean the same; leave one of them out");
    }
    const Value* value = version ? version : other;
    if (!value || !value->is_scalar()) return;
    recipe_.version = value->text();
    const std::vector<std::string> parts = split(recipe_.version, '.');
    const bool numbers = std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
      return !part.empty() && part.size() <= 10 &&
             part.find_first_not_of("0123456789") == std::string::npos &&
             std::stoll(part) < (1 << 30);  // the service's limit
    });
    if (parts.size() == 3 && numbers) return;
    diagnostics_.error(codes::invalid_value, value->where,
                       "'" + recipe_.version + "' is no version of a recipe",
                       "write three numbers with dots, such as 1.0.0");
  }

  void working_directory(const Value& root) {
    recipe_.working_directory = text_of(root, "workingDirectory");
    const std::string& path = recipe_.working_directory;
    if (path.empty() || path.starts_with('/')) return;
    diagnostics_.error(codes::invalid_value, place_of(root, "workingDirectory"),
                       "'workingDirectory' of the recipe is no absolute path: " + path,
                       "it is a folder of the machine that is built, such as /tmp");
  }

  Parameters parameters(const Value& list, const std::string& owner,
                        std::vector<SourceLocation>& places) {
    Parameters result;
    std::map<std::string, SourceLocation> known;
    for (const Value& item : list.list()) {
      const Value* value = item.find("value");
      const std::string name = text_of(item, "name");
      if (!value || name.empty()) continue;
      const auto [first, added] = known.emplace(name, item.where);
      if (!added) {
        diagnostics_.error(codes::duplicate_name, place_of(item, "name"),
                           owner + " gives the parameter '" + name + "' twice",
                           "the first is on line " + std::to_string(first->second.line));
      }
      const auto text = parameter_text(*value, name);
      if (!text) continue;
      result.emplace_back(name, *text);
      places.push_back(place_of(item, "name"));
    }
    return result;
  }

  std::optional<std::string> parameter_text(const Value& value, const std::string& name) {
    if (value.is_scalar()) return value.text();
    std::vector<std::string> texts;
    for (const Value& item : value.list()) {
      if (item.is_scalar()) texts.push_back(item.text());
    }
    if (value.is_list() && texts.size() == value.list().size()) return join(texts, ",");
    diagnostics_.error(codes::wrong_type, value.where,
                       "'value' of parameter '" + name + "' takes text or a list of texts, not " +
                           (value.is_map() ? kind_name(value) : "a list of other things"),
                       "write value: TEXT, or value: [TEXT, TEXT]");
    return std::nullopt;
  }

  void components(const Value& list) {
    if (!list.is_list() || list.list().empty()) {
      diagnostics_.error(codes::wrong_type, list.where,
                         std::string("'components' of the recipe takes a list, not ") +
                             (list.is_list() ? "an empty list" : kind_name(list)),
                         "write\ncomponents:\n  - install.yaml");
      return;
    }
    for (const Value& item : list.list()) component(item);
  }

  void component(const Value& item) {
    RecipeComponent component;
    component.where = item.where;
    if (item.is_scalar() && !item.is_null()) {
      component.document = item.text();
    } else {
      const GoodMembers good = check(component_fields_, item, "a component");
      const bool named = item.is_map() && component_name(good, component);
      if (const Value* list = given(good.map, "parameters")) {
        component.parameters =
            parameters(*list, "component '" + component.document + "'", component.parameter_places);
      }
      if (!named) return;
    }
    if (component.document.empty()) {
      diagnostics_.error(codes::invalid_value, item.where, "a component has an empty name",
                         "write the path, URL or ARN of a document");
    } else if (!is_remote_document(component.document)) {
      component.document = path_in_recipe(component.document, folder_);
    }
    recipe_.components.push_back(std::move(component));
  }

  bool component_name(const GoodMembers& good, RecipeComponent& component) {
    int names = 0;
    bool spoilt = false;
    for (const char* key : {"component", "componentArn", "path"}) {
      const Value* value = given(good.map, key);
      spoilt = spoilt || good.is_spoilt(key);
      if (!value) continue;
      ++names;
      component.document = value->text();
      component.where = value->where;
    }
    if (names == 1) return true;
    if (names == 0 && spoilt) return false;
    diagnostics_.error(
        names == 0 ? codes::missing_key : codes::invalid_value, good.map.where,
        names == 0 ? "a component names no document" : "a component names more than one document",
        names == 0 ? "add 'component:' with the path, URL or ARN of a document"
                   : "leave one of 'component', 'componentArn' and 'path'");
    return false;
  }

  void aws_parts(const Value& root) {
    if (const Value* devices = given(root, "blockDeviceMappings")) {
      recipe_.block_device_mappings = *devices;
    }
    const Value* instance = given(root, "additionalInstanceConfiguration");
    if (!instance) return;
    recipe_.additional_instance_configuration = *instance;
    const Value* data = given(*instance, "userDataOverride");
    if (!data || !data->is_scalar()) return;
    constexpr std::size_t most = 21'847;  // the service's limit
    if (data->text().size() > most || !base64_decode(data->text())) {
      diagnostics_.error(codes::invalid_value, data->where,
                         "'userDataOverride' of the recipe is not base64 of at most 21847 bytes",
                         "make it with: base64 -w0 FILE");
    }
  }

  void tests(const Value& root) {
    const Value* tests = given(root, "imageTestsConfiguration");
    if (!tests) return;
    if (const Value* enabled = given(*tests, "imageTestsEnabled")) {
      recipe_.tests_enabled = enabled->as_yaml_bool().value_or(true);
    }
    if (const Value* minutes = given(*tests, "timeoutMinutes")) {
      recipe_.test_timeout_minutes = minutes->as_int().value_or(recipe_.test_timeout_minutes);
    }
  }

  void target(const Value& root) {
    Value options{Value::Map()};
    options.where = root.where;
    if (const Value* written = given(root, "target")) {
      recipe_.target.where = options.where = written->where;
      if (written->is_scalar()) {
        recipe_.target.type = written->text();
      } else if (!target_map(*written, options)) {
        return;
      }
    }
    std::vector<std::string> names;
    for (const TargetType& type : target_types()) {
      names.push_back(type.name);
      if (type.name != recipe_.target.type) continue;
      recipe_.target.base_where = base_place(root, options);
      recipe_.target.options = type.complete(options, recipe_, folder_, diagnostics_);
      return;
    }
    const std::string hint = did_you_mean(recipe_.target.type, names);
    diagnostics_.error(codes::invalid_value, target_type_place(root),
                       "there is no target '" + recipe_.target.type + "'",
                       hint.empty() ? "write one of: " + join(names, ", ") : hint);
  }

  /// What EC2 would refuse only when the build is done, as the image is made (EC2 API Reference,
  /// CreateImage; EC2 User Guide, "Tag restrictions").
  void limits_of_ec2(const Value& root) {
    constexpr std::size_t longest_description = 255;
    constexpr std::size_t most_tags = 50;
    if (recipe_.description.size() > longest_description) {
      diagnostics_.error(codes::limit, place_of(root, "description"),
                         "'description' of the recipe has more than 255 characters",
                         "an image of EC2 has no longer one");
    }
    std::set<std::string> keys{"Name", build_tag, part_tag, lease_tag};
    for (const auto& [key, value] : recipe_.tags) keys.insert(key);
    for (const auto& [key, value] : recipe_.ami_tags) keys.insert(key);
    const bool is_told = recipe_.tags.size() > most_tags || recipe_.ami_tags.size() > most_tags;
    if (keys.size() <= most_tags || is_told) return;
    diagnostics_.error(codes::limit, place_of(root, recipe_.ami_tags.empty() ? "tags" : "amiTags"),
                       "the image would have " + std::to_string(keys.size()) +
                           " tags, with Name and those that the build itself needs",
                       "EC2 takes 50: leave some out");
  }

  static SourceLocation base_place(const Value& root, const Value& options) {
    for (const char* key : {"base", "image"}) {
      if (given(options, key)) return place_of(options, key);
    }
    return given(root, "parentImage") ? place_of(root, "parentImage") : options.where;
  }

  static SourceLocation target_type_place(const Value& root) {
    const Value& target = *root.find("target");
    return target.is_map() ? place_of(target, "type") : target.where;
  }

  bool target_map(const Value& written, Value& options) {
    const Value* type = given(written, "type");
    if (!written.is_map() || !type || !type->is_scalar()) {
      diagnostics_.error(written.is_map() ? codes::missing_key : codes::wrong_type, written.where,
                         written.is_map()
                             ? "'target' of the recipe needs 'type' with the name of a target"
                             : std::string("'target' of the recipe takes a text or a map, not ") +
                                   kind_name(written),
                         "write\ntarget:\n  type: sandbox");
      return false;
    }
    recipe_.target.type = type->text();
    for (const auto& member : written.map()) {
      if (member.key != "type") options.map().push_back(member);
    }
    return true;
  }

  void outputs(const Value& list) {
    if (!list.is_list()) {
      diagnostics_.error(
          codes::wrong_type, list.where,
          std::string("'outputs' of the recipe takes a list, not ") + kind_name(list),
          "write\noutputs:\n  - oci-archive");
      return;
    }
    for (const Value& item : list.list()) {
      Value map = item;
      if (item.is_scalar() && !item.is_null()) {
        map = Value::object({{"type", item}});
        map.where = item.where;
      }
      const GoodMembers good = check(output_fields_, map, "an output");
      OutputSpec output;
      output.where = item.where;
      output.type = text_of(good.map, "type");
      const std::string path = text_of(good.map, "path");
      if (!path.empty()) output.path = path_in_recipe(path, folder_);
      if (output.type.empty()) continue;  // told, and no target can judge it
      twice(output);
      recipe_.outputs.push_back(std::move(output));
    }
  }

  void twice(const OutputSpec& output) {
    for (const OutputSpec& other : recipe_.outputs) {
      const bool same_file = !output.path.empty() && other.path == output.path;
      const bool both_stored = output.path.empty() && other.path.empty();
      if (!same_file && !(both_stored && other.type == output.type)) continue;
      diagnostics_.error(
          codes::duplicate_name, output.where,
          same_file ? "two outputs go to " + output.path
                    : "the output '" + output.type + "' is there twice",
          same_file ? "give one of them another path" : "leave one out, or give one a path");
    }
  }

  const fs::path& folder_;
  Diagnostics& diagnostics_;
  Recipe recipe_;
  const std::vector<FieldInfo> recipe_fields_ = recipe_fields();
  const std::vector<FieldInfo> component_fields_ = component_fields();
  const std::vector<FieldInfo> output_fields_ = output_fields();
};

}  // namespace

Recipe read_recipe_tree(const Value& root, const fs::path& folder, Diagnostics& diagnostics) {
  return RecipeReader(folder, diagnostics).read(root);
}

}  // namespace toehold
