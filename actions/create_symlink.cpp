#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

struct Link {
  std::string path;
  std::string target;
  bool force = false;
};

/// What the link will point to; a relative target is seen from the link's folder, which may be new.
fs::path seen_from(const fs::path& link, const fs::path& target) {
  std::error_code error;
  const fs::path whole = target.is_absolute() ? target : link.parent_path() / target;
  const fs::path seen = fs::weakly_canonical(whole, error);
  return error ? whole : seen;
}

ItemResult run(const Link& link, ActionContext&) {
  std::error_code error;
  const fs::path path = fs::absolute(without_trailing_separators(link.path), error);
  without_trailing_separators(link.target);  // refuses what is no path
  const fs::path seen = seen_from(path, link.target);
  if (!fs::exists(seen, error)) {
    return Failed{"the target " + seen.string() + " does not exist", {}, {}};
  }
  const auto status = fs::symlink_status(path, error);
  if (fs::exists(status) && !fs::is_symlink(status)) {
    return Failed{path.string() + " exists and is not a link", {}, {}};
  }
  if (fs::is_symlink(status) && !link.force) {
    return Failed{path.string() + " exists and force is false", {}, {}};
  }
  create_parents(path);
  if (!fs::is_symlink(status)) {
    if (::symlink(link.target.c_str(), path.c_str()) == 0) return Value();
    throw_errno("cannot create the link", path);
  }
  // Under another name first, so that the path is never without a link.
  const Entry made = temporary_beside({AT_FDCWD, path.filename().string(), path});
  if (::symlink(link.target.c_str(), made.path.c_str()) != 0) {
    throw_errno("cannot create the link", path);
  }
  if (::rename(made.path.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    ::unlink(made.path.c_str());
    throw_errno("cannot create the link", path, reason);
  }
  return Value();
}

}  // namespace

Action create_symlink() {
  Action action = make_list_action(
      "CreateSymlink", "Makes symbolic links.",
      Fields<Link>{}
          .required("path", &Link::path, "The link. Missing folders above it are made.")
          .required("target", &Link::target,
                    "What it points to, which has to exist. A relative one is seen from the folder "
                    "of the link.")
          .optional("force", &Link::force,
                    "Replace a link that is there; files and folders are never replaced.", "false"),
      run);
  action.info.check = [](const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
    check_path(item, "path", deferred, diagnostics);
    check_path(item, "target", deferred, diagnostics);
  };
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
