#include <algorithm>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

struct Listing {
  std::string path;
  std::string file_name_pattern = "*";
  bool recursive = false;
};

void list(const fs::path& folder, const Listing& listing, std::vector<std::string>& files) {
  for (const fs::path& file :
       expand((folder / listing.file_name_pattern).string(), Wanted::files)) {
    std::error_code error;
    if (fs::exists(fs::symlink_status(file, error))) files.push_back(file.string());
  }
  if (!listing.recursive) return;
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory() && !entry.is_symlink()) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  for (const fs::path& below : folders) list(below, listing, files);
}

ItemResult run(const Listing& listing, ActionContext&) {
  const fs::path folder = without_trailing_separators(listing.path);
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return Failed{listing.path + " is not a folder", {}, {}};
  }
  std::vector<std::string> files;
  list(folder, listing, files);
  return Value::object({{"files", join(files, ",")}});
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
          .optional("recursive", &Listing::recursive, "The folders below, too.", "false"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.outputs = {{"files", "Paths of the files, separated by commas."}};
  action.info.example = R"(- name: FindPackages
  action: ListFiles
  inputs:
    - path: /tmp/packages
      fileNamePattern: '*.deb'
)";
  return action;
}

}  // namespace toehold
