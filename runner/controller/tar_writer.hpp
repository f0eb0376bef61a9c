// Tar archives and gzip as streams: pax format, nothing in them but what is given, so that the same
// entries give the same bytes. Called by the outputs. The only other file that knows libarchive is
// archive_library.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace toehold {

/// Takes the bytes as they come; may throw.
using ByteSink = std::function<void(std::string_view)>;

struct TarEntry {
  std::string name;   // of folders with '/' at the end
  unsigned mode = 0;  // type and permissions, as in st_mode
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::int64_t mtime = 0;  // seconds since 1970
  std::uint64_t size = 0;  // of a file's content
  std::uint64_t device = 0;
  std::string symlink;    // what it points to
  std::string hard_link;  // name of the earlier entry; then there is no content
  std::vector<std::pair<std::string, std::string>> xattrs;
  /// Offset and length of what is not a hole, in order; empty: there is none.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> data;
};

class TarWriter {
 public:
  explicit TarWriter(ByteSink sink);
  ~TarWriter();
  /// Throws Error(io) for what tar cannot hold, and what the sink throws.
  void begin(const TarEntry& entry);
  /// The content of the entry begun last, `size` bytes in all, holes as zeros.
  void write(std::string_view bytes);
  /// An entry with its content at once.
  void add(TarEntry entry, std::string_view content);
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class GzipWriter {
 public:
  explicit GzipWriter(ByteSink sink);
  ~GzipWriter();
  void write(std::string_view bytes);
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A small ISO 9660 image with a volume label and files of these names and contents; what keys and
/// settings come to a machine on.
std::string iso_image(const std::string& label,
                      const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace toehold
