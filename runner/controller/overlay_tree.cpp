#include "runner/controller/overlay_tree.hpp"

#include <dirent.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/base/user_namespace.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

/// A folder of the tree as it lies in one layer; the base is layer 0.
struct Source {
  std::size_t layer = 0;
  fs::path folder;
};
using Sources = std::vector<Source>;  // the uppermost first

/// One name in a folder: which of its sources have it, the uppermost first.
using Holders = std::vector<std::size_t>;

struct Found {
  bool present = false;
  TreeEntry entry;
  Sources sources;      // of a folder, what shows in it
  bool closed = false;  // nothing of what is below the sources that were asked shows in it
  bool is_folder() const { return present && S_ISDIR(entry.status.st_mode); }
};

class Tree {
 public:
  explicit Tree(const OverlayStack& stack)
      : stack_(stack), prefix_(stack.user_xattrs ? "user.overlay." : "trusted.overlay.") {
    for (std::size_t i = stack.layers.size(); i > 0; --i) {
      root_.push_back({i, stack.layers[i - 1]});
    }
    if (stack.base.empty()) return;
    root_.push_back({0, stack.base});
    if (stack.user_xattrs && stack.base == "/") unknown_owner_ = overflow_id();
    device_ = status_of(stack.base).st_dev;
  }

  const Sources& root() const { return root_; }

  /// A name whose holders are not known: all may have it.
  Found look_up(const Sources& sources, const std::string& path, const std::string& name) const {
    Holders all(sources.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    return look_up(sources, path, name, all);
  }

  TreeEntry root_entry() const {
    if (root_.empty()) throw Error(Error::Kind::io, "there is neither a base nor a layer");
    return {"", root_.front().folder, status_of(root_.front().folder)};
  }

  std::map<std::string, Holders> names_in(const Sources& sources) const {
    std::map<std::string, Holders> names;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(sources[i].folder.c_str()),
                                                       ::closedir);
      if (!folder) throw Error::from_errno("cannot read " + sources[i].folder.string(), errno);
      errno = 0;
      while (const dirent* item = ::readdir(folder.get())) {
        const std::string_view name = item->d_name;
        if (name != "." && name != "..") names[std::string(name)].push_back(i);
      }
      if (errno != 0) throw Error::from_errno("cannot read " + sources[i].folder.string(), errno);
    }
    return names;
  }

  /// What `name` is in a folder at `path`.
  Found look_up(const Sources& sources, const std::string& path, const std::string& name,
                const Holders& holders) const {
    Found found;
    found.entry.path = path.empty() ? name : path + "/" + name;
    for (const std::size_t i : holders) {
      const Source& source = sources[i];
      const fs::path on_disk = source.folder / name;
      struct stat status {};
      if (::lstat(on_disk.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) continue;
        throw Error::from_errno("cannot read " + on_disk.string(), errno);
      }
      if (source.layer == 0 && unknown_owner_) give_to_root(status);
      if (take(found, source, on_disk, status)) {
        found.closed = true;
        break;
      }
    }
    return found;
  }

 private:
  static struct stat status_of(const fs::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
      throw Error::from_errno("cannot read " + path.string(), errno);
    }
    return status;
  }

  /// This machine's owners are not in the user namespace of a sandbox, where root has their place.
  void give_to_root(struct stat& status) const {
    if (status.st_uid == *unknown_owner_) status.st_uid = 0;
    if (status.st_gid == *unknown_owner_) status.st_gid = 0;
  }

  /// Adds one layer's item to what was found above it; true when it hides those below.
  bool take(Found& found, const Source& source, const fs::path& on_disk,
            const struct stat& status) const {
    const bool folder = S_ISDIR(status.st_mode);
    if (source.layer != 0 && is_whiteout(on_disk, status)) return true;
    if (found.present && !folder) return true;
    if (!found.present) {
      found.present = true;
      found.entry.on_disk = on_disk;
      found.entry.status = status;
    }
    if (source.layer != 0) refuse_unknown(on_disk, status);
    if (!folder) return true;
    // What is mounted on the base is not part of it.
    if (source.layer != 0 || status.st_dev == device_) {
      found.sources.push_back({source.layer, on_disk});
    }
    return source.layer != 0 && attribute(on_disk, "opaque") == "y";
  }

  bool is_whiteout(const fs::path& path, const struct stat& status) const {
    if (S_ISCHR(status.st_mode)) return status.st_rdev == 0;
    // How newer kernels write it where device nodes cannot be made.
    return S_ISREG(status.st_mode) && status.st_size == 0 && has_attribute(path, "whiteout");
  }

  void refuse_unknown(const fs::path& path, const struct stat& status) const {
    const bool folder = S_ISDIR(status.st_mode);
    const bool file = S_ISREG(status.st_mode);
    if ((!folder || !has_attribute(path, "redirect")) &&
        (!file || !has_attribute(path, "metacopy"))) {
      return;
    }
    throw Error(Error::Kind::unsupported,
                path.string() + ": the layer refers to files of the layers below it",
                "mount the overlay with redirect_dir=off,metacopy=off");
  }

  bool has_attribute(const fs::path& path, const char* name) const {
    return ::lgetxattr(path.c_str(), (prefix_ + name).c_str(), nullptr, 0) >= 0;
  }

  std::string attribute(const fs::path& path, const char* name) const {
    char value[16];
    const ssize_t size = ::lgetxattr(path.c_str(), (prefix_ + name).c_str(), value, sizeof value);
    return size < 0 ? std::string() : std::string(value, static_cast<std::size_t>(size));
  }

  const OverlayStack& stack_;
  const std::string prefix_;
  Sources root_;
  dev_t device_ = 0;
  std::optional<std::uint32_t> unknown_owner_;
};

class Walk {
 public:
  Walk(const OverlayStack& stack, std::stop_token stop) : tree_(stack), stop_(std::move(stop)) {}

  void all(const std::function<void(const TreeEntry&)>& entry) {
    entry(tree_.root_entry());
    folder("", tree_.root(), [&](const Found& found) {
      if (found.present) entry(found.entry);
      return found.present;
    });
  }

  void uppermost(const LayerVisitor& visitor) {
    compare(1, false, [&](const Found& now, const Found& before, bool) {
      if (!now.present) {
        if (before.present) visitor.removed(before.entry);
        gone_below(before, visitor);
        return;
      }
      if (!now.is_folder() || now.closed) gone_below(before, visitor);
      visitor.present(now.entry, before.present ? &before.entry : nullptr);
    });
  }

  void changes(std::size_t layers, bool base_known, const ChangeVisitor& visitor) {
    compare(layers, !base_known, [&](const Found& now, const Found& before, bool unknown) {
      if (!now.present) {
        if (before.present || unknown) visitor.removed(now.entry.path);
        return;
      }
      visitor.entry(now.entry);
      const bool hides = now.is_folder() && now.closed;
      if (hides && (before.is_folder() || unknown)) visitor.opaque(now.entry.path);
    });
  }

 private:
  /// `visit` says whether to go into a folder.
  template <class Visit>
  void folder(const std::string& path, const Sources& sources, const Visit& visit) {
    for (const auto& [name, holders] : tree_.names_in(sources)) {
      throw_if_stopped();
      const Found found = tree_.look_up(sources, path, name, holders);
      if (visit(found) && !found.sources.empty()) folder(found.entry.path, found.sources, visit);
    }
  }

  /// Each name in the uppermost `layers` beside what is below them. `unknown`: anything may be.
  template <class Visit>
  void compare(std::size_t layers, bool unknown, const Visit& visit) {
    const Sources& root = tree_.root();
    const auto middle = root.begin() + static_cast<std::ptrdiff_t>(layers);
    compare("", {root.begin(), middle}, {middle, root.end()}, unknown, visit);
  }

  template <class Visit>
  void compare(const std::string& path, const Sources& above, const Sources& below, bool unknown,
               const Visit& visit) {
    for (const auto& [name, holders] : tree_.names_in(above)) {
      throw_if_stopped();
      const Found now = tree_.look_up(above, path, name, holders);
      const Found before = tree_.look_up(below, path, name);
      visit(now, before, unknown);
      if (now.sources.empty()) continue;
      compare(now.entry.path, now.sources, now.closed ? Sources{} : before.sources,
              unknown && !now.closed, visit);
    }
  }

  void gone_below(const Found& found, const LayerVisitor& visitor) {
    folder(found.entry.path, found.sources, [&](const Found& inside) {
      if (inside.present) visitor.removed(inside.entry);
      return inside.present;
    });
  }

  void throw_if_stopped() const {
    if (stop_.stop_requested()) throw Error(Error::Kind::cancelled, "stopped by a signal");
  }

  const Tree tree_;
  const std::stop_token stop_;
};

std::string link_target(const fs::path& path) {
  std::error_code error;
  const fs::path target = fs::read_symlink(path, error);
  if (error) throw Error(Error::Kind::io, "cannot read " + path.string() + ": " + error.message());
  return target.string();
}

/// What is at `path`, through symbolic links.
std::optional<Found> locate(const Tree& tree, const std::string& path) {
  constexpr int most_links = 40;  // as the kernel's
  std::vector<std::string> todo = split(path, '/');
  std::reverse(todo.begin(), todo.end());
  Found root;
  root.entry = tree.root_entry();
  root.sources = tree.root();
  std::vector<Found> way{root};
  int links = 0;
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      if (way.size() > 1) way.pop_back();
      continue;
    }
    Found found = tree.look_up(way.back().sources, way.back().entry.path, name);
    if (!found.present) return std::nullopt;
    if (!S_ISLNK(found.entry.status.st_mode)) {
      way.push_back(std::move(found));
      continue;
    }
    if (++links > most_links) return std::nullopt;
    const std::string target = link_target(found.entry.on_disk);
    if (target.starts_with('/')) way.resize(1);
    const std::vector<std::string> parts = split(target, '/');
    todo.insert(todo.end(), parts.rbegin(), parts.rend());
  }
  return way.back();
}

}  // namespace

void walk_tree(const OverlayStack& stack, const std::function<void(const TreeEntry&)>& entry,
               std::stop_token stop) {
  Walk(stack, std::move(stop)).all(entry);
}

void walk_changes(const OverlayStack& stack, const ChangeVisitor& visitor, std::stop_token stop) {
  if (stack.layers.size() <= stack.base_layers) return;
  Walk(stack, std::move(stop))
      .changes(stack.layers.size() - stack.base_layers, !stack.base.empty(), visitor);
}

void walk_uppermost(const OverlayStack& stack, const LayerVisitor& visitor, std::stop_token stop) {
  Walk(stack, std::move(stop)).uppermost(visitor);
}

std::optional<TreeEntry> find_in_tree(const OverlayStack& stack, const std::string& path) {
  const std::optional<Found> found = locate(Tree(stack), path);
  if (!found) return std::nullopt;
  return found->entry;
}

std::vector<std::string> names_in_tree(const OverlayStack& stack, const std::string& path) {
  const Tree tree(stack);
  std::vector<std::string> names;
  const std::optional<Found> folder = locate(tree, path);
  if (!folder) return names;
  for (const auto& [name, holders] : tree.names_in(folder->sources)) {
    if (tree.look_up(folder->sources, path, name, holders).present) names.push_back(name);
  }
  return names;
}

}  // namespace toehold
