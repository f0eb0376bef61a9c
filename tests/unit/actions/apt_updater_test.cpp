#include <algorithm>

#include "tests/support/catch.hpp"
#include "tests/support/package_machine.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

std::string pin(const std::string& name) {
  return "Package: " + name + "\nPin: version *\nPin-Priority: -1\n\n";
}

const std::string lists = "apt-get -o Acquire::Retries=3 -o APT::Update::Error-Mode=any update";
const std::string plan_of_all = "apt-get -s -o PINS dist-upgrade";
const std::string upgrade =
    "apt-get -y -o PINS -o Acquire::Retries=3 -o Dpkg::Options::=--force-confdef "
    "-o Dpkg::Options::=--force-confold ";

std::string inst(const std::string& name, const std::string& architecture = "amd64") {
  return "Inst " + name + " [1.0] (2.0 Debian:12/stable [" + architecture + "])\nConf " + name +
         " (2.0 Debian:12/stable [" + architecture + "])\n";
}

const std::string dpkg_interrupted =
    "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem. "
    "\n";

}  // namespace

TEST_CASE("UpdateOS: apt-get updates all, without questions") {
  PackageMachine machine({"apt-get"});
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, "NOTE: simulation\n" + inst("bash"));
  machine.processes.add_exit(0, "Setting up bash\n");
  CHECK(succeeded(machine.run()));
  CHECK(machine.commands() == Names{lists, plan_of_all, upgrade + "dist-upgrade"});
  CHECK(machine.harness.out == "Setting up bash\n");  // the plan is ours alone
  for (const Command& command : machine.processes.commands) {
    const auto& environment = command.environment;
    const auto has = [&](const char* name, const char* value) {
      return std::find(environment.begin(), environment.end(),
                       std::pair<std::string, std::string>(name, value)) != environment.end();
    };
    CHECK(has("DEBIAN_FRONTEND", "noninteractive"));
    CHECK(has("UCF_FORCE_CONFFOLD", "1"));
    CHECK(has("LC_ALL", "C"));
  }
}

TEST_CASE("UpdateOS: without inputs all is updated") {
  PackageMachine machine({"apt-get"});
  machine.processes.add_exit(0);
  CHECK(succeeded(machine.harness.run(update_os(machine.run_folder()), Value())));
  CHECK(machine.commands() == Names{lists, plan_of_all});
  CHECK(machine.noted("everything is up to date"));
}

TEST_CASE("UpdateOS: apt-get is told to leave what is excluded, and never to remove it") {
  PackageMachine machine({"apt-get"});
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, inst("bash"));
  machine.processes.add_exit(0);
  CHECK(succeeded(machine.run({}, {"linux-*", "libc6:i386"})));
  CHECK(machine.commands() == Names{lists, plan_of_all, upgrade + "dist-upgrade"});
  REQUIRE(machine.preferences.size() == 2);
  for (const std::string& text : machine.preferences) {
    CHECK(text.starts_with(pin("linux-*:any") + pin("libc6:i386")));
  }
  CHECK(fs::is_empty(machine.harness.folder.path()));  // the files are gone
}

TEST_CASE("UpdateOS: what would replace an excluded package is kept back") {
  PackageMachine machine({"apt-get"});
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, "Remv kept [1.0]\n" + inst("usurper"));
  machine.processes.add_exit(0, inst("bash"));
  machine.processes.add_exit(0);
  CHECK(succeeded(machine.run({}, {"ke*"})));
  CHECK(machine.commands() == Names{lists, plan_of_all,
                                    "apt-get -s -o PINS --with-new-pkgs upgrade",
                                    upgrade + "--with-new-pkgs upgrade"});

  PackageMachine other({"apt-get"});  // what is not excluded may be replaced
  other.processes.add_exit(0);
  other.processes.add_exit(0, "Remv old [1.0]\n" + inst("new"));
  CHECK(succeeded(other.run({}, {"kept"})));
  CHECK(other.commands().back() == upgrade + "dist-upgrade");
}

TEST_CASE("UpdateOS: apt-get updates what is included and what that needs") {
  PackageMachine machine({"apt-get"});
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, inst("bash") + inst("libc6") + inst("libc6:i386", "i386") +
                                    inst("vim") + inst("tzdata", "all"));
  machine.processes.add_exit(0, inst("libc6") + inst("bash"));
  machine.processes.add_exit(0, inst("libc6") + inst("bash"));
  machine.processes.add_exit(0);
  CHECK(succeeded(machine.run({"ba*", "vim", "not-installed"}, {"vim", "zsh"})));
  CHECK(machine.commands() == Names{lists, plan_of_all,
                                    "apt-get -s -o PINS install --only-upgrade -- bash",
                                    plan_of_all, upgrade + "dist-upgrade"});
  const std::string excluded = pin("vim:any") + pin("zsh:any");
  REQUIRE(machine.preferences.size() == 4);
  CHECK(machine.preferences.at(0).starts_with(excluded));
  CHECK(machine.preferences.at(3).starts_with(excluded + pin("libc6:i386") + pin("vim") +
                                              pin("tzdata")));
  CHECK(machine.preferences.at(3).find(pin("bash")) == std::string::npos);
}

TEST_CASE("UpdateOS: an included package may be named with its architecture") {
  const auto named = [](const std::string& name) {
    PackageMachine machine({"apt-get"});
    machine.processes.add_exit(0);
    machine.processes.add_exit(0, inst("libc6") + inst("libc6:i386", "i386"));
    machine.run({name});
    return machine.commands().at(2);
  };
  const std::string plan = "apt-get -s -o PINS install --only-upgrade -- ";
  CHECK(named("libc6") == plan + "libc6 libc6:i386");
  CHECK(named("libc6:amd64") == plan + "libc6");
  CHECK(named("libc6:i386") == plan + "libc6:i386");
}

TEST_CASE("UpdateOS: nothing is run when all that is included is excluded, or has no update") {
  PackageMachine machine({"apt-get"});
  CHECK(succeeded(machine.run({"bash"}, {"ba*"})));
  CHECK(machine.commands().empty());
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, inst("vim"));
  CHECK(succeeded(machine.run({"bash"})));
  CHECK(machine.commands() == Names{lists, plan_of_all});
  CHECK(machine.noted("everything is up to date"));
}

TEST_CASE("UpdateOS: an interrupted dpkg is repaired, and the update planned anew") {
  PackageMachine machine({"apt-get"});
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, inst("bash"));
  machine.processes.add_exit(100, {}, dpkg_interrupted);
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, inst("bash"));
  machine.processes.add_exit(0);
  CHECK(succeeded(machine.run()));
  CHECK(machine.commands() == Names{lists, plan_of_all, upgrade + "dist-upgrade",
                                    "dpkg --force-confdef --force-confold --configure --pending",
                                    plan_of_all, upgrade + "dist-upgrade"});
}

TEST_CASE("UpdateOS: what cannot be repaired fails the step") {
  PackageMachine machine({"apt-get"});
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, inst("bash"));
  machine.processes.add_exit(100, {}, dpkg_interrupted);
  machine.processes.add_exit(1, {}, "dpkg: error processing package bash (--configure):\n");
  CHECK(machine.failure() ==
        "dpkg: exit code 1: dpkg: error processing package bash (--configure):");
  CHECK(machine.commands().size() == 4);
}

TEST_CASE("UpdateOS: unpacked packages that wait to be set up are work, too") {
  PackageMachine machine({"apt-get"});
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, "Conf bash (2.0 Debian:12/stable [amd64])\n");
  machine.processes.add_exit(0);
  CHECK(succeeded(machine.run()));
  CHECK(machine.commands().back() == upgrade + "dist-upgrade");
}

TEST_CASE("UpdateOS: locks of other programs are waited for") {
  const std::string locked = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held\n";
  PackageMachine machine({"apt-get"});
  machine.processes.add_exit(100, {}, locked);
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, inst("bash"));
  machine.processes.add_exit(100, {}, locked);
  machine.processes.add_exit(100, {}, locked);
  machine.processes.add_exit(0);
  CHECK(succeeded(machine.run()));
  CHECK(machine.commands() == Names{lists, lists, plan_of_all, upgrade + "dist-upgrade",
                                    upgrade + "dist-upgrade", upgrade + "dist-upgrade"});
  CHECK(machine.clock.sleeps.size() == 3);

  SECTION("but not for ever") {
    PackageMachine stuck({"apt-get"});
    stuck.processes.add_exit(100, {}, locked);
    CHECK_THAT(stuck.failure(), ContainsSubstring("Could not get lock"));
    CHECK(stuck.clock.sleeps.size() == 120);  // of five seconds
  }
  SECTION("and no longer than until a stop") {
    PackageMachine stopped({"apt-get"});
    stopped.processes.add_exit(100, {}, locked);
    stopped.clock.on_sleep = [&] { stopped.harness.stop.request_stop(); };
    CHECK(std::get<Failed>(stopped.run()).cancelled);
    CHECK(stopped.commands().size() == 1);
  }
}

TEST_CASE("UpdateOS: a failure says what failed and why") {
  PackageMachine machine({"apt-get"});
  machine.processes.add_exit(100, {},
                             "W: be warned\n"
                             "E: Failed to fetch file:/x/Packages  File not found\n"
                             "E: Some index files failed to download. They have been ignored, or "
                             "old ones used instead.\n");
  const Outcome outcome = machine.run();
  CHECK(std::get<Failed>(outcome).message ==
        "apt-get: exit code 100: E: Failed to fetch file:/x/Packages  File not found");
  CHECK(std::get<Failed>(outcome).exit_code == 100);
  CHECK(machine.commands() == Names{lists});
  CHECK_THAT(machine.harness.err, ContainsSubstring("W: be warned"));
}

TEST_CASE("UpdateOS: deadline and stop end it, and no further program is started") {
  PackageMachine machine({"apt-get"});
  machine.harness.deadline = Deadline(Monotonic(std::chrono::seconds(1)));
  ScriptedProcess::Play late;
  late.result.signal = 15;
  SECTION("deadline") {
    late.result.timed_out = true;
    machine.processes.add(late);
    const Outcome outcome = machine.run();
    CHECK(std::get<Failed>(outcome).timed_out);
    CHECK_FALSE(std::get<Failed>(outcome).cancelled);
  }
  SECTION("stop") {
    late.result.cancelled = true;
    machine.processes.add(late);
    CHECK(std::get<Failed>(machine.run()).cancelled);
  }
  CHECK(machine.commands() == Names{lists});
  CHECK(machine.processes.deadlines.at(0).at() == machine.harness.deadline.at());
}

TEST_CASE("UpdateOS: the machine is restarted when an update asks for it") {
  PackageMachine machine({"apt-get"});
  machine.processes.add_exit(0);
  machine.processes.add_exit(0, inst("linux-image-amd64"));
  machine.processes.on_run = [&](const Command& command) {
    if (command.argv.at(1) == "-y") machine.wants_restart();
  };
  SECTION("and the step runs again after it") {
    machine.has_booted();
    const Outcome outcome = machine.run();
    CHECK(std::get<RebootRequired>(outcome).resume == RebootRequired::Resume::same_step);
  }
  SECTION("but not a container or chroot") {
    CHECK(succeeded(machine.run()));
    CHECK(machine.noted("nothing to restart"));
  }
}

TEST_CASE("UpdateOS: a restart that was due before is not ours when nothing is updated") {
  PackageMachine machine({"apt-get"});
  machine.has_booted();
  machine.wants_restart();
  machine.processes.add_exit(0);
  CHECK(succeeded(machine.run()));
}
