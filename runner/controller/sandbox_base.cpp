#include "runner/controller/sandbox_base.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "runner/agent/run_directory.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/text.hpp"
#include "runner/base/user_namespace.hpp"
#include "runner/controller/base_cache.hpp"
#include "runner/controller/host_skeleton.hpp"
#include "runner/controller/layer_key.hpp"
#include "runner/controller/rootless.hpp"

namespace toehold {

namespace {

constexpr std::string_view mmdebstrap = "mmdebstrap:";

void make_hiding_folder(const fs::path& path, mode_t mode) {
  std::error_code error;
  fs::create_directories(path, error);
  // In a merged folder the mode of the upper one counts.
  for (fs::path at = path.parent_path(); at.filename() != "fs"; at = at.parent_path()) {
    ::chmod(at.c_str(), 0755);
  }
  if (::chmod(path.c_str(), mode) != 0)
    throw Error::from_errno("cannot make " + path.string(), errno);
  mark_opaque(path);
}

/// Over this machine's root: what is of this boot, other people's scratch files, and our own state.
SandboxBase host(const TellProgress& note, const std::stop_token& stop) {
  struct Emptied {
    const char* path;
    mode_t mode;
  };
  constexpr std::array<Emptied, 6> emptied{{{"proc", 0755},
                                            {"sys", 0755},
                                            {"dev", 0755},
                                            {"run", 0755},
                                            {"var/tmp", 01777},
                                            {"tmp", 01777}}};
  const std::string fingerprint = host_fingerprint();
  const bool of_user = in_user_namespace();
  // What a skeleton holds of the machine is as new as the machine.
  const std::string name = of_user ? "host-" + fingerprint.substr(0, 16) : std::string("host");
  const fs::path layer = made_once(name, note, stop, [&](const fs::path& place) {
    if (of_user) {
      note("taking a look at this machine, once");
      lay_skeleton(place, stop, [&](const fs::path& path) {
        return path == state_base() ||
               std::any_of(emptied.begin(), emptied.end(), [&](const Emptied& folder) {
                 return path == fs::path("/") / folder.path;
               });
      });
    }
    // First, as it may be below one of the others, which then get their own modes.
    make_hiding_folder(place / state_base().relative_path(), 0700);
    for (const Emptied& folder : emptied) make_hiding_folder(place / folder.path, folder.mode);
  });
  return {"/", "host " + fingerprint + id_map_key(), {layer}};
}

SandboxBase unpacked(const fs::path& archive, ProcessRunner& processes, const TellProgress& note,
                     std::stop_token stop) {
  const std::string identity = identity_of_file(archive);
  const fs::path folder =
      made_once("tar-" + identity.substr(0, 32), note, stop, [&](const fs::path& place) {
        note("unpacking " + archive.string());
        std::vector<std::string> words{"tar", "--extract", "--numeric-owner", "--xattrs",
                                       "--xattrs-include=*"};
        const IdMap ids = current_id_map();
        if (!ids.whole) {  // only root of the machine makes devices; a sandbox has its own /dev
          words.insert(words.end(), {"--exclude=./dev/*", "--exclude=dev/*"});
        }
        if (ids.count == 1) words.push_back("--no-same-owner");
        words.insert(words.end(), {"--file", archive.string(), "--directory", place.string()});
        run_or_fail({words, "/", {}}, processes, stop, "cannot unpack " + archive.string());
      });
  return {folder, "tar " + identity + id_map_key(), {}};
}

SandboxBase debootstrapped(const std::string& suite, ProcessRunner& processes,
                           const TellProgress& note, std::stop_token stop) {
  require_mmdebstrap(suite);
  const fs::path folder = made_once("mmdebstrap-" + suite, note, stop, [&](const fs::path& place) {
    note("making a Debian " + suite + " with mmdebstrap, once");
    run_mmdebstrap(suite, {"--skip=cleanup/apt/lists"}, place, processes, stop);
  });
  const std::string packages =
      digest_of_file(DigestAlgorithm::sha256, folder / "var/lib/dpkg/status");
  return {folder, "mmdebstrap " + suite + " " + packages + id_map_key(), {}};
}

}  // namespace

bool base_is_made(const std::string& base) {
  std::error_code error;
  if (base == "host" || fs::is_directory(base, error)) return true;
  const std::string name = base.starts_with(mmdebstrap)
                               ? "mmdebstrap-" + base.substr(mmdebstrap.size())
                               : "tar-" + identity_of_file(base).substr(0, 32);
  return is_made(name);
}

SandboxBase prepare_base(const std::string& base, ProcessRunner& processes,
                         const std::function<void(const std::string&)>& note,
                         std::stop_token stop) {
  if (base == "host") return host(note, stop);
  if (base.starts_with(mmdebstrap)) {
    return debootstrapped(base.substr(mmdebstrap.size()), processes, note, std::move(stop));
  }
  std::error_code error;
  if (fs::is_directory(base, error))
    return {base, "folder " + folder_fingerprint(base) + id_map_key(), {}};
  return unpacked(base, processes, note, std::move(stop));
}

}  // namespace toehold
