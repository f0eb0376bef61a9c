#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <limits>

#include "actions/file_tree.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/base/users.hpp"

namespace toehold {

std::optional<mode_t> parse_mode(std::string_view text) {
  if (text.starts_with("0o")) text.remove_prefix(2);
  if (text.size() < 3 || text.size() > 4) return std::nullopt;
  mode_t mode = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return std::nullopt;
    mode = mode * 8 + static_cast<mode_t>(c - '0');
  }
  return mode;
}

namespace {

/// Ids are 32 bits wide, and the last one means "unchanged" to chown.
std::optional<std::uint32_t> parse_id(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  const auto number = Value(text).as_int();
  if (!number || *number >= std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

uid_t find_user(const std::string& name) {
  if (const auto entry = user_named(name)) return entry->user;
  if (const auto id = parse_id(name)) return *id;
  throw Error(Error::Kind::io, "there is no user '" + name + "' on this machine",
              "create the user in an earlier step, or give a number");
}

gid_t find_group(const std::string& name) {
  if (const auto entry = group_named(name)) return *entry;
  if (const auto id = parse_id(name)) return *id;
  throw Error(Error::Kind::io, "there is no group '" + name + "' on this machine",
              "create the group in an earlier step, or give a number");
}

std::optional<gid_t> primary_group(const std::string& user) {
  auto entry = user_named(user);
  if (const auto id = parse_id(user); !entry && id) entry = user_with_id(*id);
  if (!entry) return std::nullopt;
  return entry->group;
}

Attributes find_attributes(const std::optional<std::string>& owner,
                           const std::optional<std::string>& group,
                           const std::optional<std::string>& permissions) {
  Attributes found;
  if (owner) found.owner = find_user(*owner);
  if (group) found.group = find_group(*group);
  if (permissions) {
    found.mode = parse_mode(*permissions);
    if (!found.mode) {
      throw Error(Error::Kind::io, "permissions: not an octal mode: " + *permissions,
                  "write three or four octal digits, such as 0644 or 755");
    }
  }
  return found;
}

bool ends_with_separator(const std::string& path) {
  return path.ends_with('/') || path.ends_with('\\');
}

fs::path without_trailing_separators(const std::string& path) {
  if (path.empty()) throw Error(Error::Kind::io, "the path is empty");
  if (path.find('\0') != std::string::npos) {
    throw Error(Error::Kind::io, "there is a NUL byte in the path " + printable(path));
  }
  std::string text = path;
  while (text.size() > 1 && ends_with_separator(text)) text.pop_back();
  return text;
}

fs::path file_path(const std::string& path) {
  fs::path file = without_trailing_separators(path);
  if (!ends_with_separator(path)) return file;
  throw Error(Error::Kind::io, path + " names a folder, not a file",
              "leave the separator at its end away");
}

bool has_wildcard(std::string_view path) {
  return path.find('*') != std::string_view::npos;
}

std::vector<fs::path> expand(const std::string& path, Wanted wanted) {
  const fs::path whole = without_trailing_separators(path);
  if (!has_wildcard(path)) return {whole};
  const fs::path parent = whole.parent_path();
  if (has_wildcard(parent.string())) {
    throw Error(Error::Kind::io, "'*' may stand only in the last part of " + path);
  }
  const fs::path folder = parent.empty() ? fs::path(".") : parent;
  const FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return {};
  if (!fd) throw_errno("cannot read the folder", folder);
  const std::string pattern = whole.filename().string();
  std::vector<fs::path> found;
  for (const std::string& name : names_in(fd.get(), folder)) {
    if (!wildcard_matches(pattern, name)) continue;
    struct stat status {};
    if (::fstatat(fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    bool fits = S_ISDIR(status.st_mode) == (wanted == Wanted::folders);
    if (S_ISLNK(status.st_mode)) {
      const bool to_folder =
          ::fstatat(fd.get(), name.c_str(), &status, 0) == 0 && S_ISDIR(status.st_mode);
      fits = wanted == Wanted::files && !to_folder;
    }
    if (fits) found.push_back(parent / name);
  }
  return found;
}

namespace {

/// The member's value if it can be judged now.
const Value* known_text(const Value& item, const char* key, const Deferred& deferred) {
  const Value* value = item.find(key);
  const bool known = value && value->is_scalar() && !value->is_null() && !deferred(*value);
  return known ? value : nullptr;
}

}  // namespace

void check_path(const Value& item, const char* key, const Deferred& deferred,
                Diagnostics& diagnostics) {
  const Value* value = known_text(item, key, deferred);
  if (!value) return;
  if (value->text().empty()) {
    diagnostics.error(codes::invalid_value, value->where, std::string("'") + key + "' is empty",
                      "write a path");
  } else if (value->text().find('\0') != std::string::npos) {
    diagnostics.error(codes::invalid_value, value->where,
                      std::string("there is a NUL byte in '") + key + "'", "no path has one");
  }
}

void check_file_path(const Value& item, const char* key, const Deferred& deferred,
                     Diagnostics& diagnostics) {
  check_path(item, key, deferred, diagnostics);
  const Value* value = known_text(item, key, deferred);
  if (!value || !ends_with_separator(value->text())) return;
  diagnostics.error(codes::invalid_value, value->where,
                    std::string("'") + key + "' names a folder, not a file: " + value->text(),
                    "leave the separator at its end away");
}

void check_mode(const Value& item, const char* key, const Deferred& deferred,
                Diagnostics& diagnostics) {
  const Value* value = known_text(item, key, deferred);
  if (!value || parse_mode(value->text())) return;
  diagnostics.error(codes::invalid_value, value->where,
                    std::string("'") + key + "' is not an octal mode: " + value->text(),
                    "write three or four octal digits, such as 0644 or 755");
}

void check_wildcard(const Value& item, const char* key, const char* destination,
                    const Deferred& deferred, Diagnostics& diagnostics) {
  check_path(item, key, deferred, diagnostics);
  if (destination) check_path(item, destination, deferred, diagnostics);
  const Value* value = known_text(item, key, deferred);
  if (!value || !has_wildcard(value->text())) return;
  const std::string_view text = value->text();
  const std::size_t end = text.find_last_not_of("/\\");
  const std::size_t last = text.find_last_of("/\\", end);
  if (last != std::string::npos && text.find('*') < last) {
    diagnostics.error(codes::invalid_value, value->where,
                      std::string("'*' may stand only in the last part of '") + key + "'",
                      "name the folders; ExecuteBash can do more");
    return;
  }
  const Value* to = destination ? known_text(item, destination, deferred) : nullptr;
  if (!to || to->text().empty() || ends_with_separator(to->text())) return;
  diagnostics.error(codes::invalid_value, to->where,
                    std::string("with '*' in '") + key + "' the destination has to be a folder",
                    "end it with a '/': " + to->text() + "/");
}

}  // namespace toehold
