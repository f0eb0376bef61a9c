#include "runner/controller/agent_binary.hpp"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

namespace toehold {

namespace {

struct Machine {
  const char* name;  // as `uname -m` prints it
  Elf64_Half number;
};
constexpr std::array machines{Machine{"x86_64", EM_X86_64}, Machine{"aarch64", EM_AARCH64}};

#ifdef __aarch64__
constexpr const char* built_for = "aarch64";
#else
constexpr const char* built_for = "x86_64";
#endif

const Machine* machine_named(const std::string& name) {
  const auto* found = std::ranges::find(machines, name, &Machine::name);
  return found == machines.end() ? nullptr : found;
}

/// Throws when the file is a program of another machine: sending it would be in vain.
void require_machine(const fs::path& path, const Machine& wanted) {
  Elf64_Ehdr header{};
  std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(&header), sizeof header);
  if (std::string_view(reinterpret_cast<char*>(header.e_ident), SELFMAG) != ELFMAG) return;
  if (header.e_machine == wanted.number) return;
  const auto* is = std::ranges::find(machines, header.e_machine, &Machine::number);
  throw Error(Error::Kind::unsupported,
              path.string() + " is for " + (is == machines.end() ? "another machine" : is->name) +
                  ", and the target is " + wanted.name,
              std::string("build one for it: packaging/static-agent.sh ") + wanted.name);
}

AgentBinary checked(const fs::path& path) {
  AgentBinary agent{fs::canonical(path), digest_of_file(DigestAlgorithm::sha256, path)};
  const fs::path checksum = agent.path.string() + ".sha256";
  std::error_code error;
  if (fs::exists(checksum, error) && !read_file(checksum, 4096).starts_with(agent.sha256)) {
    throw Error(Error::Kind::untrusted,
                agent.path.string() + " is not what " + checksum.string() + " says",
                "install or build it again: packaging/static-agent.sh");
  }
  return agent;
}

AgentBinary first_of(const std::vector<fs::path>& places, const std::string& name) {
  const Machine* machine = machine_named(name);
  std::string looked;
  for (const fs::path& path : places) {
    std::error_code error;
    looked += (looked.empty() ? "" : ", ") + path.lexically_normal().string();
    if (!fs::is_regular_file(path, error)) continue;
    if (machine) require_machine(path, *machine);
    return checked(path);
  }
  throw Error(Error::Kind::unsupported,
              "there is no agent for " + name + " here; looked for " + looked,
              "install toehold from its packages, which bring it, or build it with "
              "packaging/static-agent.sh " +
                  name + ", or name it in TOEHOLD_STATIC_AGENT");
}

}  // namespace

AgentBinary find_agent_binary(const std::string& machine, const fs::path& folder) {
  if (!machine_named(machine)) {
    throw Error(Error::Kind::unsupported,
                "the target is " + machine + ", and there are agents for x86_64 and aarch64 only",
                "if you have built one for it, name it in TOEHOLD_STATIC_AGENT");
  }
  const std::string name = "toehold-agent-" + machine;
  std::vector<fs::path> places{folder / name, folder / "../lib/toehold" / name};
  const std::string built = machine == built_for ? "static" : "static-" + machine;
  places.push_back(folder / ".." / built / "toehold-agent");
  return first_of(places, machine);
}

AgentBinary find_agent_binary(const std::string& machine) {
  if (const char* chosen = std::getenv("TOEHOLD_STATIC_AGENT"); chosen && *chosen) {
    return first_of({chosen}, machine);
  }
  std::error_code error;
  return find_agent_binary(machine, fs::read_symlink("/proc/self/exe", error).parent_path());
}

}  // namespace toehold
