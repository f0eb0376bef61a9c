// One line per sub-command of the controller: each adds itself, its options and its help to the
// parser. Called by main; the agent's commands are in runner/agent/commands.hpp.
#pragma once

namespace CLI {
class App;
}

namespace toehold {

struct CommandContext;

void add_diff(CLI::App& app, CommandContext& context);
void add_distribute(CLI::App& app, CommandContext& context);
void add_images(CLI::App& app, CommandContext& context);
void add_build(CLI::App& app, CommandContext& context);
void add_shell(CLI::App& app, CommandContext& context);
void add_resume(CLI::App& app, CommandContext& context);
void add_cleanup(CLI::App& app, CommandContext& context);
void add_builds(CLI::App& app, CommandContext& context);
void add_make_disk(CLI::App& app, CommandContext& context);
void add_cache(CLI::App& app, CommandContext& context);

/// What `build` and `resume` have in common.
struct BuildOptions;
void add_build_options(CLI::App& command, BuildOptions& options);

/// All of them, in the order of the help.
void add_controller_commands(CLI::App& app, CommandContext& context);

}  // namespace toehold
