// Entries of a file tree in a tar archive: owners, modes, extended attributes, hard links, holes
// and devices as they are on the disk, times no newer than the epoch. Called by the outputs for
// each archive; decides nothing about what belongs into it.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <utility>

#include "runner/controller/overlay_tree.hpp"
#include "runner/controller/tar_writer.hpp"

namespace toehold {

class TreeTar {
 public:
  /// `epoch`: seconds since 1970; later times of files become this one.
  TreeTar(ByteSink sink, std::int64_t epoch, std::stop_token stop);

  /// Throws Error(io) when the file cannot be read or shrinks meanwhile.
  void add(const TreeEntry& entry);
  /// Whiteouts as OCI layers have them: an empty file `.wh.NAME` beside, `.wh..wh..opq` inside.
  void add_removed(const std::string& path);
  void add_opaque(const std::string& folder);
  void finish() { tar_.finish(); }

 private:
  void content(const TreeEntry& entry, const TarEntry& header);
  void marker(const std::string& path);

  TarWriter tar_;
  const std::int64_t epoch_;
  const std::stop_token stop_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // the first name of each
};

}  // namespace toehold
