// The sandbox for an ordinary user: the commands that touch its files become root of a user
// namespace first, and what that root cannot do is said before anything is launched. Called by the
// commands of builds and by the sandbox provider.
#pragma once

#include <string>
#include <vector>

#include "runner/agent/program.hpp"
#include "runner/base/diagnostic.hpp"
#include "runner/controller/recipe.hpp"

namespace toehold {

/// Starts the command anew as root of a user namespace, with the user's state folder; returns where
/// it is root already. Before anything is printed or locked. Throws Error(unsupported).
void become_root(const CommandContext& context);
/// The same with other words behind the program's name.
void become_root(const CommandContext& context, const std::vector<std::string>& words);

/// The same if one of the targets needs it; throws Error(usage) if another one cannot have it.
void become_root_for(const std::vector<std::string>& targets, const CommandContext& context);

/// Adds what the sandbox cannot do of this recipe because its root is none of the machine.
void check_rootless(const Recipe& recipe, Diagnostics& diagnostics);

/// Part of what a layer is made of: the same files have other owners under another map. Empty for
/// root of the machine.
std::string id_map_key();

}  // namespace toehold
