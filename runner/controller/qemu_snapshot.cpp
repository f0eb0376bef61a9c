#include "runner/controller/qemu_snapshot.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/controller/base_cache.hpp"
#include "runner/controller/qemu_instance.hpp"
#include "runner/controller/target_options.hpp"

namespace toehold {

namespace {

void sync_file(const fs::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file || ::fsync(file.get()) != 0) {
    throw Error::from_errno("cannot write " + path.string(), errno);
  }
}

/// What qemu-img writes into a file that is there keeps its mode.
void make_private_file(const fs::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) throw Error::from_errno("cannot write " + path.string(), errno);
}

}  // namespace

void make_overlay_disk(const fs::path& base, const std::string& format, std::int64_t gibibytes,
                       const fs::path& disk, ProcessRunner& processes, std::stop_token stop) {
  std::vector<std::string> words{"qemu-img", "create", "-q", "-f",          "qcow2",
                                 "-F",       format,   "-b", base.string(), disk.string()};
  if (gibibytes > 0) words.push_back(std::to_string(gibibytes) + "G");
  run_or_fail({words, "/", {}}, processes, std::move(stop),
              "cannot make a disk over " + base.string());
}

QemuSnapshot::QemuSnapshot(const Recipe& recipe, const BuildContext& context, std::int64_t record,
                           fs::path disk, PackageList before, PackageList after)
    : recipe_(recipe),
      context_(context),
      record_(record),
      disk_(std::move(disk)),
      before_(std::move(before)),
      after_(std::move(after)) {}

QemuSnapshot::~QemuSnapshot() {
  if (kept_) {
    context_.inventory.set_state(record_, "kept");
    return;
  }
  std::error_code error;
  fs::remove(disk_, error);
  if (!error) context_.inventory.set_state(record_, "removed");
}

WrittenOutput QemuSnapshot::write(const OutputSpec& output, const fs::path& path,
                                  std::stop_token stop) {
  if (output.type != "qcow2" && output.type != "raw") {
    throw Error(Error::Kind::unsupported, "target 'qemu' cannot write '" + output.type + "'");
  }
  const fs::path part = path.string() + ".part-" + context_.build_id;
  const InventoryRecord record = context_.inventory.plan_again(qemu_target, "file", part.string());
  std::error_code error;
  fs::remove(part, error);
  make_private_file(part);
  run_or_fail({{"qemu-img", "convert", "-q", "-f", "qcow2", "-O", output.type, disk_.string(),
                part.string()},
               "/",
               {}},
              context_.processes, stop, "cannot write " + path.string());
  sync_file(part);
  WrittenOutput written{output.type, path.string(), digest_of_file(DigestAlgorithm::sha256, part),
                        static_cast<std::int64_t>(fs::file_size(part))};
  fs::rename(part, path, error);
  if (error) throw Error(Error::Kind::io, "cannot write " + path.string() + ": " + error.message());
  context_.inventory.set_state(record.number, "removed");
  return written;
}

std::string QemuSnapshot::parent_id() const {
  const std::string base = qemu_options(recipe_).base;
  std::error_code error;
  if (!fs::is_regular_file(base, error)) return {};
  return "sha256:" + digest_of_file(DigestAlgorithm::sha256, base);
}

}  // namespace toehold
