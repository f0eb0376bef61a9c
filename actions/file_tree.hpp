// What the file actions share: wildcards, where a copy lands, owners and modes by name and text,
// and trees that are walked without following the links in them. Called by the file actions only.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/base/fields.hpp"

namespace toehold {

/// Octal text of three or four digits (`755`, `0755`, `0o755`); nullopt for anything else.
std::optional<mode_t> parse_mode(std::string_view text);
/// A user or group by name or number; throw Error(io) when there is none.
uid_t find_user(const std::string& name);
gid_t find_group(const std::string& name);
/// The primary group of a user; nullopt for a number that no account has.
std::optional<gid_t> primary_group(const std::string& user);

bool ends_with_separator(const std::string& path);
/// Without the separators at its end; "/" stays.
std::filesystem::path without_trailing_separators(const std::string& path);
bool has_wildcard(const std::string& path);

/// The files (or folders) that `path` names, sorted; `*` in the last component stands for any run
/// of characters, those of hidden names included. A path without `*` is returned as it is, there or
/// not.
enum class Wanted { files, folders };
std::vector<std::filesystem::path> expand(const std::string& path, Wanted wanted);

/// Where `source` goes: into `destination` under its own name if that ends with a separator.
std::filesystem::path landing_place(const std::filesystem::path& source,
                                    const std::string& destination);

/// Missing parents of `path`, with the caller's umask. Throws Error(io).
void create_parents(const std::filesystem::path& path);
/// One folder with its parents; true when it is new.
bool create_folder_at(const std::filesystem::path& path);

/// Writes through a temporary file beside it and a rename: the old content or the new one. An
/// existing file keeps its mode and owner unless `mode` is given; a link's target is what changes.
/// Throws Error(io) for folders, devices and whatever else is no file.
void write_document_file(const std::filesystem::path& path, std::string_view content,
                         std::optional<mode_t> mode = {}, std::optional<uid_t> owner = {},
                         std::optional<gid_t> group = {});

/// A regular file with its mode; atomically, as above.
void copy_one_file(const std::filesystem::path& from, const std::filesystem::path& to);
/// A tree into `to`, file by file over what is there; links are copied as links.
void copy_tree(const std::filesystem::path& from, const std::filesystem::path& to);
/// By rename, else by copy and removal. Throws Error(io).
void move_path(const std::filesystem::path& from, const std::filesystem::path& to);
/// Never follows a link, never leaves the file system; refuses "/".
void remove_tree(const std::filesystem::path& path);

/// Calls `change(fd, is_folder)` for `path` (links followed) and, with `recursive`, for every file
/// and folder below (links left alone). Throws Error(io).
void for_each_in_tree(const std::filesystem::path& path, bool recursive,
                      const std::function<void(int fd, bool is_folder)>& change);

/// Static checks for ActionInfo::check.
void check_mode(const Value& item, const char* key, const Deferred& deferred, Diagnostics&);
void check_wildcard(const Value& item, const char* key, const char* destination,
                    const Deferred& deferred, Diagnostics&);

}  // namespace toehold
