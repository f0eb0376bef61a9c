// One line per sub-command of the controller: each adds itself, its options and its help to the
// parser. Called by main; the agent's commands are in runner/agent/commands.hpp.
#pragma once

namespace CLI {
class App;
}

namespace toehold {

struct CommandContext;

void add_diff(CLI::App& app, CommandContext& context);
void add_images(CLI::App& app, CommandContext& context);

/// All of them, in the order of the help.
void add_controller_commands(CLI::App& app, CommandContext& context);

}  // namespace toehold
