#include "runner/controller/recipe_matrix.hpp"

#include <algorithm>
#include <tuple>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/recipe_tables.hpp"
#include "runner/controller/target_options.hpp"
#include "runner/document/codes.hpp"
#include "runner/document/reader_checks.hpp"
#include "runner/document/template.hpp"

namespace toehold {

namespace {

constexpr std::size_t most_builds = 256;
constexpr std::string_view prefix = "matrix.";

Value list_of(const std::string& text) {
  Value::List list;
  for (const std::string& item : split(text, ',')) list.emplace_back(std::string(trim(item)));
  return Value(std::move(list));
}

/// The target that the recipe has once all settings are made.
std::string target_after(const Value& root, const RecipeSettings& settings) {
  const Value* target = root.find("target");
  if (target && target->is_map()) target = target->find("type");
  std::string name =
      target && target->is_scalar() && !target->is_null() ? target->text() : "sandbox";
  for (const auto& [key, value] : settings) {
    if (key == "target" || key == "target.type") name = value;
  }
  return name;
}

std::vector<FieldInfo> fields_of_target(const std::string& name) {
  for (const TargetType& type : target_types()) {
    if (type.name == name) return type.fields;
  }
  return {};
}

/// Whether the tables want a list at `a.b.c`: on a command line its items are parted by commas.
bool takes_list(const std::string& key, const std::string& target) {
  if (key == "outputs" || key == "components") return true;
  std::vector<std::string> parts = split(key, '.');
  const bool of_target = parts.front() == "target";
  std::vector<FieldInfo> fields = of_target ? fields_of_target(target) : recipe_fields();
  if (of_target) parts.erase(parts.begin());
  FieldType type = FieldType::any;
  for (const std::string& part : parts) {
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [&](const FieldInfo& info) { return info.name == part; });
    if (field == fields.end()) return false;
    type = field->type;
    fields = std::vector<FieldInfo>(field->fields);
  }
  return type == FieldType::text_list;
}

/// The place of `a.b.c`, made where it is missing.
Value& place_of(Value& root, const std::string& key) {
  Value* place = &root;
  for (const std::string& part : split(key, '.')) {
    if (!place->is_map() && !place->is_null()) {
      throw Error(Error::Kind::usage, "--set " + key + ": there is " + kind_name(*place) +
                                          " in the recipe where '" + part + "' would stand");
    }
    if (!place->find(part)) place->set(part, Value());
    place = place->find(part);
  }
  return *place;
}

void apply_setting(Value& root, const std::string& key, const std::string& value,
                   const std::string& target_name) {
  Value* matrix = root.find("matrix");
  if (matrix && matrix->is_map() && matrix->find(key)) {
    matrix->set(key, list_of(value));
    return;
  }
  const std::string first = key.substr(0, key.find('.'));
  std::vector<std::string> known = field_names(recipe_fields());
  if (std::find(known.begin(), known.end(), first) == known.end()) {
    if (matrix) {
      for (const auto& member : matrix->map()) known.push_back(member.key);
    }
    const std::string hint = did_you_mean(first, known);
    throw Error(
        Error::Kind::usage,
        "--set " + key + ": neither the recipe nor its matrix has '" + first + "'",
        hint.empty() ? "it takes keys of the recipe (target.base=host) and of its matrix" : hint);
  }
  Value* target = root.find("target");
  if (key.starts_with("target.") && (!target || (target->is_scalar() && !target->is_null()))) {
    root.set("target", Value::object({{"type", target ? target->text() : "sandbox"}}));
  }
  place_of(root, key) = !takes_list(key, target_name) ? Value(value)
                        : value.empty()               ? Value(Value::List{})
                                                      : list_of(value);
}

class Substitution {
 public:
  Substitution(const Parameters& values, Diagnostics& diagnostics)
      : values_(values), diagnostics_(diagnostics) {
    for (const auto& [name, value] : values) names_.push_back(name);
  }

  Value in(const Value& value) const {
    Value result = value;
    if (value.is_list()) {
      for (Value& item : result.list()) item = in(item);
    } else if (value.is_map()) {
      for (auto& member : result.map()) member.value = in(member.value);
    } else if (is_deferred(value)) {
      result = Value::scalar(Value::Kind::string, text_of(value));
      result.where = value.where;
      result.style = value.style;
    }
    return result;
  }

 private:
  std::string text_of(const Value& scalar) const {
    std::string text;
    for (const auto& part : parse_template(scalar.text()).parts) {
      if (const auto* literal = std::get_if<std::string>(&part)) {
        text += *literal;
      } else {
        text += value_of(std::get<Reference>(part), scalar);
      }
    }
    return text;
  }

  const std::string& value_of(const Reference& reference, const Value& scalar) const {
    if (!reference.inner.starts_with(prefix)) {
      forgotten_prefix(reference, scalar);
      return reference.raw;
    }
    const std::string name = reference.inner.substr(prefix.size());
    for (const auto& [known, value] : values_) {
      if (known == name) return value;
    }
    std::string hint = did_you_mean(name, names_);
    if (hint.empty()) {
      hint = names_.empty() ? "write\nmatrix:\n  " + name + ": [one, another]"
                            : "the matrix has " + join(names_, ", ");
    }
    diagnostics_.error(codes::unknown_reference, place(reference, scalar),
                       "the matrix has no '" + name + "'", hint);
    return reference.raw;
  }

  /// Braces may be meant for a component, but not with a name of the matrix in them.
  void forgotten_prefix(const Reference& reference, const Value& scalar) const {
    if (std::find(names_.begin(), names_.end(), reference.inner) == names_.end()) return;
    diagnostics_.warning(codes::unknown_reference, place(reference, scalar),
                         reference.raw + " stays as it is",
                         "for a value of the matrix, write {{ matrix." + reference.inner + " }}");
  }

  SourceLocation place(const Reference& reference, const Value& scalar) const {
    return diagnostics_.source() ? locate(reference, scalar, *diagnostics_.source()) : scalar.where;
  }

  const Parameters& values_;
  Diagnostics& diagnostics_;
  std::vector<std::string> names_;
};

/// The texts of one key of the matrix; empty after an error.
std::vector<std::string> values_of(const Value::Member& key, Diagnostics& diagnostics) {
  if (!is_plain_name(key.key)) {
    diagnostics.error(codes::name_syntax, key.where,
                      "'" + key.key + "' cannot be the name of a matrix key",
                      "a name has letters, digits, '_' and '-'");
    return {};
  }
  std::vector<std::string> texts;
  for (const Value& item : key.value.list()) {
    if (!item.is_scalar() || item.is_null()) {
      diagnostics.error(codes::wrong_type, item.where,
                        "'" + key.key + "' of the matrix takes texts, not " + kind_name(item));
    } else if (std::find(texts.begin(), texts.end(), item.text()) != texts.end()) {
      diagnostics.error(codes::duplicate_name, item.where,
                        "'" + key.key + "' of the matrix has '" + item.text() + "' twice");
    } else {
      texts.push_back(item.text());
    }
  }
  if (!key.value.is_list() || key.value.list().empty()) {
    diagnostics.error(codes::wrong_type, key.value.where.known() ? key.value.where : key.where,
                      "'" + key.key + "' of the matrix takes a list of texts, not " +
                          (key.value.is_list() ? "an empty list" : kind_name(key.value)),
                      "write " + key.key + ": [one, another]");
  }
  return texts;
}

}  // namespace

void apply_settings(Value& root, const RecipeSettings& settings) {
  const std::string target = target_after(root, settings);
  for (const auto& [key, value] : settings) apply_setting(root, key, value, target);
}

std::vector<Parameters> matrix_combinations(const Value& root, Diagnostics& diagnostics) {
  std::vector<Parameters> combinations(1);
  const Value* matrix = root.find("matrix");
  if (!matrix || matrix->is_null()) return combinations;
  if (!matrix->is_map() || matrix->map().empty()) {
    diagnostics.error(codes::wrong_type, matrix->where,
                      std::string("'matrix' of the recipe takes a map of lists, not ") +
                          (matrix->is_map() ? "an empty map" : kind_name(*matrix)),
                      "write\nmatrix:\n  SUITE: [bookworm, trixie]");
    return combinations;
  }
  for (const auto& key : matrix->map()) {
    const std::vector<std::string> texts = values_of(key, diagnostics);
    if (texts.empty()) continue;
    if (combinations.size() * texts.size() > most_builds) {
      diagnostics.error(codes::limit, matrix->where,
                        "the matrix makes more than " + count_of(most_builds, "build"));
      return combinations;
    }
    std::vector<Parameters> wider;
    for (const Parameters& combination : combinations) {
      for (const std::string& text : texts) {
        wider.push_back(combination);
        wider.back().emplace_back(key.key, text);
      }
    }
    combinations = std::move(wider);
  }
  return combinations;
}

Value with_matrix_values(const Value& root, const Parameters& values, Diagnostics& diagnostics) {
  return Substitution(values, diagnostics).in(root);
}

void append_new(Diagnostics& all, const Diagnostics& some) {
  for (const Diagnostic& item : some.items()) {
    const auto same = [&](const Diagnostic& other) {
      return std::tie(other.code, other.message, other.where.line, other.where.column) ==
             std::tie(item.code, item.message, item.where.line, item.where.column);
    };
    if (std::none_of(all.items().begin(), all.items().end(), same)) all.append(item);
  }
}

}  // namespace toehold
