// The folder by which a detached run is followed: who writes what in it. Called by detach and
// follow, the two halves of what a controller does over a connection that may break; never reads
// what is in the files.
#pragma once

#include <filesystem>
#include <stop_token>

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
        stream(folder / "stream") {}
  std::filesystem::path directory;
  std::filesystem::path lock;  // held while the command runs
  std::filesystem::path end;   // {"exitCode": 0}, or {"message": "killed by ..."}, once it has
  std::filesystem::path out;   // what it prints
  std::filesystem::path err;
  std::filesystem::path stream;  // `run --stream` writes it
};

void add_follow(CLI::App& app, CommandContext& context);
/// SIGTERM for the run in this folder, if one is under way; returns when it has ended.
void stop_supervisor(const std::filesystem::path& folder, std::stop_token stop);

}  // namespace toehold
