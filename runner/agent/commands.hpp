// One line per sub-command: each adds itself, its options and its help to the parser. The
// controller may include this header and program.hpp, and nothing else of agent/.
#pragma once

namespace CLI {
class App;
}

namespace toehold {

struct CommandContext;

void add_run(CLI::App& app, CommandContext& context);
void add_validate(CLI::App& app, CommandContext& context);
void add_events(CLI::App& app, CommandContext& context);
void add_describe(CLI::App& app, CommandContext& context);
void add_completion(CLI::App& app, CommandContext& context);

/// Of the agent alone, for a controller on another machine.
void add_remote_commands(CLI::App& app, CommandContext& context);

}  // namespace toehold
