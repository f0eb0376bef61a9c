#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

struct Listing {
  std::string path;
  std::string file_name_pattern = "*";
  bool recursive = false;
};

void list(const Entry& folder, const Listing& listing, const StopCheck& stop,
          std::vector<std::string>& files) {
  stop();
  const FileDescriptor fd(
      ::openat(folder.folder, folder.name.c_str(),
               O_RDONLY | O_DIRECTORY | O_CLOEXEC | (folder.folder == AT_FDCWD ? 0 : O_NOFOLLOW)));
  if (!fd) throw_errno("cannot read the folder", folder.path);
  for (const std::string& name : names_in(fd.get(), folder.path)) {
    const Entry entry = folder.below(fd.get(), name);
    struct stat status {};
    if (!look_at(entry, status)) continue;
    if (S_ISDIR(status.st_mode)) {
      if (listing.recursive) list(entry, listing, stop, files);
      continue;
    }
    // A link counts as what it points to, but a folder behind one is not entered.
    const bool link_to_folder = S_ISLNK(status.st_mode) &&
                                ::fstatat(fd.get(), name.c_str(), &status, 0) == 0 &&
                                S_ISDIR(status.st_mode);
    if (!link_to_folder && wildcard_matches(listing.file_name_pattern, name)) {
      files.push_back(entry.path.string());
    }
  }
}

ItemResult run(const Listing& listing, ActionContext& context) {
  const std::filesystem::path folder = without_trailing_separators(listing.path);
  if (listing.file_name_pattern.find('/') != std::string::npos) {
    return Failed{
        "fileNamePattern is for names, not for paths: " + listing.file_name_pattern, {}, {}};
  }
  std::vector<std::string> files;
  list({AT_FDCWD, folder.string(), folder}, listing, stop_check(context), files);
  std::sort(files.begin(), files.end());
  return Value::object({{"files", join(files, ",")}});
}

void check(const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
  check_path(item, "path", deferred, diagnostics);
  const Value* pattern = item.find("fileNamePattern");
  if (!pattern || deferred(*pattern) || pattern->text().find('/') == std::string::npos) return;
  diagnostics.error(codes::invalid_value, pattern->where,
                    "'fileNamePattern' is for names, not for paths: " + pattern->text(),
                    "put the folder into 'path'");
}

}  // namespace

Action list_files() {
  Action action = make_list_action(
      "ListFiles", "Lists the files in folders.",
      Fields<Listing>{}
          .required("path", &Listing::path, "The folder.")
          .optional("fileNamePattern", &Listing::file_name_pattern,
                    "Only names that fit; '*' stands for any characters. Quote a pattern that "
                    "begins with '*'.",
                    "*")
          .optional("recursive", &Listing::recursive,
                    "The folders below, too; those behind links are not entered.", "false"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.outputs = {
      {"files", "Paths of the files, sorted and separated by commas; each begins with `path`."}};
  action.info.check = check;
  action.info.example = R"(- name: FindPackages
  action: ListFiles
  inputs:
    - path: /tmp/packages
      fileNamePattern: '*.deb'
)";
  return action;
}

}  // namespace toehold
