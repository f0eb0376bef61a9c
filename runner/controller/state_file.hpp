// What a build that goes on elsewhere needs, as one text: who drives it, and the files of its
// folder that a resume reads. Called by StateCopy; logs are no part of it, and it talks to nobody.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "runner/base/clock.hpp"

namespace toehold {

/// Who drives a build, or did last.
struct StateHolder {
  std::string id;  // of its folder there
  std::string user;
  std::string host;
  std::int64_t process = 0;
  UnixMillis since = 0;
  bool released = false;  // it has ended
};
/// Of this process; `id` is left empty.
StateHolder holder_here(UnixMillis now);
/// "ci@runner-7 (process 12)"
std::string to_string(const StateHolder& holder);

/// What a build of several has printed, in its folder: for a person, and no part of the state.
inline constexpr const char* build_log_name = "build.log";

/// By their paths in the folder: "build.json", "state-build/stage.json".
using FolderFiles = std::map<std::string, std::string>;

struct StateFile {
  StateHolder holder;
  std::string version;  // of the toehold that wrote it
  FolderFiles files;
};

std::string to_text(const StateFile& state);
/// Throws Error(state) for what is no such text, or one whose files would lead out of a folder.
StateFile read_state_file(const std::string& text);

/// All but locks, logs and what is half written.
FolderFiles read_folder(const std::filesystem::path& folder);
/// Makes the folder hold these instead of those that it has, mode 0600; build.json is the last, so
/// that a folder which has one is whole. Throws Error.
void write_folder(const std::filesystem::path& folder, const FolderFiles& files);

}  // namespace toehold
