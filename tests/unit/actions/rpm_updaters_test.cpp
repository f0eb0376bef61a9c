#include "tests/support/catch.hpp"
#include "tests/support/package_machine.hpp"

using namespace toehold;
using namespace toehold::test;

TEST_CASE("UpdateOS: dnf") {
  PackageMachine machine({"dnf", "needs-restarting"});
  machine.has_booted();
  const std::string check = "dnf -q -y --refresh --exclude=kernel* check-update bash glibc";
  SECTION("updates, and looks whether a restart is needed") {
    machine.processes.add_exit(100, "bash.x86_64 5.2\n");
    machine.processes.add_exit(0);
    SECTION("it is") {
      machine.processes.add_exit(1, "Reboot is required to fully utilize these updates.\n");
      CHECK(std::holds_alternative<RebootRequired>(machine.run({"bash", "glibc"}, {"kernel*"})));
    }
    SECTION("it is not") {
      machine.processes.add_exit(0);
      CHECK(succeeded(machine.run({"bash", "glibc"}, {"kernel*"})));
    }
    SECTION("that is not known") {
      machine.processes.add_exit(1, {}, "No such command: needs-restarting\n");
      CHECK(succeeded(machine.run({"bash", "glibc"}, {"kernel*"})));
      CHECK(machine.noted("is not known"));
    }
    CHECK(machine.commands() ==
          Names{check, "dnf -y --exclude=kernel* upgrade bash glibc", "needs-restarting -r"});
  }
  SECTION("is up to date") {
    machine.processes.add_exit(0);
    CHECK(succeeded(machine.run({"bash", "glibc"}, {"kernel*"})));
    CHECK(machine.commands() == Names{check});
    CHECK(machine.noted("everything is up to date"));
  }
  SECTION("fails to look") {
    machine.processes.add_exit(1, {}, "Error: Failed to download metadata for repo 'x'\nbye\n");
    CHECK(machine.failure() == "dnf: exit code 1: Error: Failed to download metadata for repo 'x'");
    CHECK(machine.commands() == Names{"dnf -q -y --refresh check-update"});
  }
  SECTION("fails to update") {
    machine.processes.add_exit(100);
    machine.processes.add_exit(1, {}, "no space\n");
    CHECK(machine.failure() == "dnf: exit code 1: no space");
    CHECK(machine.commands().size() == 2);
  }
}

TEST_CASE("UpdateOS: yum") {
  PackageMachine machine({"yum"});
  machine.processes.add_exit(100);
  machine.processes.add_exit(0);
  machine.processes.add_exit(1, {}, "No such command\n");
  CHECK(succeeded(machine.run({}, {"kernel", "docker"})));
  CHECK(machine.commands() == Names{"yum -q -y --exclude=kernel --exclude=docker check-update",
                                    "yum -y --exclude=kernel --exclude=docker update",
                                    "yum needs-restarting -r"});
}

namespace {

const std::string zypper_list = R"(<?xml version='1.0'?>
<stream><update-status version="0.6"><update-list>
<update name="bash" edition="5.2" arch="x86_64" kind="package"><summary>a > b</summary></update>
<update kind="package" name="kernel-default" edition="6.4"></update>
<update kind="patch" name="SUSE-2024-1"></update>
<update kind="package" name="vim"/>
</update-list></update-status></stream>
)";

}  // namespace

TEST_CASE("UpdateOS: zypper updates the packages by name") {
  PackageMachine machine({"zypper"});
  machine.has_booted();
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, zypper_list);
  const Names begin{"zypper --non-interactive refresh",
                    "zypper --non-interactive --xmlout list-updates"};
  const std::string update = "zypper --non-interactive update --auto-agree-with-licenses -- ";
  SECTION("all of them, and it knows of no restart") {
    machine.processes.add_exit(0);
    machine.processes.add_exit(0);
    CHECK(succeeded(machine.run()));
    CHECK(machine.commands() ==
          Names{begin[0], begin[1], update + "bash kernel-default vim", "zypper needs-rebooting"});
  }
  SECTION("those included, and a restart is needed") {
    machine.processes.add_exit(0);
    machine.processes.add_exit(102);
    CHECK(std::holds_alternative<RebootRequired>(machine.run({"kernel-*"})));
    CHECK(machine.commands().at(2) == update + "kernel-default");
  }
  SECTION("again after it has updated itself") {
    machine.processes.add_exit(103);
    machine.processes.add_exit(102);
    CHECK(std::holds_alternative<RebootRequired>(machine.run({"bash"})));
    CHECK(machine.commands() == Names{begin[0], begin[1], update + "bash", update + "bash"});
  }
  SECTION("none") {
    CHECK(succeeded(machine.run({"zsh"})));
    CHECK(machine.commands() == begin);
    CHECK(machine.noted("everything is up to date"));
  }
  SECTION("and says what failed") {
    machine.processes.add_exit(4, {}, "a problem\n");
    CHECK(machine.failure() == "zypper: exit code 4: a problem");
    CHECK(machine.commands().size() == 3);
  }
}

TEST_CASE("UpdateOS: zypper changes no excluded package, not even as a dependency") {
  PackageMachine machine({"zypper"});
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, zypper_list);
  const std::string dry =
      "zypper --non-interactive --xmlout update --dry-run --auto-agree-with-licenses -- "
      "bash kernel-default";
  const auto summary = [](const std::string& section, const std::string& name) {
    return "<stream><install-summary><to-" + section + "><solvable type=\"package\" name=\"" +
           name + "\" edition=\"2\"/></to-" + section +
           "></install-summary><message>vim name=\"vim\"</message></stream>";
  };
  SECTION("it would") {
    const std::string section = GENERATE("upgrade", "remove");
    machine.processes.add_exit(0, summary(section, "vim"));
    CHECK(machine.failure({}, {"vi*"}) ==
          "the update would change vim, which is excluded; exclude what needs it, too");
    CHECK(machine.commands().back() == dry);
  }
  SECTION("it would not") {
    machine.processes.add_exit(0, summary("upgrade", "bash"));
    machine.processes.add_exit(0);
    CHECK(succeeded(machine.run({}, {"vi*"})));
    CHECK(machine.commands().at(2) == dry);
    CHECK(machine.commands().at(3) ==
          "zypper --non-interactive update --auto-agree-with-licenses -- bash kernel-default");
  }
}
