#include "runner/controller/layer_key.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "generated/version.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"

namespace toehold {

namespace {

// Changes whenever an action does something else with the same inputs.
constexpr int semantics = 1;

void add(Digest& digest, const std::string& part) {
  digest.update(std::to_string(part.size()) + ":");
  digest.update(part);
}

void add_status(Digest& digest, const std::string& name, const struct stat& status) {
  add(digest, name + " " + std::to_string(status.st_mode) + " " + std::to_string(status.st_uid) +
                  " " + std::to_string(status.st_gid) + " " +
                  (S_ISDIR(status.st_mode) ? "" : std::to_string(status.st_size)) + " " +
                  std::to_string(status.st_mtim.tv_sec) + "." +
                  std::to_string(status.st_mtim.tv_nsec));
}

void add_folder(Digest& digest, const fs::path& folder, const std::vector<std::string>& skip) {
  std::error_code error;
  std::vector<fs::path> paths;
  // An ordinary user cannot look into all of them, and a step of theirs cannot either.
  constexpr auto options = fs::directory_options::skip_permission_denied;
  for (auto entry = fs::recursive_directory_iterator(folder, options, error);
       entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const bool skipped =
        entry.depth() == 0 &&
        std::find(skip.begin(), skip.end(), entry->path().filename().string()) != skip.end();
    if (skipped) {
      entry.disable_recursion_pending();
      continue;
    }
    paths.push_back(entry->path());
  }
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0) {
      add_status(digest, path.lexically_relative(folder).string(), status);
    }
  }
}

bool has_checksum(const Value& item) {
  const Value* checksum = item.find("checksum");
  const Value* algorithm = item.find("algorithm");
  return checksum && algorithm && !checksum->text().empty() && !algorithm->text().empty();
}

}  // namespace

std::string layer_key(const std::string& parent, const std::string& action, const Value& inputs,
                      const LayerConditions& conditions) {
  Digest digest(DigestAlgorithm::sha256);
  add(digest, std::to_string(semantics) + " " + TOEHOLD_VERSION);
  add(digest, parent);
  add(digest, action);
  add(digest, to_json(inputs));
  for (const auto& [name, value] : conditions.environment) add(digest, name + "=" + value);
  add(digest, conditions.working_directory);
  add(digest, conditions.offline ? "offline" : "network");
  for (const std::string& bind : conditions.binds) add(digest, bind);
  return digest.finish();
}

Value key_parts(const Value& inputs, const LayerConditions& conditions) {
  Value::Map parts;
  const auto put = [&](const std::string& name, const std::string& text) {
    parts.push_back({name, Value(digest_of(DigestAlgorithm::sha256, text).substr(0, 16))});
  };
  if (inputs.is_map()) {
    for (const auto& member : inputs.map()) {
      put("input '" + member.key + "'", to_json(member.value));
    }
  } else {
    std::size_t number = 0;
    for (const Value& item : inputs.list()) {
      put("item " + std::to_string(++number) + " of the inputs", to_json(item));
    }
  }
  std::string environment;
  for (const auto& [name, value] : conditions.environment) environment += name + "=" + value + "\n";
  put("the environment", environment);
  put("the working directory", conditions.working_directory);
  put("the network", conditions.offline ? "offline" : "network");
  for (const std::string& bind : conditions.binds) {
    put("the folder " + bind.substr(0, bind.find(':')), bind);
  }
  put("toehold", std::to_string(semantics) + " " + TOEHOLD_VERSION);
  return Value(std::move(parts));
}

std::string why_not_cached(const std::string& action, const Value& inputs) {
  if (action == "WebDownload") {
    const auto& items = inputs.list();
    if (std::all_of(items.begin(), items.end(), has_checksum)) return {};
    return "it downloads without checksum and algorithm, so the file may be another one tomorrow";
  }
  if (action == "S3Download") return "the objects may be others tomorrow";
  if (action == "S3Upload") return "it has to upload each time";
  if (action == "UpdateOS") return "there may be newer packages tomorrow";
  return {};
}

std::string folder_fingerprint(const fs::path& folder, const std::vector<std::string>& skip) {
  Digest digest(DigestAlgorithm::sha256);
  add_folder(digest, folder, skip);
  return digest.finish();
}

std::string host_fingerprint() {
  Digest digest(DigestAlgorithm::sha256);
  for (const char* folder : {"/etc", "/usr/local", "/opt"}) {
    // mtab and the like are links; resolv.conf and adjtime change by themselves.
    add_folder(digest, folder, {"resolv.conf", "adjtime", ".pwd.lock", "mtab"});
  }
  for (const char* path :
       {"/var/lib/dpkg/status", "/var/lib/rpm", "/usr/lib/sysimage/rpm", "/lib/apk/db/installed",
        "/usr/lib/os-release", "/usr/bin", "/usr/sbin", "/usr/lib"}) {
    struct stat status {};
    if (::stat(path, &status) == 0) add_status(digest, path, status);
  }
  return digest.finish();
}

}  // namespace toehold
