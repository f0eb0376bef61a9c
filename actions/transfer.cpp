#include <sys/stat.h>

#include <cerrno>

#include "actions/file_tree.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

namespace toehold {

namespace {

[[noreturn]] void refuse(const std::string& message, std::string hint = {}) {
  throw Error(Error::Kind::io, message, std::move(hint));
}

fs::path landing_place(const fs::path& source, const std::string& destination) {
  const fs::path path = without_trailing_separators(destination);
  return ends_with_separator(destination) ? path / source.filename() : path;
}

void check_source(const fs::path& source, Wanted wanted, TransferKind kind) {
  struct stat status {};
  if (::lstat(source.c_str(), &status) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) throw_errno("cannot look at", source);
    refuse(source.string() + " does not exist");
  }
  const bool is_link = S_ISLNK(status.st_mode);
  if (is_link && kind == TransferKind::move) {
    // What moves is the link itself.
    if (wanted == Wanted::files) return;
    refuse(source.string() + " is a link, not a folder", "MoveFile moves links");
  }
  if (is_link && ::stat(source.c_str(), &status) != 0) {
    refuse(source.string() + " is a link to nothing");
  }
  const bool is_folder = S_ISDIR(status.st_mode);
  if (wanted == Wanted::folders && !is_folder) refuse(source.string() + " is not a folder");
  if (wanted == Wanted::files && is_folder) {
    refuse(source.string() + " is a folder",
           kind == TransferKind::copy ? "CopyFolder copies folders" : "MoveFolder moves folders");
  }
  if (wanted == Wanted::files) require_regular(source, status);
}

/// A folder cannot go into itself.
void check_nesting(const fs::path& from, const fs::path& to) {
  std::error_code error;
  const fs::path source = fs::canonical(from, error);
  const fs::path target = fs::weakly_canonical(to, error);
  if (error || source.empty() || target.empty()) return;
  const fs::path inside = target.lexically_relative(source);
  if (inside == ".") refuse(from.string() + " and " + to.string() + " are the same folder");
  if (!inside.empty() && *inside.begin() != "..") {
    refuse(to.string() + " is inside of " + from.string());
  }
}

void check_target(const fs::path& target, const Transfer& transfer, Wanted wanted) {
  struct stat status {};
  if (::lstat(target.c_str(), &status) != 0) return;
  if (!transfer.overwrite) refuse_to_overwrite(target);
  if (S_ISLNK(status.st_mode) && ::stat(target.c_str(), &status) != 0) {
    if (wanted == Wanted::files) return;
    refuse(target.string() + " is a link to nothing");
  }
  if (wanted == Wanted::folders) {
    if (!S_ISDIR(status.st_mode)) refuse(target.string() + " exists and is not a folder");
  } else if (S_ISDIR(status.st_mode)) {
    refuse(target.string() + " is a folder, and a file cannot take its place",
           "end the destination with '/' to go into it");
  } else {
    require_regular(target, status);
  }
}

}  // namespace

std::vector<TransferPair> plan_transfer(const Transfer& transfer, Wanted wanted,
                                        TransferKind kind) {
  const bool many = has_wildcard(transfer.source);
  if (many && !ends_with_separator(transfer.destination)) {
    refuse("with '*' in the source the destination has to be a folder: " + transfer.destination,
           "end it with '/'");
  }
  const auto sources = expand(transfer.source, wanted);
  if (sources.empty()) {
    refuse(std::string("no ") + (wanted == Wanted::files ? "file" : "folder") + " fits " +
           transfer.source);
  }
  std::vector<TransferPair> pairs;
  for (const fs::path& source : sources) {
    check_source(source, wanted, kind);
    const fs::path target = landing_place(source, transfer.destination);
    check_target(target, transfer, wanted);
    if (wanted == Wanted::folders) check_nesting(source, target);
    pairs.push_back({source, target});
  }
  return pairs;
}

}  // namespace toehold
