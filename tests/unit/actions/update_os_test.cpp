#include "tests/support/catch.hpp"
#include "tests/support/package_machine.hpp"

using namespace toehold;
using namespace toehold::test;

TEST_CASE("UpdateOS: the package manager is that of the system") {
  const auto first_program = [](const std::string& os_id, const Names& programs) {
    PackageMachine machine(programs);
    machine.harness.platform.os_id = os_id;
    machine.processes.add_exit(1);
    machine.run();
    return machine.processes.commands.at(0).argv.at(0);
  };
  const Names all{"apt-get", "dnf", "yum", "zypper"};
  CHECK(first_program("ubuntu debian", all) == "apt-get");
  CHECK(first_program("amzn fedora", all) == "dnf");
  CHECK(first_program("amzn centos rhel fedora", {"apt-get", "yum"}) == "yum");
  CHECK(first_program("opensuse-leap suse opensuse", all) == "zypper");
  CHECK(first_program("", {"zypper", "yum"}) == "yum");
  PackageMachine none({});
  CHECK_THAT(none.failure(), ContainsSubstring("none is in PATH"));
}

TEST_CASE("UpdateOS: needs root and names of packages") {
  PackageMachine machine({"apt-get"});
  for (const std::string name : {"", "-y", "--allow-downgrades", "./x.deb", "/x.deb", "a b", "a/b",
                                 "a=1", "x\nPin: y", "~nbash", "?all"}) {
    CAPTURE(name);
    CHECK(machine.failure({name}) == "'" + name + "' is no package name");
    CHECK(machine.failure({}, {name}) == "'" + name + "' is no package name");
  }
  machine.harness.platform.root = false;
  CHECK_THAT(machine.failure(), ContainsSubstring("needs root"));
  CHECK(machine.commands().empty());
}
