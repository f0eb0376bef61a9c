// Every recipe of samples/recipes can be read, and so can the components that it names.
#include "actions/builtin_actions.hpp"
#include "runner/base/files.hpp"
#include "runner/controller/recipe.hpp"
#include "runner/document/validator.hpp"
#include "runner/engine/registry.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

std::string text_of(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& item : diagnostics.items()) text += render_text(item, false);
  return text;
}

}  // namespace

TEST_CASE("the sample recipes have no mistakes") {
  const ActionRegistry actions(builtin_actions());
  int recipes = 0;
  for (const auto& item : fs::directory_iterator(TOEHOLD_SOURCE_DIR "/samples/recipes")) {
    if (!item.is_regular_file()) continue;
    ++recipes;
    const LoadedRecipes loaded = load_recipe(item.path());
    CHECK(text_of(loaded.diagnostics).empty());
    REQUIRE_FALSE(loaded.builds.empty());
    for (const RecipeComponent& component : loaded.builds.front().components) {
      const auto source =
          std::make_shared<SourceText>(component.document, read_file(component.document));
      CHECK(text_of(load_document(source, actions, {}).diagnostics).empty());
    }
  }
  CHECK(recipes >= 3);
}
