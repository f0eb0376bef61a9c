#include "runner/controller/packages.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

#include "runner/base/files.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr std::size_t most_bytes = 256u << 20;

using Take = std::function<void(std::string_view key, std::string_view value)>;

/// Paragraphs of `key<separator>value` lines, parted by empty lines; `end` after each.
void read_paragraphs(const std::string& text, char separator, const Take& take,
                     const std::function<void()>& end) {
  bool open = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stop = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, stop - at);
    at = stop + 1;
    if (line.empty()) {
      if (open) end();
      open = false;
      continue;
    }
    open = true;
    const std::size_t colon = line.find(separator);
    if (line.front() == ' ' || colon == std::string_view::npos) continue;
    take(line.substr(0, colon), trim(line.substr(colon + 1)));
  }
  if (open) end();
}

/// deb-status(5): what is configured, half-configured or unpacked has its files there. Images
/// without dpkg itself have a file a package in status.d, without a Status.
void read_dpkg(const std::string& text, std::vector<Package>& packages) {
  Package package;
  std::string status = "installed";
  read_paragraphs(
      text, ':',
      [&](std::string_view key, std::string_view value) {
        if (key == "Package") package.name = value;
        if (key == "Version") package.version = value;
        if (key == "Architecture") package.architecture = value;
        if (key == "Status") status = split(value, ' ').back();
      },
      [&] {
        const bool there = status != "config-files" && status != "not-installed";
        if (there && !package.name.empty()) packages.push_back(package);
        package = {};
        status = "installed";
      });
}

/// apk's installed database: one letter, a colon, the value.
void read_apk(const std::string& text, std::vector<Package>& packages) {
  Package package;
  read_paragraphs(
      text, ':',
      [&](std::string_view key, std::string_view value) {
        if (key == "P") package.name = value;
        if (key == "V") package.version = value;
        if (key == "A") package.architecture = value;
      },
      [&] {
        if (!package.name.empty()) packages.push_back(package);
        package = {};
      });
}

void read_status_folder(const OverlayStack& stack, std::vector<Package>& packages) {
  const std::string folder = "var/lib/dpkg/status.d";
  for (const std::string& name : names_in_tree(stack, folder)) {
    const auto file = find_in_tree(stack, folder + "/" + name);
    if (!file || !S_ISREG(file->status.st_mode) || name.ends_with(".md5sums")) continue;
    read_dpkg(read_file(file->on_disk, most_bytes), packages);
  }
}

PackageList read_rpm(const TreeEntry& database, ProcessRunner& processes, std::stop_token stop) {
  PackageList list{"rpm", {}, {}};
  if (!find_in_path("rpm")) {
    list.note = "there is a database of rpm, but no rpm here to read it: apt-get install rpm";
    return list;
  }
  // A copy: the program writes beside the file even when it only reads.
  const TempDirectory copy(fs::temp_directory_path(), "toehold-rpm-");
  for (const char* suffix : {"", "-wal"}) {
    const fs::path from = database.on_disk.string() + suffix;
    std::error_code error;
    if (!fs::exists(from, error)) continue;
    fs::copy_file(from, copy.path() / from.filename());
  }
  std::string text;
  const ProcessResult result = processes.run(
      {{"rpm", "--dbpath", copy.path().string(), "-qa", "--qf", rpm_question},
       "/",
       {{"LC_ALL", "C"}}},
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::out) text += bytes;
      },
      nullptr, Deadline(std::chrono::steady_clock::now() + std::chrono::minutes(1)), stop);
  list.packages = parse_rpm_answer(text);
  if (!result.succeeded()) list.note = "rpm cannot read the database: " + describe(result);
  return list;
}

}  // namespace

std::vector<Package> parse_rpm_answer(const std::string& text) {
  std::vector<Package> packages;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> parts = split(line, '\t');
    if (parts.size() == 3) packages.push_back({parts[0], parts[1], parts[2]});
  }
  return packages;
}

void sort_packages(std::vector<Package>& packages) {
  std::sort(packages.begin(), packages.end(), [](const Package& a, const Package& b) {
    return std::tie(a.name, a.architecture, a.version) <
           std::tie(b.name, b.architecture, b.version);
  });
}

PackageList installed_packages(const OverlayStack& stack, ProcessRunner& processes,
                               std::stop_token stop) {
  PackageList list;
  const auto find_file = [&](std::initializer_list<const char*> paths) -> std::optional<TreeEntry> {
    for (const char* path : paths) {
      auto found = find_in_tree(stack, path);
      if (found && S_ISREG(found->status.st_mode)) return found;
    }
    return std::nullopt;
  };
  if (const auto status = find_file({"var/lib/dpkg/status"})) {
    list.manager = "dpkg";
    read_dpkg(read_file(status->on_disk, most_bytes), list.packages);
  }
  if (find_in_tree(stack, "var/lib/dpkg/status.d")) {
    list.manager = "dpkg";
    read_status_folder(stack, list.packages);
  }
  if (list.packages.empty()) {
    if (const auto apk = find_file({"lib/apk/db/installed", "usr/lib/apk/db/installed"})) {
      list.manager = "apk";
      read_apk(read_file(apk->on_disk, most_bytes), list.packages);
    } else if (const auto rpm =
                   find_file({"usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite",
                              "var/lib/rpm/Packages.db", "var/lib/rpm/Packages"})) {
      list = read_rpm(*rpm, processes, std::move(stop));
    }
  }
  sort_packages(list.packages);
  return list;
}

}  // namespace toehold
