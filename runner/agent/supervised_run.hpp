// The folder by which a detached run is followed: who writes what in it, and where the run takes
// place. Called by detach, follow and step-shell, the parts of what a controller does over a
// connection that may break; never reads what is in the files.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace toehold {

struct CommandContext;

struct SupervisedFiles {
  explicit SupervisedFiles(const std::filesystem::path& folder)
      : directory(folder),
        lock(folder / "lock"),
        end(folder / "end"),
        out(folder / "stdout"),
        err(folder / "stderr"),
        stream(folder / "stream"),
        state(folder / "state"),
        step(folder / "step") {}
  std::filesystem::path directory;
  std::filesystem::path lock;  // held while the command runs
  std::filesystem::path end;   // {"exitCode": 0}, or {"message": "killed by ..."}, once it has
  std::filesystem::path out;   // what it prints
  std::filesystem::path err;
  std::filesystem::path stream;  // `run --stream` writes it
  std::filesystem::path state;   // the run's state folder, if it is to have a step-shell
  std::filesystem::path step;    // what a step-shell shows
};

void add_follow(CLI::App& app, CommandContext& context);
void add_step_shell(CLI::App& app, CommandContext& context);
/// The option --directory.
void add_directories(CLI::App& command, std::vector<std::string>& directories);
/// Goes into the first of them that there is; throws Error(io) if there is none of several.
void enter_directory(const std::vector<std::string>& directories);
/// SIGTERM for the run in this folder, if one is under way; returns when it has ended.
void stop_supervisor(const std::filesystem::path& folder, std::stop_token stop);
/// The same for the runs whose folders are in `folder`, which then goes, with all that is in it.
void discard_runs(const std::filesystem::path& folder, std::stop_token stop);

}  // namespace toehold
