#include "runner/base/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <string>
#include <thread>

#include "runner/base/files.hpp"
#include "runner/base/process_tree.hpp"
#include "runner/base/text.hpp"
#include "runner/base/umask.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace std::chrono_literals;

namespace {

struct Ran {
  ProcessResult result;
  std::string out, err;
  int pid = 0;
  double seconds = 0;
};

Deadline in(std::chrono::milliseconds time) {
  return Deadline(std::chrono::steady_clock::now() + time);
}

Ran run(Command command, Deadline deadline = {}, std::stop_token stop = {},
        std::chrono::milliseconds grace = 200ms) {
  Ran ran;
  const auto begun = std::chrono::steady_clock::now();
  RealProcessRunner runner(grace);
  ran.result = runner.run(
      command,
      [&](Stream stream, std::string_view bytes) {
        (stream == Stream::out ? ran.out : ran.err) += bytes;
      },
      [&](int pid) { ran.pid = pid; }, deadline, stop);
  ran.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return ran;
}

Command bash(const std::string& script) {
  return {{"bash", "-c", script}, {}, {}};
}

/// A value that no other test run has in its environment, to find survivors by.
std::string unique_mark() {
  static int count = 0;
  return std::to_string(::getpid()) + "-" + std::to_string(++count);
}

int survivors(const std::string& mark) {
  int count = 0;
  std::string value;
  for (const auto& process : list_processes()) {
    if (process.alive() && has_environment(process.pid, "TOEHOLD_TEST", value) && value == mark) {
      ++count;
    }
  }
  return count;
}

bool gone(int pid) {
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace

TEST_CASE("a command's streams, exit code and process id come back") {
  const Ran ran = run(bash("echo out; echo err >&2; echo $$; exit 3"));
  CHECK(ran.out == "out\n" + std::to_string(ran.pid) + "\n");
  CHECK(ran.err == "err\n");
  CHECK(ran.result.exit_code == 3);
  CHECK(ran.result.signal == 0);
  CHECK_FALSE(ran.result.succeeded());
  CHECK_FALSE(ran.result.output_held);
  CHECK(describe(ran.result) == "exit code 3");
}

TEST_CASE("a death by signal is no exit code") {
  const Ran ran = run(bash("kill -SEGV $$"));
  CHECK_FALSE(ran.result.exit_code);
  CHECK(ran.result.signal == SIGSEGV);
  CHECK(describe(ran.result) == "killed by SIGSEGV");
  CHECK_THAT(describe(run(bash("kill -KILL $$")).result), ContainsSubstring("SIGKILL"));
}

TEST_CASE("what cannot be started says why") {
  const TempDirectory folder(fs::temp_directory_path(), "toehold-test-");
  const auto start_error = [](Command command) {
    const Ran ran = run(std::move(command));
    CHECK_FALSE(ran.result.exit_code);
    CHECK_FALSE(ran.result.succeeded());
    CHECK(ran.pid == 0);
    return ran.result.start_error;
  };
  CHECK(start_error({{"toehold-no-such-program"}, {}, {}}) ==
        "toehold-no-such-program: not found in PATH");
  CHECK(start_error({{"/no/such/program"}, {}, {}}) ==
        "/no/such/program: No such file or directory");
  const auto plain = folder.path() / "plain";
  std::ofstream(plain) << "#!/bin/sh\n";
  CHECK_THAT(start_error({{plain.string()}, {}, {}}), ContainsSubstring("not an executable file"));
  const auto orphaned = folder.path() / "orphaned";
  std::ofstream(orphaned) << "#!/no/such/interpreter\n";
  fs::permissions(orphaned, fs::perms::owner_all);
  CHECK_THAT(start_error({{orphaned.string()}, {}, {}}), ContainsSubstring("interpreter"));
  const auto bare = folder.path() / "bare";
  std::ofstream(bare) << "echo\n";
  fs::permissions(bare, fs::perms::owner_all);
  CHECK_THAT(start_error({{bare.string()}, {}, {}}), ContainsSubstring("#!"));
  CHECK_THAT(start_error({{"true"}, "/no/such/folder", {}}),
             ContainsSubstring("working directory /no/such/folder"));
  CHECK_THAT(start_error({{"true", std::string(300 * 1024, 'x')}, {}, {}}),
             ContainsSubstring("larger than the kernel takes"));
  CHECK_THAT(describe(run({{"toehold-no-such-program"}, {}, {}}).result),
             StartsWith("cannot start: "));
}

TEST_CASE("a child starts clean, whatever our own state is") {
  SECTION("only its standard streams are open, also where ours are inheritable") {
    const int inheritable = ::open("/dev/null", O_RDONLY);
    const Ran ran = run({{"ls", "/proc/self/fd"}, {}, {}});
    ::close(inheritable);
    CHECK(ran.out == "0\n1\n2\n3\n");  // 3 is the folder that ls reads
  }
  SECTION("stdin is empty") {
    CHECK(run(bash("read -r line; echo $?; cat | wc -c")).out == "1\n0\n");
  }
  SECTION("signals are neither blocked nor ignored") {
    sigset_t term, before;
    ::sigemptyset(&term);
    ::sigaddset(&term, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &term, &before);
    const auto handler = ::signal(SIGPIPE, SIG_IGN);
    const Ran ran = run({{"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}, {}, {}});
    ::signal(SIGPIPE, handler);
    sigset_t after;
    ::pthread_sigmask(SIG_SETMASK, &before, &after);
    CHECK(ran.out == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    CHECK(::sigismember(&after, SIGTERM) == 1);  // ours is as it was
  }
  SECTION("it leads a session of its own") {
    const Ran ran = run(bash("ps -o pid=,pgid=,sid= -p $$ | tr -s ' '"));
    const std::string pid = std::to_string(ran.pid);
    CHECK(trim(ran.out) == pid + " " + pid + " " + pid);
  }
  SECTION("environment and working directory are as asked") {
    ::setenv("TOEHOLD_TEST_KEPT", "kept", 1);
    ::setenv("TOEHOLD_TEST_CHANGED", "ours", 1);
    Command command = bash("echo $TOEHOLD_TEST_KEPT $TOEHOLD_TEST_CHANGED; pwd");
    command.environment = {{"TOEHOLD_TEST_CHANGED", "theirs"}};
    command.working_directory = "/usr";
    CHECK(run(command).out == "kept theirs\n/usr\n");
  }
}

TEST_CASE("children get the umask that we were called with") {
  // In a process of its own, as the mask that is remembered cannot be forgotten again.
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::umask(027);
    remember_caller_umask();
    ::umask(077);
    const std::string seen = run(bash("umask")).out;
    const mode_t ours = ::umask(0);
    const std::string text = seen + (ours == 077 ? "private" : "open");
    (void)!::write(ends[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  char buffer[64];
  const auto count = ::read(ends[0], buffer, sizeof buffer);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  REQUIRE(count > 0);
  CHECK(std::string(buffer, static_cast<std::size_t>(count)) == "0027\nprivate");
}

TEST_CASE("big output arrives whole, in lines or not") {
  std::size_t count = 0;
  RealProcessRunner runner;
  const auto result =
      runner.run({{"head", "-c", "50000000", "/dev/zero"}, {}, {}},
                 [&](Stream, std::string_view bytes) { count += bytes.size(); }, nullptr, {}, {});
  CHECK(result.succeeded());
  CHECK(count == 50000000);
  CHECK(run(bash("seq 200000")).out.size() == 1288895);
}

TEST_CASE("many commands leave no descriptors and no zombies") {
  const auto descriptors = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  run(bash("true"));
  const auto before = descriptors();
  for (int i = 0; i < 20; ++i) {
    run(bash("(true &) ; true"));
    run({{"toehold-no-such-program"}, {}, {}});
    run({{"/dev/null"}, {}, {}});
  }
  CHECK(descriptors() == before);
  reap_orphans();
  for (const auto& process : list_processes()) {
    if (process.parent == ::getpid()) CHECK(process.state != 'Z');
  }
}

TEST_CASE("a heartbeat comes while a command is silent") {
  std::stop_source enough;
  int beats = 0;
  RealProcessRunner().run(
      bash("exec sleep 1000"),
      [&](Stream, std::string_view bytes) {
        if (bytes.empty() && ++beats == 2) enough.request_stop();
      },
      nullptr, {}, enough.get_token());
  CHECK(beats >= 2);
}

TEST_CASE("a step ends with its leader, not with its pipe") {
  const TempDirectory folder(fs::temp_directory_path(), "toehold-test-");
  const std::string done = (folder.path() / "done").string();
  const std::string mark = unique_mark();
  // The daemon writes far more than the pipe holds, long after the step, and tells how that went.
  Command command = bash("echo begun; (while [ ! -e " + done + ".go ]; do sleep 0.01; done; " +
                         "head -c 4000000 /dev/zero; echo $? > " + done + ") & exit 0");
  command.environment = {{"TOEHOLD_TEST", mark}};
  const Ran ran = run(command);
  CHECK(ran.result.succeeded());
  CHECK(ran.result.output_held);
  CHECK(ran.out == "begun\n");
  CHECK(ran.seconds < 30);
  CHECK(survivors(mark) > 0);
  std::ofstream(done + ".go") << "";
  // Neither blocked nor killed by SIGPIPE.
  for (int i = 0; i < 1000 && (!fs::exists(done) || fs::file_size(done) == 0); ++i) {
    std::this_thread::sleep_for(10ms);
  }
  CHECK(read_file(done) == "0\n");
}

TEST_CASE("what a background process prints right after its leader's end is still taken") {
  Ran ran;
  // A busy machine may not have started it in time.
  for (int i = 0; i < 5 && ran.out.empty(); ++i) {
    ran = run(bash("exec > >(sleep 0.02; cat); echo late"));
  }
  CHECK(ran.out == "late\n");
  CHECK_FALSE(ran.result.output_held);
}

TEST_CASE("nothing escapes a deadline") {
  const std::string mark = unique_mark();
  const auto name_and_script = GENERATE(table<const char*, const char*>({
      {"polite", "sleep 1000"},
      {"new session", "setsid sleep 1000 & sleep 1000"},
      {"double fork", "(setsid bash -c 'sleep 1000 & sleep 1000' &) ; sleep 1000"},
      {"orphan of a dead parent", "bash -c 'setsid sleep 1000 & disown; exit 0'; sleep 1000"},
      {"TERM ignored", "trap '' TERM; setsid sleep 1000 & while :; do sleep 1000; done"},
      {"stopped", "bash -c 'kill -STOP $$' & kill -STOP $$"},
      {"spawns while it is killed",
       "trap '' TERM; f() { while :; do setsid sleep 1000 & sleep 0.005; done; }; f & f"},
      {"spawns on TERM", "trap 'setsid nohup sleep 1000 & sleep 1000' TERM; sleep 1000 & wait"},
      {"always another one",
       "exec bash -c 'f() { f & exit 0; }; trap \"\" TERM; f & wait; sleep 1000'"},
      {"always another session",
       "trap '' TERM; printf '%s\n' '#!/bin/sh' 'setsid \"$0\" & exit 0' "
       "> $COMET; chmod +x $COMET; $COMET & sleep 1000"},
      {"cleared environment", "env -i setsid sleep 1000 & sleep 1000"},
      {"closed streams", "exec >&- 2>&-; setsid sleep 1000 & sleep 1000"},
  }));
  INFO(std::get<0>(name_and_script));
  const TempDirectory folder(fs::temp_directory_path(), "toehold-test-");
  Command command = bash(std::get<1>(name_and_script));
  command.environment = {{"TOEHOLD_TEST", mark}, {"COMET", (folder.path() / "comet").string()}};
  const Ran ran = run(command, in(150ms), {}, 150ms);
  CHECK(ran.result.timed_out);
  CHECK_FALSE(ran.result.succeeded());
  CHECK(describe(ran.result) == "timed out");
  CHECK(ran.seconds >= 0.15);
  CHECK(ran.seconds < 20);
  CHECK(survivors(mark) == 0);
  CHECK(gone(ran.pid));
  // `env -i` has no mark; everything of ours but the drains of other tests is to be gone.
  std::string program;
  for (const auto& process : list_processes()) {
    if (process.parent != ::getpid() || !process.alive()) continue;
    program = read_file("/proc/" + std::to_string(process.pid) + "/comm");
    CHECK(program != "sleep\n");
  }
}

TEST_CASE("a polite command may tidy up within its grace, also when it was stopped") {
  const std::string busy = GENERATE("while :; do sleep 0.01; done", "kill -STOP $$");
  Ran ran;
  // A busy machine may need longer until it is up.
  for (auto limit = 200ms; limit < 10s && !ran.out.starts_with("up"); limit *= 4) {
    ran = run(bash("trap 'echo tidied; exit 0' TERM; echo up; " + busy), in(limit), {}, 10s);
  }
  CHECK(ran.out == "up\ntidied\n");
  CHECK(ran.result.timed_out);
  CHECK(ran.result.exit_code == 0);
  CHECK(ran.seconds < 10);
}

TEST_CASE("a stop ends a command as a deadline does") {
  const std::string mark = unique_mark();
  std::stop_source source;
  Command command = bash("setsid sleep 1000 & echo up; sleep 1000");
  command.environment = {{"TOEHOLD_TEST", mark}};
  RealProcessRunner runner(200ms);
  const auto result = runner.run(
      command,
      [&](Stream, std::string_view bytes) {
        if (!bytes.empty()) source.request_stop();
      },
      nullptr, {}, source.get_token());
  CHECK(result.cancelled);
  CHECK_FALSE(result.timed_out);
  CHECK(describe(result) == "cancelled");
  CHECK(survivors(mark) == 0);

  source = std::stop_source();
  source.request_stop();
  CHECK(run(bash("sleep 1000"), {}, source.get_token()).result.cancelled);
}

TEST_CASE("daemons of an earlier command outlive the end of a later one") {
  // Known by having been there before; or, should they have begun later, by their environment.
  const bool there_before = GENERATE(true, false);
  const TempDirectory folder(fs::temp_directory_path(), "toehold-test-");
  const std::string go = (folder.path() / "go").string();
  const std::string earlier = unique_mark();
  const std::string later = unique_mark();
  Command daemon;
  if (there_before) {
    daemon = bash("TOEHOLD_TEST=" + earlier + " setsid sleep 1000 >/dev/null 2>&1 & exit 0");
  } else {
    daemon = bash("setsid bash -c 'while [ ! -e " + go +
                  " ]; do sleep 0.01; done; (sleep 1000 &); exit' >/dev/null 2>&1 & exit 0");
    daemon.environment = {{"TOEHOLD_TEST", earlier}};
  }
  REQUIRE(run(daemon).result.succeeded());
  Command hanging = bash("touch " + go + "; setsid sleep 1000 & sleep 1000");
  if (!there_before) hanging.environment = {{"TOEHOLD_TEST", later}};
  // Bash may not have come to its first command by then.
  for (auto limit = 150ms; limit < 20s && !fs::exists(go); limit *= 4) {
    CHECK(run(hanging, in(limit)).result.timed_out);
  }
  CHECK(survivors(later) == 0);
  // The daemon's first shell may still be on its way out.
  for (int i = 0; i < 500 && survivors(earlier) != 1; ++i) std::this_thread::sleep_for(10ms);
  CHECK(survivors(earlier) == 1);

  CHECK(kill_processes_with_environment("TOEHOLD_TEST", earlier) == 1);
  CHECK(survivors(earlier) == 0);
  CHECK(kill_processes_with_environment("TOEHOLD_TEST", earlier) == 0);
}

TEST_CASE("two commands at a time do not end each other") {
  const bool marked = GENERATE(true, false);
  const std::string mark = unique_mark();
  ProcessResult longer;
  std::thread other([&] {
    Command command = bash(marked ? "(setsid bash -c 'sleep 0.6; exit 7' &); sleep 0.6; exit 7"
                                  : "sleep 0.6; exit 7");
    if (marked) command.environment = {{"TOEHOLD_TEST", mark}};
    longer = RealProcessRunner().run(command, [](Stream, std::string_view) {}, nullptr, {}, {});
  });
  Command hanging = bash("setsid sleep 1000 & sleep 1000");
  hanging.environment = {{"TOEHOLD_TEST", mark + "-hanging"}};
  CHECK(run(hanging, in(200ms)).result.timed_out);
  CHECK(survivors(mark + "-hanging") == 0);
  other.join();
  CHECK(longer.exit_code == 7);
}

TEST_CASE("a leader dies with us, however we die") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    RealProcessRunner().run(
        bash("exec sleep 1000"), [](Stream, std::string_view) {},
        [&](int pid) {
          (void)!::write(ends[1], &pid, sizeof pid);
          ::kill(::getpid(), SIGKILL);
        },
        {}, {});
    ::_exit(0);
  }
  ::close(ends[1]);
  int leader = 0;
  REQUIRE(::read(ends[0], &leader, sizeof leader) == sizeof leader);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  for (int i = 0; i < 20000 && !gone(leader); ++i) {
    reap_orphans();  // it has become ours
    std::this_thread::sleep_for(1ms);
  }
  CHECK(gone(leader));
}

TEST_CASE("an error of the reader of the output leaves nothing behind") {
  const std::string mark = unique_mark();
  Command command = bash("setsid sleep 1000 & echo up; sleep 1000");
  command.environment = {{"TOEHOLD_TEST", mark}};
  RealProcessRunner runner(200ms);
  CHECK_THROWS(runner.run(command,
                          [](Stream, std::string_view bytes) {
                            if (!bytes.empty()) throw std::runtime_error("disk full");
                          },
                          nullptr, {}, {}));
  CHECK(survivors(mark) == 0);
}
