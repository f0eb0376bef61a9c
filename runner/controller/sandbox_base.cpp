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
#include "runner/controller/host_skeleton.hpp"
#include "runner/controller/layer_key.hpp"
#include "runner/controller/rootless.hpp"

namespace toehold {

namespace {

constexpr std::string_view mmdebstrap = "mmdebstrap:";

fs::path bases() {
  return state_base() / "cache" / "bases";
}

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

void run_or_fail(const Command& command, ProcessRunner& processes, std::stop_token stop,
                 const std::string& what) {
  std::string complaint;
  const ProcessResult result = processes.run(
      command,
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::err) complaint.append(bytes.substr(0, 65536));
        if (complaint.size() > 4096) complaint.erase(0, complaint.size() - 4096);
      },
      [](int) {}, Deadline(), std::move(stop));
  if (result.cancelled) throw Error(Error::Kind::cancelled, "interrupted");
  if (result.succeeded()) return;
  throw Error(Error::Kind::process,
              what + ": " + describe(result) + "\n" + std::string(trim(complaint)));
}

using Note = std::function<void(const std::string&)>;

/// Of what another build may be making just now; that can take minutes.
FileLock wait_for_lock(const fs::path& path, const Note& note, const std::stop_token& stop) {
  SystemClock clock;
  for (bool told = false;; told = true) {
    try {
      return FileLock(path);
    } catch (const Error& error) {
      if (error.kind() != Error::Kind::busy) throw;
    }
    if (!told) note("waiting for another build that makes " + path.stem().string());
    if (!clock.sleep_for(std::chrono::milliseconds(100), stop)) {
      throw Error(Error::Kind::cancelled, "interrupted");
    }
  }
}

/// Made under another name, so that a half one is never taken.
template <class Make>
fs::path made_once(const std::string& name, const Note& note, const std::stop_token& stop,
                   const Make& make) {
  const fs::path place = bases() / (name + id_map_key());
  std::error_code error;
  if (fs::exists(place / "ready", error)) return place / "fs";
  make_private_directory(bases());
  const FileLock lock = wait_for_lock(place.string() + ".lock", note, stop);
  if (fs::exists(place / "ready", error)) return place / "fs";
  fs::remove_all(place, error);
  make_private_directory(place);
  if (::mkdir((place / "fs").c_str(), 0755) != 0) {
    throw Error::from_errno("cannot make " + place.string(), errno);
  }
  ::chmod((place / "fs").c_str(), 0755);
  make(place / "fs");
  write_file_atomically(place / "ready", "");
  return place / "fs";
}

/// Over this machine's root: what is of this boot, other people's scratch files, and our own state.
SandboxBase host(const Note& note, const std::stop_token& stop) {
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

/// Changes with the file, without reading it.
std::string identity_of_archive(const fs::path& archive) {
  struct stat status {};
  if (::stat(archive.c_str(), &status) != 0) {
    throw Error::from_errno("cannot read " + archive.string(), errno);
  }
  return digest_of(DigestAlgorithm::sha256, archive.string() + " " +
                                                std::to_string(status.st_size) + " " +
                                                std::to_string(status.st_mtim.tv_sec) + "." +
                                                std::to_string(status.st_mtim.tv_nsec) + " " +
                                                std::to_string(status.st_ino));
}

SandboxBase unpacked(const fs::path& archive, ProcessRunner& processes, const Note& note,
                     std::stop_token stop) {
  const std::string identity = identity_of_archive(archive);
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

SandboxBase debootstrapped(const std::string& suite, ProcessRunner& processes, const Note& note,
                           std::stop_token stop) {
  if (!find_in_path("mmdebstrap")) {
    throw Error(Error::Kind::unsupported, "the base mmdebstrap:" + suite + " needs mmdebstrap",
                "apt-get install mmdebstrap");
  }
  const fs::path folder = made_once("mmdebstrap-" + suite, note, stop, [&](const fs::path& place) {
    note("making a Debian " + suite + " with mmdebstrap, once");
    // Its own root mode wants to mount what only root of the machine may.
    const std::string mode = in_user_namespace() ? "--mode=unshare" : "--mode=root";
    // It starts many programs; in namespaces of their own they, and what they have mounted, end
    // with the first of them, which ends with us.
    run_or_fail({{"unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "mmdebstrap", mode,
                  "--variant=apt", "--skip=cleanup/apt/lists", "--quiet", suite, place.string()},
                 "/",
                 {}},
                processes, stop, "mmdebstrap of " + suite);
    ::chmod(place.c_str(), 0755);
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
                               : "tar-" + identity_of_archive(base).substr(0, 32);
  return fs::exists(bases() / (name + id_map_key()) / "ready", error);
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
