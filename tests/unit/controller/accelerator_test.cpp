#include <cstdlib>

#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/virtual_machine.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_process.hpp"
#include "tests/support/virtual_clock.hpp"

using namespace toehold;

namespace {

struct Choice {
  Choice() {
    ::setenv("TOEHOLD_HOME", (folder.path() / "home").c_str(), 1);
    write_file_atomically(trial.device, "");
  }
  ~Choice() { ::unsetenv("TOEHOLD_HOME"); }

  std::string operator()() {
    return choose_accelerator(options, trial, processes, clock,
                              [&](const std::string& line) { notes += line + "\n"; }, {});
  }
  /// What the program is said to have captured on the network when it prints something.
  void captures(std::size_t bytes) {
    processes.on_run = [bytes](const Command& command) {
      const std::string words = command.argv.back();
      write_file_atomically(words.substr(words.find("file=") + 5), std::string(bytes, 'x'));
    };
    test::ScriptedProcess::Play play;
    play.result.timed_out = true;
    play.output.emplace_back(Stream::out, "");
    processes.add(play);
  }

  TempDirectory folder{"/tmp", "toehold-test-"};
  QemuOptions options;
  KvmTrial trial{folder.path() / "disk.qcow2", folder.path(), folder.path() / "kvm"};
  test::ScriptedProcess processes;
  test::VirtualClock clock;
  std::string notes;
};

}  // namespace

TEST_CASE("without /dev/kvm CPUs are emulated, and what the recipe says is taken") {
  Choice choice;
  fs::remove(choice.trial.device);
  CHECK(choice() == "tcg");
  choice.options.accelerator = "kvm";
  CHECK(choice() == "kvm");
  CHECK(choice.processes.commands.empty());
}

TEST_CASE("a /dev/kvm that boots nothing within the deadline is not used, and not tried again") {
  Choice choice;
  SECTION("the machine hangs: the capture has its header and no packet") {
    choice.captures(24);
  }
  SECTION("QEMU ends at once") {
    choice.processes.add_exit(1, {}, "failed to initialize kvm: No such device");
  }
  CHECK(choice() == "tcg");
  REQUIRE(choice.processes.deadlines.size() == 1);
  CHECK(choice.processes.deadlines[0].at() == choice.clock.monotonic() + std::chrono::seconds(30));
  CHECK_THAT(choice.notes, ContainsSubstring("KVM boots nothing on this machine"));
  CHECK(choice() == "tcg");
  CHECK(choice.processes.commands.size() == 1);
}

TEST_CASE("a machine that sends something with KVM proves it, and the disk stays as it is") {
  Choice choice;
  choice.captures(24 + 60);
  CHECK(choice() == "kvm");
  const std::string words = join(choice.processes.commands.at(0).argv, " ");
  CHECK_THAT(words, ContainsSubstring("-accel kvm -cpu host"));
  CHECK_THAT(words, ContainsSubstring("disk.qcow2,if=virtio,format=qcow2,snapshot=on"));
  CHECK(choice() == "kvm");
  CHECK(choice.processes.commands.size() == 1);
}
