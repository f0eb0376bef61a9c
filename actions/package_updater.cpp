#include "actions/package_updater.hpp"

#include <fnmatch.h>

#include <algorithm>

#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr std::size_t most_output_kept = 4 << 20;
constexpr std::size_t longest_cause = 300;

/// The last line that calls itself an error and says what it is, else the last line.
std::string cause_in(const std::string& err) {
  std::string last;
  std::string error;
  for (const std::string& line : split(err, '\n')) {
    if (!trim(line).empty()) last = line;
    // The line before this one of apt-get says which file, and why.
    if (line.starts_with("E: Some index files failed")) continue;
    if (line.starts_with("E: ") || line.starts_with("Error: ")) error = line;
  }
  return printable(trim(error.empty() ? last : error).substr(0, longest_cause));
}

}  // namespace

bool is_among(const std::string& package, const std::vector<std::string>& patterns) {
  const std::string bare = package.substr(0, package.find(':'));
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), package.c_str(), 0) == 0 ||
           ::fnmatch(pattern.c_str(), bare.c_str(), 0) == 0;
  });
}

PackageUpdater::Ran PackageUpdater::execute(std::vector<std::string> argv,
                                            const std::vector<int>& accepted, Show show) {
  note(join(argv, " "));
  Command command;
  command.argv = std::move(argv);
  command.environment = context_.environment;
  command.environment.insert(command.environment.end(), {{"DEBIAN_FRONTEND", "noninteractive"},
                                                         {"APT_LISTCHANGES_FRONTEND", "none"},
                                                         {"NEEDRESTART_MODE", "l"},
                                                         {"UCF_FORCE_CONFFOLD", "1"},
                                                         {"ZYPP_LOCK_TIMEOUT", "600"},
                                                         {"LC_ALL", "C"}});
  Ran ran;
  const auto take = [&](Stream stream, std::string_view bytes) {
    std::string& kept = stream == Stream::out ? ran.out : ran.err;
    if (kept.size() + bytes.size() <= most_output_kept) kept += bytes;
    if (show == Show::all || stream == Stream::err) context_.output(stream, bytes);
  };
  const ProcessResult result = context_.processes.run(command, take, context_.process_started,
                                                      context_.deadline, context_.stop);
  ran.code = result.exit_code.value_or(-1);
  const bool fine = std::find(accepted.begin(), accepted.end(), ran.code) != accepted.end();
  if (result.succeeded() || (fine && !result.timed_out && !result.cancelled)) return ran;
  std::string message = command.argv[0] + ": " + describe(result);
  if (const std::string cause = cause_in(ran.err); !cause.empty()) message += ": " + cause;
  ran.failed = Failed{std::move(message), result.exit_code, {}, result.timed_out, result.cancelled};
  return ran;
}

bool PackageUpdater::is_included(const std::string& package) const {
  return selection_.include.empty() || is_among(package, selection_.include);
}

bool PackageUpdater::is_excluded(const std::string& package) const {
  return is_among(package, selection_.exclude);
}

Outcome PackageUpdater::up_to_date() {
  note("everything is up to date");
  return Succeeded{};
}

Outcome PackageUpdater::changed(bool restart_needed) {
  if (!restart_needed) return Succeeded{};
  std::error_code ignored;
  if (!fs::exists(run_folder_ / "systemd/system", ignored)) {
    note("a restart is due, but in a container or chroot there is nothing to restart");
    return Succeeded{};
  }
  note("a restart is needed");
  return RebootRequired{RebootRequired::Resume::same_step, std::chrono::seconds(0)};
}

}  // namespace toehold
