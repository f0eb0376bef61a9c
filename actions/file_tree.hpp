// What the file actions share: names and wildcards, owners and modes, files that are replaced as a
// whole, and trees that are copied, moved, changed and removed by descriptor. Called by the file
// actions, those of S3 and WebDownload. Never follows a link that it meets inside a tree, never
// writes devices.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/files.hpp"
#include "runner/engine/action.hpp"

namespace toehold {

// --- file_names.cpp

/// Octal text of three or four digits (`755`, `0755`, `0o755`); nullopt for anything else.
std::optional<mode_t> parse_mode(std::string_view text);
/// A user or group by name or number; throw Error(io) when there is none.
uid_t find_user(const std::string& name);
gid_t find_group(const std::string& name);
/// The primary group of a user; nullopt for a number that no account has.
std::optional<gid_t> primary_group(const std::string& user);

/// Owner, group and mode as they stand in a document; what is not given stays or gets its default.
struct Attributes {
  std::optional<uid_t> owner;
  std::optional<gid_t> group;
  std::optional<mode_t> mode;
};
/// Throws Error(io) for unknown names and for a mode that is not octal.
Attributes find_attributes(const std::optional<std::string>& owner,
                           const std::optional<std::string>& group,
                           const std::optional<std::string>& permissions);

bool ends_with_separator(const std::string& path);
/// Without the separators at its end; "/" stays. Throws Error(io) for a path that cannot be one:
/// empty, or with a NUL in it.
std::filesystem::path without_trailing_separators(const std::string& path);
/// The same for a path that has to name a file: a separator at its end is an Error(io), too.
std::filesystem::path file_path(const std::string& path);
bool has_wildcard(std::string_view path);

/// The files (or folders) that `path` names, sorted; `*` may stand in its last part. A link to a
/// folder is neither a file nor a folder to a wildcard. A path without `*` is returned as it is,
/// there or not. In a folder that is missing nothing fits; throws Error(io) when it cannot be read.
enum class Wanted { files, folders };
std::vector<std::filesystem::path> expand(const std::string& path, Wanted wanted);

/// Static checks for ActionInfo::check: a mode, a path without and one with a wildcard.
void check_mode(const Value& item, const char* key, const Deferred& deferred, Diagnostics&);
void check_file_path(const Value& item, const char* key, const Deferred& deferred, Diagnostics&);
void check_path(const Value& item, const char* key, const Deferred& deferred, Diagnostics&);
/// `destination`: the key that must then end in a separator; nullptr: none.
void check_wildcard(const Value& item, const char* key, const char* destination,
                    const Deferred& deferred, Diagnostics&);

// --- file_content.cpp

/// Throws Error(timeout) or Error(cancelled) once the step has to end. Long work calls it often.
using StopCheck = std::function<void()>;
StopCheck stop_check(const ActionContext& context);

/// One folder with its parents; new ones get 0777 less the caller's umask. `attributes` are for the
/// folder itself, new or not. Throws Error(io).
void create_folder_at(const std::filesystem::path& path, const Attributes& attributes = {});
/// A folder below an open one, with those between, made like the above; `name` has no "." or "..".
/// A link on the way is an Error(io): it could lead anywhere.
FileDescriptor create_folder_below(int folder, const std::string& name,
                                   const std::filesystem::path& path);
/// Missing folders above `path`.
void create_parents(const std::filesystem::path& path);

/// All of a regular file. Throws Error(io), also for a file of more than `limit` bytes.
std::string read_document_file(const std::filesystem::path& path, std::size_t limit);
/// Writes a file of its own that then takes the place: the old content or the new one. A new
/// file gets 0666 less the caller's umask; one that exists keeps its mode, owner and labels, but
/// for what `attributes` say. The target of a link is what changes. Only where the folder lets
/// nothing be renamed (mount points, /proc) the file is written in place. Throws Error(io), also
/// for whatever is no regular file and, unless `overwrite`, for whatever is there.
void write_document_file(const std::filesystem::path& path, std::string_view content,
                         const Attributes& attributes = {}, bool overwrite = true);
/// The same with the content of another file; a new one gets the permissions of that one.
void copy_one_file(const std::filesystem::path& from, const std::filesystem::path& to,
                   bool overwrite, const StopCheck& stop);

// --- transfer.cpp

/// What CopyFile, CopyFolder, MoveFile and MoveFolder take.
struct Transfer {
  std::string source;
  std::string destination;
  bool overwrite = true;
};
struct TransferPair {
  std::filesystem::path from, to;
};
enum class TransferKind { copy, move };
/// What goes where. All of it is looked at before anything is done: throws Error(io) when a source
/// is missing or of the wrong kind, or a target is in the way.
std::vector<TransferPair> plan_transfer(const Transfer& transfer, Wanted wanted, TransferKind kind);

// --- file_copy.cpp

/// The contents of a folder into another one, made if missing: file over file, links as links. New
/// files and folders get the permissions of theirs, but no set-id bits.
void copy_tree(const TransferPair& pair, const StopCheck& stop);
/// By rename; across file systems by a copy with owner, mode, times and labels that takes its place
/// when it is whole.
void move_path(const TransferPair& pair, const StopCheck& stop);
/// Everything in a folder into one that exists, file over file; then the empty folder goes.
void move_into(const TransferPair& pair, const StopCheck& stop);

// --- file_tree.cpp

/// Names in an open folder, sorted, without "." and ".."; `path` is for messages.
std::vector<std::string> names_in(int folder, const std::filesystem::path& path);
/// Throws Error(io) for system folders and for whatever is or holds a mount point.
void check_removable(const std::filesystem::path& folder);
/// A folder with all that is in it, links for themselves; check_removable comes first.
void remove_tree(const std::filesystem::path& folder, const StopCheck& stop);
/// `path` (links followed) and, with `recursive`, everything below. The mode is for files and
/// folders, the owner for links, too: for themselves, never for what they point to.
void change_tree(const std::filesystem::path& path, Wanted wanted, bool recursive,
                 const Attributes& attributes, const StopCheck& stop);

// --- file_entry.cpp (and remove_entry, of file_tree.cpp): one name in an open folder

/// A name in an open folder; `path` is what messages call it.
struct Entry {
  int folder = -1;
  std::string name;
  std::filesystem::path path;
  Entry below(int its_folder, const std::string& its_name) const {
    return {its_folder, its_name, path / its_name};
  }
};
/// What throws Error(io) with errno: "`what` `path`: reason".
[[noreturn]] void throw_errno(const std::string& what, const std::filesystem::path& path);
[[noreturn]] void throw_errno(const std::string& what, const std::filesystem::path& path,
                              int reason, std::string hint = {});
[[noreturn]] void refuse_to_overwrite(const std::filesystem::path& path);
/// lstat; false when there is nothing of that name.
bool look_at(const Entry& entry, struct stat& status);
/// Throws Error(io) for folders, devices and the like.
void require_regular(const std::filesystem::path& path, const struct stat& status);
/// A name in the same folder that nothing has; hidden, so that no *.d folder takes it up.
Entry temporary_beside(const Entry& entry);
/// A file that has no name until it is whole, so that a process that is killed leaves no part of
/// it. Only where the file system cannot do that it is hidden beside its place meanwhile.
class NewFile {
 public:
  /// `entry` is where it is to go, and outlives it. False, with errno, when none can be made.
  explicit NewFile(const Entry& entry);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();
  explicit operator bool() const { return bool(fd_); }
  int fd() const { return fd_.get(); }
  /// False when the folder does not let the name be replaced; throws Error(io) otherwise.
  bool put_in_place(bool overwrite);

 private:
  bool link_as(const std::string& name) const;

  const Entry& entry_;
  Entry temporary_;
  FileDescriptor fd_;
  bool has_name_ = false;
};
/// A file whose content comes from elsewhere, in any order, and that takes its place once it is
/// whole; owner, mode and labels become those of the file that was there.
class IncomingFile {
 public:
  /// Links are followed and things refused as by write_document_file. Throws Error(io).
  static std::unique_ptr<IncomingFile> at(const std::filesystem::path& path, bool overwrite);
  /// A name in a folder; a link of that name is replaced, not followed.
  IncomingFile(FileDescriptor folder, const std::filesystem::path& path, bool overwrite);
  IncomingFile(const IncomingFile&) = delete;
  IncomingFile& operator=(const IncomingFile&) = delete;
  int fd() const { return file_.fd(); }
  /// `durable`: on the disk when this returns; false leaves that to the caller.
  void put_in_place(bool durable);

 private:
  FileDescriptor folder_;
  Entry entry_;
  bool overwrite_;
  NewFile file_;
};
/// Everything of one descriptor: owner first, as that clears the set-id bits of the mode.
void apply(int fd, const Attributes& attributes, const std::filesystem::path& path);
/// A file, link or folder with all that is in it.
void remove_entry(const Entry& entry, const StopCheck& stop);
/// Labels and access lists; what the other file system does not take is left out. Capabilities and
/// signatures belong to the content.
void copy_labels(int from, int to, bool same_content);
/// Bytes, shared between the files where the file system can.
void copy_bytes(int from, int to, const std::filesystem::path& path, const StopCheck& stop);

}  // namespace toehold
