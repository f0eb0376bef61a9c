#include "runner/controller/agent_binary.hpp"

#include <elf.h>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

std::string program_for(Elf64_Half machine) {
  Elf64_Ehdr header{};
  std::copy_n(ELFMAG, SELFMAG, header.e_ident);
  header.e_machine = machine;
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

/// Where a controller is installed or was built, and the agents around it.
struct Installed {
  TempDirectory root{fs::temp_directory_path(), "agents-"};
  fs::path bin = root.path() / "bin";

  Installed() { fs::create_directories(bin); }
  fs::path add(const std::string& path, Elf64_Half machine) {
    const fs::path file = root.path() / path;
    fs::create_directories(file.parent_path());
    write_file_atomically(file, program_for(machine));
    return fs::canonical(file);
  }
  fs::path found(const std::string& machine) { return find_agent_binary(machine, bin).path; }
  std::string wrong(const std::string& machine, Error::Kind kind = Error::Kind::unsupported) {
    try {
      find_agent_binary(machine, bin);
    } catch (const Error& error) {
      CHECK(error.kind() == kind);
      return error.full_message() + "\n" + error.hint();
    }
    return "";
  }
};

}  // namespace

TEST_CASE("the agent for a target is the one for its kind of machine") {
  Installed here;
  const fs::path ours = here.add("lib/toehold/toehold-agent-x86_64", EM_X86_64);
  const fs::path other = here.add("lib/toehold/toehold-agent-aarch64", EM_AARCH64);
  CHECK(here.found("x86_64") == ours);
  CHECK(here.found("aarch64") == other);
  CHECK(find_agent_binary("aarch64", here.bin).sha256 ==
        digest_of(DigestAlgorithm::sha256, program_for(EM_AARCH64)));

  const fs::path beside = here.add("bin/toehold-agent-aarch64", EM_AARCH64);
  CHECK(here.found("aarch64") == beside);
}

TEST_CASE("the agents of a build tree are found from its programs") {
  Installed here;
#ifdef __aarch64__
  const auto own = EM_AARCH64, other = EM_X86_64;
  const std::string own_name = "aarch64", other_name = "x86_64";
#else
  const auto own = EM_X86_64, other = EM_AARCH64;
  const std::string own_name = "x86_64", other_name = "aarch64";
#endif
  const fs::path ours = here.add("static/toehold-agent", own);
  CHECK(here.found(own_name) == ours);
  CHECK_THAT(here.wrong(other_name), ContainsSubstring("there is no agent for " + other_name));
  const fs::path theirs = here.add("static-" + other_name + "/toehold-agent", other);
  CHECK(here.found(other_name) == theirs);
}

TEST_CASE("an agent that is missing is asked for with where it was looked for") {
  Installed here;
  const std::string message = here.wrong("aarch64");
  CHECK_THAT(message, ContainsSubstring((here.bin / "toehold-agent-aarch64").string()));
  CHECK_THAT(message, ContainsSubstring("/lib/toehold/toehold-agent-aarch64"));
  CHECK_THAT(message, ContainsSubstring("packaging/static-agent.sh aarch64"));
}

TEST_CASE("a machine that no agent is built for is named") {
  Installed here;
  here.add("bin/toehold-agent-riscv64", EM_RISCV);
  CHECK_THAT(here.wrong("riscv64"), ContainsSubstring("the target is riscv64"));
}

TEST_CASE("an agent of another machine, or not the one that was built, is not sent") {
  Installed here;
  const fs::path agent = here.add("bin/toehold-agent-aarch64", EM_X86_64);
  CHECK_THAT(here.wrong("aarch64"), ContainsSubstring("is for x86_64, and the target is aarch64"));
  here.add("bin/toehold-agent-aarch64", EM_AARCH64);
  write_file_atomically(agent.string() + ".sha256", std::string(64, '0') + "  toehold-agent\n");
  CHECK_THAT(here.wrong("aarch64", Error::Kind::untrusted), ContainsSubstring("is not what"));
}
