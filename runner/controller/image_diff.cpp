#include "runner/controller/image_diff.hpp"

#include <map>

#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// Several versions or architectures of one package are one entry.
std::map<std::string, std::string> versions_of(const PackageList& list) {
  std::map<std::string, std::string> versions;
  for (const Package& package : list.packages) {
    std::string& text = versions[package.name];
    text += (text.empty() ? "" : ", ") + package.version;
  }
  return versions;
}

const char* change_of(bool before, bool after) {
  return before ? (after ? "changed" : "removed") : "added";
}

std::vector<PackageDifference> compare(const PackageList& a, const PackageList& b) {
  const auto before = versions_of(a);
  auto all = versions_of(b);
  const auto after = all;
  all.insert(before.begin(), before.end());
  std::vector<PackageDifference> differences;
  for (const auto& [name, ignored] : all) {
    const auto old = before.find(name);
    const auto now = after.find(name);
    const bool had = old != before.end();
    const bool has = now != after.end();
    if (had && has && old->second == now->second) continue;
    differences.push_back({name, change_of(had, has), had ? old->second : std::string(),
                           has ? now->second : std::string()});
  }
  return differences;
}

std::vector<std::string> what_differs(const ChangedFile& a, const ChangedFile& b) {
  if (a.type != b.type) return {"type"};
  std::vector<std::string> what;
  if (a.size != b.size || a.sha256 != b.sha256) what.emplace_back("content");
  if (a.target != b.target) what.emplace_back("target");
  if (a.mode != b.mode) what.emplace_back("mode");
  if (a.owner != b.owner) what.emplace_back("owner");
  return what;
}

using FileMap = std::map<std::string, ChangedFile>;

FileMap by_path(const Manifest& manifest) {
  FileMap files;
  for (ChangedFile& file : net_changes(manifest)) {
    std::string path = file.path;
    files.emplace(std::move(path), std::move(file));
  }
  return files;
}

/// What is not in an image's changes is there as in the parent, unless the other one added it.
FileDifference compare_file(const std::string& path, const ChangedFile* a, const ChangedFile* b) {
  const auto is_there = [](const ChangedFile* file, const ChangedFile* other) {
    return file ? file->change != "removed" : other->change != "added";
  };
  FileDifference difference;
  difference.path = path;
  const bool had = is_there(a, b);
  const bool has = is_there(b, a);
  if (!had && !has) return difference;
  if (had && a) difference.before = *a;
  if (has && b) difference.after = *b;
  if (had && has && a && b) {
    difference.what = what_differs(*a, *b);
    if (difference.what.empty()) return difference;
  }
  difference.change = change_of(had, has);
  return difference;
}

std::vector<FileDifference> compare_files(const Manifest& a, const Manifest& b) {
  const FileMap before = by_path(a);
  const FileMap after = by_path(b);
  FileMap all = before;
  all.insert(after.begin(), after.end());
  std::vector<FileDifference> differences;
  for (const auto& [path, ignored] : all) {
    const auto old = before.find(path);
    const auto now = after.find(path);
    FileDifference difference = compare_file(path, old == before.end() ? nullptr : &old->second,
                                             now == after.end() ? nullptr : &now->second);
    if (!difference.change.empty()) differences.push_back(std::move(difference));
  }
  return differences;
}

Value file_value(const FileDifference& file) {
  Value value = Value::object({{"path", file.path}, {"change", file.change}});
  Value::List what;
  for (const std::string& each : file.what) what.emplace_back(each);
  if (!what.empty()) value.set("what", Value(std::move(what)));
  if (file.before) value.set("before", changed_file_fields().encode(*file.before));
  if (file.after) value.set("after", changed_file_fields().encode(*file.after));
  return value;
}

}  // namespace

ImageDifference compare_images(const Manifest& a, const Manifest& b) {
  ImageDifference difference;
  difference.packages = compare(a.packages_after, b.packages_after);
  difference.files = compare_files(a, b);
  if (a.parent != b.parent || a.parent_id != b.parent_id) {
    difference.note =
        "the images have different parents; only files that a build changed are compared";
  }
  return difference;
}

Value to_value(const ImageDifference& difference) {
  Value::List packages, files;
  for (const PackageDifference& package : difference.packages) {
    Value value = Value::object({{"name", package.name}, {"change", package.change}});
    if (!package.before.empty()) value.set("before", package.before);
    if (!package.after.empty()) value.set("after", package.after);
    packages.push_back(std::move(value));
  }
  for (const FileDifference& file : difference.files) files.push_back(file_value(file));
  return Value::object({{"packages", Value(std::move(packages))},
                        {"files", Value(std::move(files))},
                        {"note", difference.note}});
}

}  // namespace toehold
