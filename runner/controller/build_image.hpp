// One build from a recipe to an image: the whole of it as a list of passes. Called by the commands
// `build` and `resume`; knows targets only as Providers.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "runner/agent/program.hpp"
#include "runner/controller/build_end.hpp"
#include "runner/controller/build_folder.hpp"
#include "runner/controller/build_progress.hpp"
#include "runner/controller/elsewhere.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/recipe.hpp"
#include "runner/engine/plan.hpp"

namespace toehold {

struct BuildOptions {
  std::string on_failure = "auto";  // cleanup, keep, shell, ask; auto: ask on a terminal
  std::string view = "auto";        // as of `run`
  bool tests = true;
  bool use_cache = true;
  std::vector<std::string> refresh;
  BuildProgress* progress = nullptr;                        // of one of several builds
  bool timing = false;                                      // say where the time went
  CopyCompany company = {};                                 // of several builds in one process
  std::vector<std::pair<std::string, StepChoice>> choices;  // made before the first run
};

/// Builds in `folder`, whose lock is held; tells a person on stderr what happens. Throws Error for
/// what keeps the build from being tried at all.
BuildEnd build_image(const Recipe& recipe, const BuildOptions& options, BuildFolder& folder,
                     const CommandContext& command);

/// The stages of a build: "build" and, where there is something to test, "test".
std::vector<Stage> stages_of(const Recipe& recipe, const std::vector<DocumentRun>& documents,
                             const BuildFolder& folder, bool tests,
                             const SourceTexts* sources = nullptr);

/// Prints what the target cannot do; false when that keeps it from building.
bool check_target(Provider& provider, const Recipe& recipe,
                  const std::vector<DocumentRun>& documents, const CommandContext& command);

/// The documents of a recipe, read and validated; prints findings. nullopt after errors. `known`:
/// texts that stand for the files of these names.
std::optional<std::vector<DocumentRun>> load_components(const Recipe& recipe,
                                                        const CommandContext& command,
                                                        const SourceTexts& known = {});

/// To load what is loaded again, and whose findings are told then.
CommandContext silenced(CommandContext command);

}  // namespace toehold
