#include <unistd.h>

#include <cerrno>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

struct Link {
  std::string path;
  std::string target;
  bool force = false;
};

ItemResult run(const Link& link, ActionContext&) {
  const fs::path path = fs::absolute(without_trailing_separators(link.path));
  std::error_code error;
  // A relative target is seen from the link's folder.
  const fs::path seen = fs::path(link.target).is_absolute() ? fs::path(link.target)
                                                            : path.parent_path() / link.target;
  if (!fs::exists(seen, error))
    return Failed{"the target " + seen.string() + " does not exist", {}, {}};
  const auto status = fs::symlink_status(path, error);
  if (fs::exists(status) && !fs::is_symlink(status)) {
    return Failed{path.string() + " exists and is not a link", {}, {}};
  }
  if (fs::is_symlink(status) && !link.force) {
    return Failed{path.string() + " exists and force is false", {}, {}};
  }
  create_parents(path);
  // Under a name of its own first, so that the path is never without a link.
  const fs::path made = path.string() + "." + random_hex(4);
  if (::symlink(link.target.c_str(), made.c_str()) != 0) {
    throw Error::from_errno("cannot create the link " + path.string(), errno);
  }
  if (::rename(made.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    ::unlink(made.c_str());
    throw Error::from_errno("cannot create the link " + path.string(), reason);
  }
  return Value();
}

}  // namespace

Action create_symlink() {
  Action action = make_list_action(
      "CreateSymlink", "Makes symbolic links.",
      Fields<Link>{}
          .required("path", &Link::path, "The link.")
          .required("target", &Link::target, "What it points to; it has to exist.")
          .optional("force", &Link::force, "Replace a link that is there.", "false"),
      run);
  action.info.example = R"(- name: LinkCurrent
  action: CreateSymlink
  inputs:
    - path: /opt/app/current
      target: /opt/app/releases/2.1
      force: true
)";
  return action;
}

}  // namespace toehold
