#include "runner/controller/rootless.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "runner/agent/run_directory.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/base/user_namespace.hpp"
#include "runner/controller/sandbox_instance.hpp"
#include "runner/controller/target_options.hpp"

namespace toehold {

namespace {

/// overlayfs is for root alone before 5.11.
void require_overlay_for_users() {
  utsname system{};
  ::uname(&system);
  const std::string_view release = system.release;
  int major = 0, minor = 0;
  const auto parsed = std::from_chars(release.begin(), release.end(), major);
  if (parsed.ec != std::errc() || parsed.ptr == release.end()) return;
  std::from_chars(parsed.ptr + 1, release.end(), minor);
  if (major > 5 || (major == 5 && minor >= 11)) return;
  throw Error(Error::Kind::unsupported,
              "Linux " + std::string(release) + " mounts overlayfs for root alone",
              "run it as root, or take Linux 5.11 or later");
}

void check_one_id(const Recipe& recipe, const std::string& base, const IdMap& map,
                  Diagnostics& diagnostics) {
  const std::string why = why_one_id(map.owner);
  if (base.starts_with("mmdebstrap:")) {
    diagnostics.error(codes::invalid_value, recipe.target.where,
                      "the base " + base +
                          " cannot be made: it has files of several users, and "
                          "here root is the only one",
                      why);
    return;
  }
  diagnostics.warning(codes::invalid_value, recipe.target.where,
                      "in this sandbox root is the only user: chown, useradd, and programs that "
                      "become another user (apt-get does) will fail",
                      why);
}

/// What is not the user's cannot become it by being copied.
void warn_of_host(const Recipe& recipe, Diagnostics& diagnostics) {
  diagnostics.warning(
      codes::invalid_value, recipe.target.where,
      "this machine's own files can be replaced and removed in the sandbox, but "
      "outside of /etc not be changed in place: packages can be installed, and "
      "those that are there not be upgraded; files that you cannot read are not there",
      "for all of it take a base of its own, --set target.base=mmdebstrap:bookworm, "
      "or run it as root");
}

}  // namespace

void become_root(const CommandContext& context) {
  become_root(context, {context.argv + 1, context.argv + context.argc});
}

void become_root(const CommandContext& context, const std::vector<std::string>& words) {
  if (::geteuid() == 0) return;
  ::setenv("TOEHOLD_HOME", state_base().c_str(), 1);
  std::fflush(nullptr);
  std::vector<char*> argv{context.argv[0]};
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  relaunch_in_user_namespace(argv.data());
}

void become_root_for(const std::vector<std::string>& targets, const CommandContext& context) {
  const auto is_sandbox = [](const std::string& target) { return target == sandbox_target; };
  if (::geteuid() == 0 || std::none_of(targets.begin(), targets.end(), is_sandbox)) return;
  if (!std::all_of(targets.begin(), targets.end(), is_sandbox)) {
    throw Error(Error::Kind::usage, "without root, the target sandbox cannot go with another one",
                "give one of them at a time: --set target.type=sandbox");
  }
  become_root(context);
}

void check_rootless(const Recipe& recipe, Diagnostics& diagnostics) {
  const IdMap map = current_id_map();
  if (map.whole) return;
  require_overlay_for_users();
  const SandboxOptions options = sandbox_options(recipe);
  if (map.count == 1) check_one_id(recipe, options.base, map, diagnostics);
  if (options.base == "host") warn_of_host(recipe, diagnostics);
}

std::string id_map_key() {
  const IdMap map = current_id_map();
  return map.whole ? std::string()
                   : "-" + digest_of(DigestAlgorithm::sha256, map.text).substr(0, 8);
}

}  // namespace toehold
