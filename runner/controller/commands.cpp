#include "runner/controller/commands.hpp"

#include "runner/agent/program.hpp"
#include "runner/controller/manifest.hpp"
#include "runner/controller/recipe.hpp"
#include "runner/controller/recipe_check.hpp"
#include "runner/controller/recipe_reference.hpp"

namespace toehold {

namespace {

std::vector<ReferencePage> own_pages() {
  std::vector<ReferencePage> pages = recipe_pages();
  pages.push_back(manifest_page());
  return pages;
}

std::optional<OtherFindings> validate_recipe(const std::string& path) {
  if (!is_recipe_file(path)) return std::nullopt;
  LoadedRecipes loaded = load_recipe(path);
  check_recipes(loaded);
  OtherFindings findings{std::move(loaded.diagnostics), {}};
  std::error_code error;
  for (const Recipe& recipe : loaded.builds) {
    for (const RecipeComponent& component : recipe.components) {
      if (!fs::exists(component.document, error)) continue;  // elsewhere, or told already
      const std::string shown = fs::proximate(component.document, error).string();
      findings.documents.push_back(shown.starts_with("..") ? component.document : shown);
    }
  }
  return findings;
}

}  // namespace

void add_controller_commands(CLI::App& app, CommandContext& context) {
  add_build(app, context);
  add_shell(app, context);
  add_resume(app, context);
  add_builds(app, context);
  add_cleanup(app, context);
  add_cache(app, context);
  add_images(app, context);
  add_distribute(app, context);
  add_diff(app, context);
  add_make_disk(app, context);
  context.more_pages = own_pages;
  context.validate_other = validate_recipe;
}

}  // namespace toehold
