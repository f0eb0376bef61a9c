#include "runner/controller/recipe_check.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/recipe_matrix.hpp"
#include "runner/document/codes.hpp"
#include "runner/document/reader.hpp"
#include "runner/document/yaml.hpp"

namespace toehold {

namespace {

/// A target that writes no files at all says so itself.
void check_outputs(const Recipe& recipe, const ProviderInfo& info, Diagnostics& diagnostics) {
  const auto& kinds = info.outputs;
  for (const OutputSpec& output : recipe.outputs) {
    if (kinds.empty() || std::find(kinds.begin(), kinds.end(), output.type) != kinds.end())
      continue;
    diagnostics.error(codes::invalid_value, output.where,
                      "target '" + info.name + "' cannot write '" + output.type + "'",
                      "it writes " + join(kinds, ", "));
  }
}

/// A build of them is not wrong: the recipe may be one of another target, tried here.
void warn_of_distributions(const Recipe& recipe, const ProviderInfo& info,
                           Diagnostics& diagnostics) {
  if (recipe.distributions.empty() || info.distributes) return;
  diagnostics.warning(codes::invalid_value, recipe.distributions.front().where,
                      "'distributions' mean nothing to target '" + info.name + "'",
                      "a machine image of target 'ec2' is what they bring to regions and accounts");
}

/// Which parameters the documents of components have.
class KnownParameters {
 public:
  /// nullptr for a document that is not a readable file here.
  const std::vector<std::string>* of(const std::string& document) {
    const auto [place, added] = known_.try_emplace(document);
    if (added) place->second = read(document);
    return place->second ? &*place->second : nullptr;
  }

 private:
  static std::optional<std::vector<std::string>> read(const std::string& document) {
    std::error_code error;
    if (is_remote_document(document) || !fs::is_regular_file(document, error)) return std::nullopt;
    try {
      const auto source = std::make_shared<SourceText>(document, read_file(document, most_bytes));
      Diagnostics told_later(source);
      const auto root = read_yaml(source, told_later);
      if (!root) return std::nullopt;
      std::vector<std::string> names;
      for (const Parameter& parameter : read_document(*root, told_later).parameters) {
        names.push_back(parameter.name);
      }
      return names;
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  static constexpr std::size_t most_bytes = 4u << 20;
  std::map<std::string, std::optional<std::vector<std::string>>> known_;
};

void warn_of_parameters(const Parameters& given, const std::vector<SourceLocation>& places,
                        const std::vector<std::string>& known, const std::string& nobody_has,
                        Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string& name = given[i].first;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string hint = did_you_mean(name, known);
    if (hint.empty() && !known.empty()) hint = "the parameters are: " + join(known, ", ");
    if (hint.empty()) hint = "leave it out: there are no parameters";
    diagnostics.warning(codes::invalid_value, places[i], nobody_has + " '" + name + "'", hint);
  }
}

void check_parameters(const Recipe& recipe, KnownParameters& documents, Diagnostics& diagnostics) {
  std::vector<std::string> all;
  bool all_known = true;
  for (const RecipeComponent& component : recipe.components) {
    const std::vector<std::string>* known = documents.of(component.document);
    all_known = all_known && known;
    if (!known) continue;
    all.insert(all.end(), known->begin(), known->end());
    const std::string name = fs::path(component.document).filename().string();
    warn_of_parameters(component.parameters, component.parameter_places, *known,
                       "component " + name + " has no parameter", diagnostics);
  }
  if (!all_known) return;
  warn_of_parameters(recipe.parameters, recipe.parameter_places, all,
                     "no component has a parameter", diagnostics);
}

}  // namespace

void check_recipes(LoadedRecipes& loaded) {
  const std::vector<std::string> targets = provider_names();
  KnownParameters documents;
  for (const Recipe& recipe : loaded.builds) {
    if (std::find(targets.begin(), targets.end(), recipe.target.type) == targets.end()) continue;
    Diagnostics found(loaded.diagnostics.source());
    const auto provider = make_provider(recipe.target.type);
    check_outputs(recipe, provider->info(), found);
    provider->check_recipe(recipe, found);
    warn_of_distributions(recipe, provider->info(), found);
    check_parameters(recipe, documents, found);
    append_new(loaded.diagnostics, found);
  }
  loaded.diagnostics.sort();
}

void check_refresh(const std::vector<std::string>& wanted,
                   const std::vector<DocumentRun>& documents) {
  std::vector<std::string> steps;
  for (const DocumentRun& run : documents) {
    for (const Phase& phase : run.document->phases) {
      for (const Step& step : phase.steps) steps.push_back(phase.name + "." + step.name);
    }
  }
  for (const std::string& name : wanted) {
    const bool there = std::any_of(steps.begin(), steps.end(), [&](const std::string& step) {
      return step == name || step.ends_with("." + name);
    });
    if (there) continue;
    const std::string hint = did_you_mean(name, steps);
    throw Error(Error::Kind::usage, "--refresh: there is no step " + name,
                hint.empty() ? "the steps are: " + join(steps, ", ") : hint);
  }
}

}  // namespace toehold
