#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "actions/s3_address.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr std::size_t longest_key = 1024;  // bytes; S3's limit

struct Upload {
  std::string source;
  std::string destination;
  bool recurse = false;
  std::optional<std::string> expected_bucket_owner;
};

/// What a source names, and where each file of it goes.
class UploadPlan {
 public:
  UploadPlan(const Upload& upload, ActionContext& context)
      : upload_(upload), context_(context), stop_(stop_check(context)) {
    const fs::path source = without_trailing_separators(upload.source);
    struct stat status {};
    is_single_ = !has_wildcard(upload.source);
    if (is_single_ && ::stat(source.c_str(), &status) != 0) throw_errno("cannot read", source);
    const bool is_folder = is_single_ && S_ISDIR(status.st_mode);
    if (is_folder && !upload.recurse) {
      throw Error(Error::Kind::io, source.string() + " is a folder",
                  "set recurse: true to upload all that is in it");
    }
    open_base(is_folder ? source : source.parent_path());
    if (is_folder) {
      collect(base_.get(), {}, "*");
    } else if (has_wildcard(upload.source)) {
      collect(base_.get(), {}, source.filename().string());
    } else {
      require_regular(file_path(upload.source), status);
      items_.push_back(source.filename());
    }
    if (is_folder) is_single_ = false;
    if (items_.empty()) throw Error(Error::Kind::io, "no file fits " + upload.source);
  }

  std::vector<ObjectUpload> uploads(const ObjectAddress& destination) {
    std::vector<ObjectUpload> uploads;
    for (const fs::path& item : items_) {
      ObjectAddress to = destination;
      const bool names_object = is_single_ && !to.key.empty() && !to.key.ends_with('/');
      if (!names_object) {
        if (!to.key.empty() && !to.key.ends_with('/')) to.key += '/';
        to.key += item.string();
      }
      check_key(item, to.key);
      uploads.push_back({to, [this, &item] { return open(item); }, (path_ / item).string()});
    }
    return uploads;
  }

  bool is_single() const { return is_single_; }
  std::size_t count() const { return items_.size(); }
  std::uint64_t bytes() const { return bytes_; }

 private:
  void open_base(const fs::path& folder) {
    if (has_wildcard(folder.string())) {
      throw Error(Error::Kind::io, "'*' may stand only in the last part of " + upload_.source);
    }
    path_ = folder;
    const fs::path at = folder.empty() ? fs::path(".") : folder;
    base_ = FileDescriptor(::open(at.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!base_) throw_errno("cannot open the folder", at);
  }

  void collect(int folder, const fs::path& below, const std::string& pattern) {
    for (const std::string& name : names_in(folder, path_ / below)) {
      stop_();
      if (!wildcard_matches(pattern, name)) continue;
      struct stat status {};
      const bool found = ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
      if (found && S_ISREG(status.st_mode)) {
        items_.push_back(below / name);
      } else if (found && S_ISDIR(status.st_mode)) {
        if (!upload_.recurse) continue;
        const FileDescriptor next(
            ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next) throw_errno("cannot open the folder", path_ / below / name);
        collect(next.get(), below / name, "*");
      } else if (::fstatat(folder, name.c_str(), &status, 0) == 0 && S_ISREG(status.st_mode)) {
        items_.push_back(below / name);  // S3 has no links: the content goes up
      } else if (found) {
        context_.note("S3Upload: " + printable((path_ / below / name).string()) +
                      " is left out: neither a file, nor a folder, nor a link to a file");
      }
    }
  }

  static void check_key(const fs::path& item, const std::string& key) {
    if (find_invalid_utf8(key)) {
      throw Error(Error::Kind::io,
                  printable(to_valid_utf8(item.string())) +
                      " cannot be uploaded: its name is not UTF-8, as S3 wants it",
                  "rename it, or upload an archive");
    }
    if (key.size() <= longest_key) return;
    throw Error(Error::Kind::io, item.string() + " cannot be uploaded: its key has " +
                                     std::to_string(key.size()) + " bytes, and S3 takes 1,024");
  }

  /// From the folder down, as it was found: what was swapped for a link since leads nowhere.
  FileDescriptor open(const fs::path& item) {
    const fs::path path = path_ / item;
    FileDescriptor folder(::openat(base_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const fs::path& part : item.parent_path()) {
      folder = FileDescriptor(
          ::openat(folder.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!folder) throw_errno("cannot read", path);
    }
    FileDescriptor file(
        ::openat(folder.get(), item.filename().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) throw_errno("cannot read", path);
    require_regular(path, status);
    bytes_ += static_cast<std::uint64_t>(status.st_size);
    return file;
  }

  const Upload& upload_;
  ActionContext& context_;
  StopCheck stop_;
  fs::path path_;
  FileDescriptor base_;
  std::vector<fs::path> items_;  // below `path_`
  bool is_single_ = false;
  std::atomic<std::uint64_t> bytes_ = 0;
};

ItemResult run(const Upload& upload, ActionContext& context) {
  const ObjectAddress to = s3_address(upload.destination, upload.expected_bucket_owner, false);
  UploadPlan plan(upload, context);
  const std::vector<ObjectUpload> uploads = plan.uploads(to);
  context.objects.put(uploads, transfer_control(context, "S3Upload"));
  const std::string size = format_size(plan.bytes());
  if (plan.is_single()) {
    context.note("S3Upload: " + uploads.front().name + " -> " + to_string(uploads.front().address) +
                 " (" + size + ")");
  } else {
    context.note("S3Upload: " + upload.source + " -> " + upload.destination + " (" +
                 count_of(plan.count(), "file") + ", " + size + ")");
  }
  return Value();
}

}  // namespace

Action s3_upload() {
  Action action = make_list_action(
      "S3Upload", "Uploads files to S3.",
      Fields<Upload>{}
          .required("source", &Upload::source,
                    "The file; '*' in its name uploads every file that fits. A folder needs "
                    "recurse. Links to files are followed, links to folders left out.")
          .required("destination", &Upload::destination,
                    "s3://bucket/key for one file; s3://bucket/prefix/ for several, whose names "
                    "come behind it.")
          .optional("recurse", &Upload::recurse, "The folders below, too.", "false")
          .optional("expectedBucketOwner", &Upload::expected_bucket_owner,
                    "Account id that must own the bucket."),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_s3_address(item, "destination", false, deferred, diagnostics);
  };
  action.info.example = R"(- name: KeepReport
  action: S3Upload
  inputs:
    - source: /tmp/report/*
      destination: s3://my-bucket/reports/
      recurse: true
)";
  return action;
}

}  // namespace toehold
