// The options of each target as a struct with its field table, and the list of targets that a
// recipe may name. Called by the recipe reader, the providers and the reference page; a further
// target is a struct, a table and a line in target_types().
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runner/base/fields.hpp"
#include "runner/controller/recipe.hpp"

namespace toehold {

struct SandboxOptions {
  std::string base;  // "host", "mmdebstrap:SUITE", or the absolute path of a folder or tarball
  bool offline = false;
  std::vector<std::string> bind;  // as parse_bind takes them
  std::string cleanup = "auto";   // "always", "never"
};

struct ContainerOptions {
  std::string image;
  std::string engine = "auto";  // "podman", "docker"
  bool record_files = true;     // which files each step changes
};

struct SshOptions {
  std::string host;
  int port = 22;
  std::string user = "root";
  std::string identity_file;  // absolute; empty: the agent's and the usual ones
  std::string known_hosts;    // absolute; empty: the user's
  std::string password_from;  // "ask", "env:NAME", "file:PATH"; empty: no password
  std::string jump;           // "[user@]host[:port]"
  bool sudo = false;
  bool record_files = false;  // which files each step changes
};

struct QemuOptions {
  std::string base;   // "mmdebstrap:SUITE", or the absolute path of a disk, folder or tarball
  int memory = 1024;  // MiB
  int cpus = 2;
  int disk_size = 0;                 // GiB; 0: as the base has it
  int boot_timeout = 300;            // seconds
  std::string accelerator = "auto";  // "kvm", "tcg"
  std::string cpu;                   // empty: what suits the accelerator
  bool offline = false;
  std::string cleanup = "always";  // "never"
  bool record_files = true;
};

struct BindMount {
  std::string source;  // absolute, on this machine
  std::string place;   // absolute, in the sandbox
  bool writable = false;
};

struct TargetType {
  std::string name;
  std::string doc;
  std::vector<FieldInfo> fields;
  /// Completes what was not written (parent image, absolute paths) and reports what is wrong;
  /// returns the options as their table encodes them.
  Value (*complete)(const Value& options, const Recipe& recipe, const std::filesystem::path& folder,
                    Diagnostics& diagnostics);
};
const std::vector<TargetType>& target_types();

/// Of a recipe without errors.
SandboxOptions sandbox_options(const Recipe& recipe);
ContainerOptions container_options(const Recipe& recipe);
SshOptions ssh_options(const Recipe& recipe);
/// Whether the manifest is to have the files of each step, on a target where the agent looks.
bool records_files(const Recipe& recipe);
QemuOptions qemu_options(const Recipe& recipe);

/// `FOLDER`, `FOLDER:PLACE` or `FOLDER:PLACE:rw` with absolute paths; read-only unless `rw`.
std::optional<BindMount> parse_bind(const std::string& text);

/// `path` as it is meant in a recipe in `folder`: `~/` is the home folder, a relative path starts
/// at `folder`.
std::string path_in_recipe(const std::string& path, const std::filesystem::path& folder);

}  // namespace toehold
