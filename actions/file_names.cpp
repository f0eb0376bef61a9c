#include <grp.h>
#include <pwd.h>

#include <algorithm>

#include "actions/file_tree.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace fs = std::filesystem;

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

uid_t find_user(const std::string& name) {
  if (const passwd* entry = ::getpwnam(name.c_str())) return entry->pw_uid;
  const auto number = Value(name).as_int();
  if (number && *number >= 0) return static_cast<uid_t>(*number);
  throw Error(Error::Kind::io, "there is no user '" + name + "' on this machine",
              "create the user in an earlier step, or give a number");
}

gid_t find_group(const std::string& name) {
  if (const group* entry = ::getgrnam(name.c_str())) return entry->gr_gid;
  const auto number = Value(name).as_int();
  if (number && *number >= 0) return static_cast<gid_t>(*number);
  throw Error(Error::Kind::io, "there is no group '" + name + "' on this machine",
              "create the group in an earlier step, or give a number");
}

std::optional<gid_t> primary_group(const std::string& user) {
  const passwd* entry = ::getpwnam(user.c_str());
  if (!entry) {
    if (const auto number = Value(user).as_int()) {
      entry = ::getpwuid(static_cast<uid_t>(*number));
    }
  }
  if (!entry) return std::nullopt;
  return entry->pw_gid;
}

bool ends_with_separator(const std::string& path) {
  return path.ends_with('/') || path.ends_with('\\');
}

fs::path without_trailing_separators(const std::string& path) {
  std::string text = path;
  while (text.size() > 1 && ends_with_separator(text)) text.pop_back();
  return text;
}

bool has_wildcard(const std::string& path) {
  return path.find('*') != std::string::npos;
}

namespace {

/// `*` alone is special: no backtracking is needed, because the last star can always be moved on.
bool name_matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, star_name = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_name = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_name;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

std::vector<fs::path> expand(const std::string& path, Wanted wanted) {
  const fs::path whole = without_trailing_separators(path);
  if (!has_wildcard(path)) return {whole};
  const fs::path folder = whole.has_parent_path() ? whole.parent_path() : fs::path(".");
  if (has_wildcard(folder.string())) {
    throw Error(Error::Kind::io, "'*' may stand only in the last part of " + path);
  }
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error)
    throw Error(Error::Kind::io, "cannot read " + folder.string() + ": " + error.message());
  const std::string pattern = whole.filename().string();
  std::vector<fs::path> found;
  for (const auto& entry : entries) {
    const bool is_folder = entry.is_directory(error);
    if (is_folder != (wanted == Wanted::folders)) continue;
    if (name_matches(pattern, entry.path().filename().string())) {
      found.push_back(whole.has_parent_path() ? entry.path() : entry.path().filename());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

fs::path landing_place(const fs::path& source, const std::string& destination) {
  if (!ends_with_separator(destination)) return destination;
  return without_trailing_separators(destination) / source.filename();
}

void check_mode(const Value& item, const char* key, const Deferred& deferred,
                Diagnostics& diagnostics) {
  const Value* value = item.find(key);
  if (!value || !value->is_scalar() || value->is_null() || deferred(*value)) return;
  if (parse_mode(value->text())) return;
  diagnostics.error(codes::invalid_value, value->where,
                    std::string("'") + key + "' is not an octal mode: " + value->text(),
                    "write three or four octal digits, such as 0644 or 755");
}

void check_wildcard(const Value& item, const char* key, const char* destination,
                    const Deferred& deferred, Diagnostics& diagnostics) {
  const Value* value = item.find(key);
  if (!value || !value->is_scalar() || deferred(*value) || !has_wildcard(value->text())) return;
  const std::string& text = value->text();
  if (text.find_last_of("/\\") != std::string::npos && text.find('*') < text.find_last_of("/\\")) {
    diagnostics.error(codes::invalid_value, value->where,
                      std::string("'*' may stand only in the last part of '") + key + "'",
                      "name the folders; ExecuteBash can do more");
    return;
  }
  const Value* to = destination ? item.find(destination) : nullptr;
  if (!to || !to->is_scalar() || deferred(*to) || ends_with_separator(to->text())) return;
  diagnostics.error(codes::invalid_value, to->where,
                    std::string("with '*' in '") + key + "' the destination has to be a folder",
                    "end it with a '/': " + to->text() + "/");
}

}  // namespace toehold
