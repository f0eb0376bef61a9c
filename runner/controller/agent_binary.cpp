#include "runner/controller/agent_binary.hpp"

#include <cstdlib>
#include <vector>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

namespace toehold {

namespace {

constexpr const char* built_for = "x86_64";

std::vector<fs::path> places(const std::string& machine) {
  if (const char* chosen = std::getenv("TOEHOLD_STATIC_AGENT"); chosen && *chosen) return {chosen};
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  const std::string name = "toehold-agent-" + machine;
  std::vector<fs::path> found{folder / name, folder / "../lib/toehold" / name};
  if (machine == built_for) found.push_back(folder / "../static/toehold-agent");
  return found;
}

}  // namespace

AgentBinary find_agent_binary(const std::string& machine) {
  for (const fs::path& path : places(machine)) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) continue;
    AgentBinary agent{fs::canonical(path), digest_of_file(DigestAlgorithm::sha256, path)};
    const fs::path checksum = agent.path.string() + ".sha256";
    if (fs::exists(checksum, error) && !read_file(checksum, 4096).starts_with(agent.sha256)) {
      throw Error(Error::Kind::untrusted,
                  agent.path.string() + " is not what " + checksum.string() + " says",
                  "install or build it again: packaging/static-agent.sh");
    }
    return agent;
  }
  throw Error(Error::Kind::unsupported, "there is no static agent for " + machine + " here",
              machine == built_for
                  ? "build it with packaging/static-agent.sh, or name it in TOEHOLD_STATIC_AGENT"
                  : "name one in TOEHOLD_STATIC_AGENT");
}

}  // namespace toehold
