#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <set>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "actions/s3_address.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr std::size_t most_objects = 1000;  // as AWS documents it

struct Download {
  std::string source;
  std::string destination;
  std::optional<std::string> expected_bucket_owner;
  bool overwrite = true;
};

std::uint64_t size_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

/// One object into one file.
void fetch_object(const Download& download, const ObjectAddress& source, ActionContext& context) {
  fs::path target = without_trailing_separators(download.destination);
  if (ends_with_separator(download.destination)) {
    const std::string name = source.key.substr(source.key.rfind('/') + 1);
    if (name.empty() || name == "." || name == "..") {
      throw Error(Error::Kind::io, download.source + " does not end in a file name",
                  "give 'destination' a file name");
    }
    target /= name;
  }
  // Made before anything is asked of S3: what is wrong here is told at once.
  const auto file = IncomingFile::at(target, download.overwrite);
  std::uint64_t size = 0;
  context.objects.get({{source, [&] { return file->fd(); },
                        [&] {
                          size = size_of(file->fd());
                          file->put_in_place(true);
                        }}},
                      transfer_control(context, "S3Download"));
  context.note("S3Download: " + download.source + " -> " + target.string() + " (" +
               format_size(size) + ")");
}

/// Everything below a prefix into a folder.
class PrefixDownload {
 public:
  PrefixDownload(const Download& download, ObjectAddress prefix, ActionContext& context)
      : download_(download),
        prefix_(std::move(prefix)),
        context_(context),
        path_(without_trailing_separators(download.destination)),
        folder_(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (!folder_) throw_errno("cannot open the folder", path_, errno, hint_for(errno));
  }

  void run() {
    const TransferControl control = transfer_control(context_, "S3Download");
    plan(context_.objects.list(prefix_, most_objects + 1, control));
    for (const std::string& folder : folders_) create_folder_below(folder_.get(), folder, path_);
    std::vector<ObjectDownload> downloads;
    for (Landing& landing : landings_) {
      downloads.push_back(
          {landing.source, [&] { return open(landing); }, [&] { finish(landing); }});
    }
    context_.objects.get(downloads, control);
    // Once for all of them: a sync for each would take longer than the download.
    if (::syncfs(folder_.get()) != 0) throw_errno("cannot write", path_);
    context_.note("S3Download: " + download_.source + " -> " + path_.string() + "/ (" +
                  count_of(landings_.size(), "object") + ", " + format_size(bytes_) + ")");
  }

 private:
  struct Landing {
    ObjectAddress source;
    fs::path path;  // below the destination
    std::unique_ptr<IncomingFile> file;
  };

  static std::string hint_for(int reason) {
    return reason == ENOENT ? "create it first, with CreateFolder" : "";
  }

  /// All is looked at before anything is downloaded.
  void plan(const std::vector<ObjectInfo>& objects) {
    if (objects.empty()) {
      throw Error(Error::Kind::aws, "there is no object below " + to_string(prefix_));
    }
    if (objects.size() > most_objects) {
      throw Error(Error::Kind::aws,
                  "there are more than " + std::to_string(most_objects) + " objects below " +
                      to_string(prefix_) + ", and S3Download takes no more at once",
                  "name longer prefixes, in several items");
    }
    std::set<std::string> files;
    for (const ObjectInfo& object : objects) {
      const std::string below = object.key.substr(prefix_.key.size());
      if (below.empty()) continue;  // the folder itself, as consoles make it
      check_key(object, below);
      if (below.ends_with('/')) {
        folders_.push_back(below.substr(0, below.size() - 1));
        continue;
      }
      files.insert(below);
      landings_.push_back({{prefix_.bucket, object.key, prefix_.expected_owner}, below, nullptr});
    }
    for (const Landing& landing : landings_) check_place(landing.path, files);
    for (const std::string& folder : folders_) check_folder(folder, files);
  }

  void check_key(const ObjectInfo& object, const std::string& below) const {
    const auto refuse = [&](const std::string& why) {
      throw Error(Error::Kind::aws,
                  to_string({prefix_.bucket, printable(object.key), {}}) + " can be no file in " +
                      path_.string() + ": " + why,
                  "download it by itself, with a 'destination' of its own");
    };
    if (below.find('\0') != std::string::npos) refuse("there is a NUL byte in its key");
    if (below.ends_with('/') && object.size > 0) refuse("its key ends in '/'");
    const std::string names = below.ends_with('/') ? below.substr(0, below.size() - 1) : below;
    for (const std::string& part : split(names, '/')) {
      if (part == "." || part == "..") refuse("there is a '" + part + "' in its key");
      if (part.empty()) refuse("there is a '/' too many in its key");
    }
  }

  /// A key may go on below another one; a path may not.
  void check_folder(const fs::path& folder, const std::set<std::string>& files) const {
    for (fs::path above = folder; !above.empty(); above = above.parent_path()) {
      if (!files.contains(above.string())) continue;
      throw Error(Error::Kind::aws,
                  prefix_.key + above.string() + " is an object, and there are others below it: " +
                      (path_ / above).string() + " cannot be a file and a folder",
                  "download them by themselves");
    }
  }

  void check_place(const fs::path& path, const std::set<std::string>& files) const {
    check_folder(path.parent_path(), files);
    struct stat status {};
    const bool there = ::fstatat(folder_.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && !download_.overwrite) refuse_to_overwrite(path_ / path);
  }

  int open(Landing& landing) {
    FileDescriptor folder =
        create_folder_below(folder_.get(), landing.path.parent_path().string(), path_);
    landing.file = std::make_unique<IncomingFile>(std::move(folder), path_ / landing.path,
                                                  download_.overwrite);
    return landing.file->fd();
  }
  void finish(Landing& landing) {
    bytes_ += size_of(landing.file->fd());
    landing.file->put_in_place(false);
    landing.file.reset();
  }

  const Download& download_;
  ObjectAddress prefix_;
  ActionContext& context_;
  fs::path path_;
  FileDescriptor folder_;
  std::vector<std::string> folders_;  // that are objects of their own
  std::vector<Landing> landings_;
  std::atomic<std::uint64_t> bytes_ = 0;
};

ItemResult run(const Download& download, ActionContext& context) {
  ObjectAddress source = s3_address(download.source, download.expected_bucket_owner, true);
  if (source.key == "*" || source.key.ends_with("/*")) {
    source.key.pop_back();
    PrefixDownload(download, source, context).run();
  } else {
    fetch_object(download, source, context);
  }
  return Value();
}

}  // namespace

Action s3_download() {
  Action action = make_list_action(
      "S3Download", "Downloads objects from S3.",
      Fields<Download>{}
          .required("source", &Download::source,
                    "s3://bucket/key, or s3://bucket/prefix/* for everything below a prefix, at "
                    "most 1,000 objects.")
          .required("destination", &Download::destination,
                    "The file, or with a prefix the folder. It has to exist; the folders of the "
                    "keys are made in it.")
          .optional("expectedBucketOwner", &Download::expected_bucket_owner,
                    "Account id that must own the bucket.")
          .optional("overwrite", &Download::overwrite,
                    "Replace a file that exists; false: fail instead.", "true"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_s3_address(item, "source", true, deferred, diagnostics);
  };
  action.info.example = R"(- name: FetchPackages
  action: S3Download
  inputs:
    - source: s3://my-bucket/packages/*
      destination: /tmp/packages/
      expectedBucketOwner: 012345678901
)";
  return action;
}

}  // namespace toehold
