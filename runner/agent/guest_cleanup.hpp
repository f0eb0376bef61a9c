// What belongs to one machine, or tells of its making, and does not go into an image: the list of
// Image Builder's clean-up, with the files by which a component switches parts of it off. Called
// before a snapshot is taken: by the agent on a machine of its own (`clean`), by the controller
// where it has the files. Runs no program of the guest.
// Source: "Required post-build clean up" in the Image Builder user guide.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace toehold {

struct CommandContext;

/// One line of the list. `path` is absolute; a name in it may have `*`; `{work}` is the working
/// directory of the recipe.
struct CleanupRule {
  const char* path;
  bool only_emptied;      // the file stays, without content
  const char* skip_file;  // in the working directory: the rule is left out
  int round = 0;          // by which somebody gets in goes last, and sshd's own keys behind it
};
const std::vector<CleanupRule>& cleanup_rules();

struct CleanupItem {
  std::string path;  // without the leading slash, through no symbolic link
  bool only_emptied = false;
  int round = 0;
};

struct GuestFile {
  std::string path;  // without the leading slash, through no symbolic link
  mode_t mode = 0;
  std::int64_t size = 0;
};

/// The files of a guest, wherever they are.
class GuestFiles {
 public:
  virtual ~GuestFiles() = default;
  /// Follows symbolic links within the guest.
  virtual std::optional<GuestFile> find(const std::string& path) const = 0;
  virtual std::vector<std::string> names(const std::string& folder) const = 0;
};

/// What the rules find, by rounds, each in byte order: once sshd has no keys, all is done. Empty
/// files that would be emptied are left out. `working_directory`: of the recipe, absolute; empty:
/// /tmp. Throws Error(io).
std::vector<CleanupItem> find_for_cleanup(const GuestFiles& files,
                                          const std::string& working_directory);

/// The command `clean`.
void add_clean(CLI::App& app, CommandContext& context);

}  // namespace toehold
