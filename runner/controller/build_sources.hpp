// The texts that a build is made of: its recipe and all documents, by the names under which they
// are asked for. Kept in the folder of a build that may go on elsewhere, where the files are not.
// Called by the build flow and by `resume`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/controller/provider.hpp"
#include "runner/controller/recipe.hpp"
#include "runner/engine/plan.hpp"
#include "runner/engine/registry.hpp"

namespace toehold {

/// The recipe, the components, and what they name in ExecuteDocument steps that is on this machine.
SourceTexts sources_of(const std::string& recipe_path, const Recipe& recipe,
                       const std::vector<DocumentRun>& documents, const ActionRegistry& actions);
void write_sources(const std::filesystem::path& folder, const SourceTexts& texts);

/// Those of a folder that has come from another machine; empty for one of this machine, whose files
/// are read anew.
SourceTexts read_fetched_sources(const std::filesystem::path& folder);
/// The file that makes a folder one of another machine.
inline constexpr const char* fetched_mark = "fetched";
bool is_fetched(const std::filesystem::path& folder);

}  // namespace toehold
