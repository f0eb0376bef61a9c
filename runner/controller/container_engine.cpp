#include "runner/controller/container_engine.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "runner/base/clock.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

// What podman leaves itself at most, and a runtime takes.
constexpr rlim_t most_processes = 32768;
// Commands that come to an end by themselves and make or change what they name.
constexpr std::array at_work{"create", "commit", "start", "restart", "cp", "tag", "rm", "image"};

/// Our own, which need no raising.
std::vector<std::string> limit(const char* option, int resource, rlim_t most) {
  rlimit ours{};
  if (::getrlimit(resource, &ours) != 0) return {};
  const std::string number = std::to_string(std::min(ours.rlim_max, most));
  return {"--ulimit", std::string(option) + "=" + number + ":" + number};
}

std::vector<std::string> command_line_of(const fs::path& process) {
  try {
    return split(read_file(process / "cmdline", 1 << 20), '\0');
  } catch (const Error&) {
    return {};  // it has ended, or its command line is long: not one of ours
  }
}

}  // namespace

ContainerEngine::ContainerEngine(std::string name, ProcessRunner& processes)
    : name_(std::move(name)), processes_(&processes) {}

std::shared_ptr<ContainerEngine> ContainerEngine::find(const std::string& wanted,
                                                       ProcessRunner& processes,
                                                       std::stop_token stop) {
  std::vector<std::string> reasons;
  for (const char* name : {"podman", "docker"}) {
    if (wanted != "auto" && wanted != name) continue;
    if (!find_in_path(name)) {
      reasons.push_back(std::string("there is no ") + name);
      continue;
    }
    auto engine = std::make_shared<ContainerEngine>(name, processes);
    std::string err;
    // Docker's client says more than its own version only if there is a daemon.
    const std::vector<std::string> question =
        engine->name_ == "docker"
            ? std::vector<std::string>{"version", "--format", "{{.Server.Os}}"}
            : std::vector<std::string>{"--version"};
    if (engine
            ->execute(
                question, [](std::string_view) {}, err, stop)
            .succeeded())
      return engine;
    reasons.push_back(std::string(name) + " does not work: " + std::string(trim(printable(err))));
  }
  throw Error(Error::Kind::unsupported, "no containers here: " + join(reasons, "; "),
              "install podman, or take the target sandbox, which needs neither");
}

ProcessResult ContainerEngine::execute(const std::vector<std::string>& words,
                                       const std::function<void(std::string_view)>& on_output,
                                       std::string& err, std::stop_token stop) const {
  Command command;
  command.argv = {name_};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  return processes_->run(
      command,
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::out) return on_output(bytes);
        if (err.size() < (64 << 10)) err += bytes;
      },
      [](int) {}, {}, stop);
}

std::string ContainerEngine::run(const std::vector<std::string>& words,
                                 std::stop_token stop) const {
  std::string out;
  run(
      words, [&](std::string_view bytes) { out += bytes; }, stop);
  return out;
}

void ContainerEngine::run(const std::vector<std::string>& words,
                          const std::function<void(std::string_view)>& on_output,
                          std::stop_token stop) const {
  std::string err;
  const ProcessResult result = execute(words, on_output, err, stop);
  if (result.succeeded()) return;
  if (result.cancelled) throw Error(Error::Kind::cancelled, name_ + " " + words.front());
  std::string_view said = trim(err);
  if (said.starts_with("Error: ")) said.remove_prefix(7);
  throw Error(Error::Kind::process, name_ + " " + words.front() + ": " + describe(result) +
                                        (said.empty() ? "" : ": " + printable(said)));
}

std::optional<std::string> ContainerEngine::try_run(const std::vector<std::string>& words,
                                                    std::stop_token stop) const {
  std::string out, err;
  const auto take = [&](std::string_view bytes) { out += bytes; };
  if (execute(words, take, err, stop).succeeded()) return out;
  return std::nullopt;
}

Value ContainerEngine::image(const std::string& name, std::stop_token stop) const {
  const std::vector<std::string> look{"image", "inspect", "--", name};
  auto text = try_run(look, stop);
  if (!text) {
    run({"pull", "--quiet", "--", name}, stop);
    text = run(look, stop);
  }
  const Value found = parse_json(trim(*text));
  if (found.is_list() && !found.list().empty()) return found.list().front();
  throw Error(Error::Kind::process, name_ + " does not tell what the image " + name + " is");
}

bool ContainerEngine::remove_container(const std::string& name) const {
  if (try_run({"rm", "--force", "--volumes", name}, {})) return true;
  // Gone is what the engine, as it works, does not know.
  return try_run({"ps", "--quiet"}, {}) && !try_run({"container", "inspect", name}, {});
}

bool ContainerEngine::remove_image(const std::string& name) const {
  if (try_run({"image", "rm", "--force", name}, {})) return true;
  return try_run({"ps", "--quiet"}, {}) && !try_run({"image", "inspect", name}, {});
}

std::vector<std::vector<std::string>> ContainerEngine::ways_to_create() const {
  if (way_) return {*way_};
  if (name_ != "podman") return {{}};  // docker's daemon has its own limits and runtime
  std::vector<std::string> limits = limit("nofile", RLIMIT_NOFILE, RLIM_INFINITY);
  for (const std::string& word : limit("nproc", RLIMIT_NPROC, most_processes)) {
    limits.push_back(word);
  }
  std::vector<std::vector<std::string>> ways{{}, limits};
  if (!find_in_path("runc")) return ways;
  for (std::size_t i = 0; i < 2; ++i) {
    ways.push_back(ways[i]);
    ways.back().insert(ways.back().end(), {"--runtime", "runc"});
  }
  return ways;
}

void ContainerEngine::wait_for_others(const std::string& name) const {
  const auto busy = [&](const fs::path& process) {
    const std::vector<std::string> words = command_line_of(process);
    if (words.size() < 3 || fs::path(words[0]).filename() != name_) return false;
    if (std::find(at_work.begin(), at_work.end(), words[1]) == at_work.end()) return false;
    return std::any_of(words.begin() + 2, words.end(), [&](const std::string& word) {
      return word.find(name) != std::string::npos;
    });
  };
  SystemClock clock;
  const Monotonic begun = clock.monotonic();
  for (;;) {
    std::error_code error;
    bool found = false;
    for (const auto& entry : fs::directory_iterator("/proc", error)) {
      found = found || (std::isdigit(entry.path().filename().string()[0]) && busy(entry.path()));
    }
    if (!found) return;
    if (clock.monotonic() - begun > std::chrono::minutes(1)) {
      throw Error(Error::Kind::busy, name_ + " is still at work on " + name,
                  "wait until it has ended, then try again");
    }
    clock.sleep_for(std::chrono::milliseconds(20), {});
  }
}

}  // namespace toehold
