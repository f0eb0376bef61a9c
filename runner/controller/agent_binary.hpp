// The static agent that is sent to other machines: where this program finds the one for a machine,
// and that it is the one that was built. Called by the providers; never builds or downloads one.
#pragma once

#include <filesystem>
#include <string>

namespace toehold {

struct AgentBinary {
  std::filesystem::path path;
  std::string sha256;
};

/// `machine`: what `uname -m` prints there. Looks at TOEHOLD_STATIC_AGENT, else beside this
/// program, in its package's folder and in the build tree. Throws Error(unsupported) when there is
/// none or it is for another machine, and Error(untrusted) for one that does not match the checksum
/// beside it.
AgentBinary find_agent_binary(const std::string& machine);

/// The same for a program in `folder`, without a look at the environment.
AgentBinary find_agent_binary(const std::string& machine, const std::filesystem::path& folder);

}  // namespace toehold
