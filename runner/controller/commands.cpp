#include "runner/controller/commands.hpp"

#include "runner/agent/program.hpp"
#include "runner/controller/manifest.hpp"
#include "runner/controller/recipe_reference.hpp"

namespace toehold {

namespace {

std::vector<ReferencePage> own_pages() {
  std::vector<ReferencePage> pages = recipe_pages();
  pages.push_back(manifest_page());
  return pages;
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
  add_diff(app, context);
  context.more_pages = own_pages;
}

}  // namespace toehold
