#include "runner/controller/sandbox_base.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "runner/agent/run_directory.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/layer_key.hpp"

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
  const char* mark = ::geteuid() == 0 ? "trusted.overlay.opaque" : "user.overlay.opaque";
  if (::setxattr(path.c_str(), mark, "y", 1, 0) != 0) {
    throw Error::from_errno("cannot mark " + path.string() + " as empty", errno,
                            "the file system of " + state_base().string() +
                                " has to take extended attributes; set TOEHOLD_HOME to another");
  }
}

/// Over this machine's root: what is of this boot, other people's scratch files, and our own state.
fs::path host_layer() {
  const fs::path layer = bases() / "host-layer-1" / "fs";
  std::error_code error;
  if (fs::exists(layer.parent_path() / "ready", error)) return layer;
  fs::remove_all(layer.parent_path(), error);
  make_private_directory(layer.parent_path());
  if (::mkdir(layer.c_str(), 0755) != 0)
    throw Error::from_errno("cannot make " + layer.string(), errno);
  ::chmod(layer.c_str(), 0755);
  for (const char* name : {"proc", "sys", "dev", "run"}) make_hiding_folder(layer / name, 0755);
  for (const char* name : {"tmp", "var/tmp"}) make_hiding_folder(layer / name, 01777);
  make_hiding_folder(layer / state_base().relative_path(), 0700);
  write_file_atomically(layer.parent_path() / "ready", "");
  return layer;
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

/// Made under another name, so that a half one is never taken.
template <class Make>
fs::path made_once(const std::string& name, const Make& make) {
  const fs::path place = bases() / name;
  std::error_code error;
  if (fs::exists(place / "ready", error)) return place / "fs";
  make_private_directory(bases());
  const FileLock lock(bases() / (name + ".lock"));
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

SandboxBase unpacked(const fs::path& archive, ProcessRunner& processes,
                     const std::function<void(const std::string&)>& note, std::stop_token stop) {
  const std::string identity = identity_of_archive(archive);
  const fs::path folder = made_once("tar-" + identity.substr(0, 32), [&](const fs::path& place) {
    note("unpacking " + archive.string());
    run_or_fail({{"tar", "--extract", "--numeric-owner", "--xattrs", "--xattrs-include=*", "--file",
                  archive.string(), "--directory", place.string()},
                 "/",
                 {}},
                processes, stop, "cannot unpack " + archive.string());
  });
  return {folder, "tar " + identity, {}};
}

SandboxBase debootstrapped(const std::string& suite, ProcessRunner& processes,
                           const std::function<void(const std::string&)>& note,
                           std::stop_token stop) {
  if (!find_in_path("mmdebstrap")) {
    throw Error(Error::Kind::unsupported, "the base mmdebstrap:" + suite + " needs mmdebstrap",
                "apt-get install mmdebstrap");
  }
  const fs::path folder = made_once("mmdebstrap-" + suite, [&](const fs::path& place) {
    note("making a Debian " + suite + " with mmdebstrap, once");
    run_or_fail({{"mmdebstrap", "--variant=apt", "--skip=cleanup/apt/lists", "--quiet", suite,
                  place.string()},
                 "/",
                 {}},
                processes, stop, "mmdebstrap of " + suite);
    ::chmod(place.c_str(), 0755);
  });
  const std::string packages =
      digest_of_file(DigestAlgorithm::sha256, folder / "var/lib/dpkg/status");
  return {folder, "mmdebstrap " + suite + " " + packages, {}};
}

}  // namespace

bool base_is_made(const std::string& base) {
  std::error_code error;
  if (base == "host" || fs::is_directory(base, error)) return true;
  const std::string name = base.starts_with(mmdebstrap)
                               ? "mmdebstrap-" + base.substr(mmdebstrap.size())
                               : "tar-" + identity_of_archive(base).substr(0, 32);
  return fs::exists(bases() / name / "ready", error);
}

SandboxBase prepare_base(const std::string& base, ProcessRunner& processes,
                         const std::function<void(const std::string&)>& note,
                         std::stop_token stop) {
  if (base == "host") return {"/", "host " + host_fingerprint(), {host_layer()}};
  if (base.starts_with(mmdebstrap)) {
    return debootstrapped(base.substr(mmdebstrap.size()), processes, note, std::move(stop));
  }
  std::error_code error;
  if (fs::is_directory(base, error)) return {base, "folder " + folder_fingerprint(base), {}};
  return unpacked(base, processes, note, std::move(stop));
}

}  // namespace toehold
