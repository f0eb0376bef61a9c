// The file tree that overlayfs shows of layer folders over a base, read without mounting it, and
// what the layers changed of the base. Called by the outputs and the manifest; reads only, follows
// no symbolic link out of the tree, and stays on the base's file system.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace toehold {

struct OverlayStack {
  std::filesystem::path base;                 // empty: not known, or nothing
  std::vector<std::filesystem::path> layers;  // upper folders, the lowest first
  bool user_xattrs = false;                   // mounted with `userxattr`: user.overlay.* counts
  std::size_t base_layers = 0;                // how many of the layers belong to the base
};

struct TreeEntry {
  std::string path;  // "etc/passwd"; empty for the root itself
  std::filesystem::path on_disk;
  struct stat status {};
};

/// Everything that can be seen, folders before what is in them, names in byte order, the root
/// first. Throws Error(io), Error(cancelled), and Error(unsupported) for a layer that was made with
/// redirect_dir or metacopy.
void walk_tree(const OverlayStack& stack, const std::function<void(const TreeEntry&)>& entry,
               std::stop_token stop);

struct ChangeVisitor {
  /// Added, changed or only copied up; the root is left out.
  std::function<void(const TreeEntry&)> entry;
  /// Something of the base that is gone. Without a base, whatever a layer hides.
  std::function<void(const std::string& path)> removed;
  /// Comes behind the entry of a folder in which nothing of the base shows any more.
  std::function<void(const std::string& path)> opaque;
};
/// The same order and errors.
void walk_changes(const OverlayStack& stack, const ChangeVisitor& visitor, std::stop_token stop);

struct LayerVisitor {
  /// `before`: what the layers below show there; null for something new.
  std::function<void(const TreeEntry& now, const TreeEntry* before)> present;
  /// Likewise for everything in a folder that is gone, the folder first.
  std::function<void(const TreeEntry& before)> removed;
};
/// What the uppermost layer alone did to what is below it.
void walk_uppermost(const OverlayStack& stack, const LayerVisitor& visitor, std::stop_token stop);

/// What can be seen at `path` ("var/lib/dpkg/status"); symbolic links on the way, and at its end,
/// are followed within the tree.
std::optional<TreeEntry> find_in_tree(const OverlayStack& stack, const std::string& path);
/// What can be seen in the folder at `path`, in byte order; empty where there is none.
std::vector<std::string> names_in_tree(const OverlayStack& stack, const std::string& path);

}  // namespace toehold
