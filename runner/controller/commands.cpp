#include "runner/controller/commands.hpp"

namespace toehold {

void add_controller_commands(CLI::App& app, CommandContext& context) {
  (void)app;
  (void)context;
}

}  // namespace toehold
