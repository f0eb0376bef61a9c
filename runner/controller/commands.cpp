#include "runner/controller/commands.hpp"

#include "runner/agent/program.hpp"
#include "runner/controller/recipe_reference.hpp"

namespace toehold {

void add_controller_commands(CLI::App& app, CommandContext& context) {
  (void)app;
  context.more_pages = recipe_pages;
}

}  // namespace toehold
