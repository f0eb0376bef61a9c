// The files and the screen that a run leaves, from events made by hand.
#include <array>
#include <regex>

#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/report/chaining.hpp"
#include "runner/report/console.hpp"
#include "runner/report/console_log.hpp"
#include "runner/report/json_lines.hpp"
#include "runner/report/result.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/event_play.hpp"

#include <fcntl.h>
#include <pty.h>
#include <unistd.h>

using namespace toehold;
using namespace toehold::test;

namespace {

std::string without_stamps(const std::string& text) {
  return std::regex_replace(text, std::regex("2023-11-14 22:13:20\\.123 "), "");
}

}  // namespace

TEST_CASE("console.log has the lines that its readers know") {
  const Folder folder;
  {
    ConsoleLog log(folder / "console.log");
    Play play(log);
    play.begin();
    play.step();
    play(ProcessStarted{"0/build/One", 1});
    play.print(Stream::out, "one\ntw");
    play.print(Stream::out, "o\nopen");
    play.print(Stream::err, "err\n");
    play.end("success", "", {});
  }
  CHECK(without_stamps(read_file(folder / "console.log")) ==
        "Info Document doc.yml\nInfo Phase build\nInfo Step One\n"
        "Info Stdout: one\nInfo Stdout: two\nInfo Stdout: open\nInfo Stderr: err\n"
        "Info CmdExecution: ExitCode 0\n"
        "Info Executor: FINISHED EXECUTION OF ALL DOCUMENTS\n"
        "Info TOE has completed execution successfully\n");
}

TEST_CASE("console.log tells of a failure, and hides what is not to be logged") {
  const Folder folder;
  {
    ConsoleLog log(folder / "console.log");
    Play play(log);
    play.begin();
    play.step(false);
    play.print(Stream::out, "hidden\n", false);
    play.end("failed", "exit code 3", 3);
  }
  const std::string text = read_file(folder / "console.log");
  CHECK_THAT(text, !ContainsSubstring("hidden\n") && ContainsSubstring("disableLogging"));
  CHECK_THAT(text, ContainsSubstring("ExitCode 3") &&
                       ContainsSubstring("TOE has completed execution with failure"));
}

TEST_CASE("console.log goes on with a new line behind one that a killed process left open") {
  const Folder folder;
  for (const char* text : {"one\ntw", "o\n"}) {
    ConsoleLog log(folder / "console.log");
    Play play(log);
    play.print(Stream::out, text);
  }
  CHECK(without_stamps(read_file(folder / "console.log")) ==
        "Info Stdout: one\nInfo Stdout: tw\nInfo Stdout: o\n");
}

TEST_CASE("a line without an end is passed on in bounded memory") {
  const Folder folder;
  ConsoleLog log(folder / "console.log");
  Play play(log);
  play.begin();
  play.step();
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 8; ++i) play.print(Stream::out, piece);
  const std::string text = read_file(folder / "console.log");
  CHECK(text.size() > 8u << 20);
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
}

TEST_CASE("the result has awstoe's keys in awstoe's order") {
  RunStarted started;
  started.execution_id = "id";
  CHECK(
      result_json(started, {"failed", "Document d failed!", 2, 1, 0}, "/l") ==
      "{\n    \"executionId\": \"id\",\n    \"status\": \"failed\",\n    \"failedStepCount\": 1,\n"
      "    \"executedStepCount\": 2,\n    \"ignoredFailedStepCount\": 0,\n"
      "    \"failureMessage\": \"Document d failed!\",\n    \"logUrl\": \"/l\"\n}");
}

TEST_CASE("chaining.json and events.jsonl") {
  const Folder folder;
  ChainingRecord chaining(folder / "c.json");
  JsonLines lines(folder / "e.jsonl");
  Tee both({&chaining, &lines});
  Play play(both);
  play.begin();
  play.step();
  play.print(Stream::out, "not an event of record\n");
  play.end("success", "", {});
  const Value record = parse_json(read_file(folder / "c.json"));
  CHECK(record.find("0/build/One")->find("outputs")->list()[0].find("stdout")->text() == "hi");
  const std::string text = read_file(folder / "e.jsonl");
  CHECK(std::count(text.begin(), text.end(), '\n') == 10);
  CHECK_THAT(text, !ContainsSubstring("not an event"));
}

namespace {

std::string shown(const std::function<void(Play&)>& act, ConsoleOptions options = {}) {
  const Folder folder;
  const FileDescriptor fd(::open((folder / "screen").c_str(), O_RDWR | O_CREAT, 0600));
  options.terminal.fd = fd.get();
  options.terminal.unicode = false;
  Console console(options);
  Play play(console);
  act(play);
  return std::regex_replace(read_file(folder / "screen"), std::regex("[0-9.]+m?s\\b"), "TIME");
}

/// What a terminal was sent; its other end is closed, or this never ends.
std::string all_of(const FileDescriptor& terminal) {
  std::string text;
  std::array<char, 4096> chunk;
  for (ssize_t count; (count = ::read(terminal.get(), chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace

TEST_CASE("the failure screen has what one needs to act") {
  ConsoleOptions options;
  options.retry_command = "toehold run doc.yml";
  const std::string text = shown(
      [](Play& play) {
        play.begin();
        play.step();
        for (int i = 1; i <= 30; ++i) play.print(Stream::out, "line " + std::to_string(i) + "\n");
        play.end("failed", "exit code 3", 3);
      },
      options);
  for (const char* part :
       {"step failed: build.One", "where     doc.yml:7", "why       exit code 3", "- echo hi",
        "apiKey: ***", "    | line 30\n", "toehold run doc.yml --from build.One",
        "/logs/TOE/console.log", "failed  1 step run, 1 failed"}) {
    INFO(text);
    CHECK_THAT(text, ContainsSubstring(part));
  }
  CHECK_THAT(text.substr(text.find("last output")), !ContainsSubstring("| line 10\n"));
}

TEST_CASE("what to type next is what helps") {
  ConsoleOptions options;
  options.retry_command = "toehold run doc.yml";
  const auto next = [&](const std::string& why) {
    const std::string text = shown(
        [&](Play& play) {
          play.begin();
          play.step();
          play.end("failed", why, {});
        },
        options);
    const std::size_t begin = text.find("--from", text.find("  next\n"));
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  CHECK(next("exit code 3") == "--from build.One   go on from this step");
  for (const char* frame : {"", "if: ", "the loop failed at index 0: "}) {
    CHECK(next(frame + std::string("doc.yml:9:3: resolving {{ build.N.outputs.stdout }}: step "
                                   "build.N did not run in this run (run the document from that "
                                   "step on: --from build.N)")) ==
          "--from build.N   begin with the step that is missing");
  }
}

TEST_CASE("a plain view shows every line and nothing a terminal would obey") {
  const std::string text = shown([](Play& play) {
    play.begin();
    play.step();
    play.print(Stream::out, "\033[31mred\033[0m\n10%\r50%\r100%\nno end");
    play.end("success", "", {});
  });
  CHECK(text ==
        "doc.yml  demo\nphase build\n  One (ExecuteBash)\n    | red\n    | 100%\n    | no end\n"
        "  ok One                          ExecuteBash        TIME\n\n"
        "success  1 step run, TIME\nlogs     /logs/TOE\n");
}

TEST_CASE("GitHub Actions get groups and an annotation") {
  ConsoleOptions options;
  options.github = true;
  const std::string text = shown(
      [](Play& play) {
        play.begin();
        play.step();
        play.end("failed", "exit code 3", 3);
      },
      options);
  CHECK_THAT(text, ContainsSubstring("::group::build.One (ExecuteBash)\n") &&
                       ContainsSubstring("::endgroup::\n") &&
                       ContainsSubstring("::error file=doc.yml,line=7::build.One: exit code 3\n"));
}

TEST_CASE("nothing is shown where nothing is wanted") {
  ConsoleOptions options;
  options.mode = ConsoleOptions::Mode::none;
  CHECK(shown(
            [](Play& play) {
              play.begin();
              play.step();
              play.end("failed", "x", 1);
            },
            options)
            .empty());
}

TEST_CASE("on a terminal the running step stays on the last line and goes at the end") {
  int master = -1, slave = -1;
  winsize size{24, 40, 0, 0};
  REQUIRE(::openpty(&master, &slave, nullptr, nullptr, &size) == 0);
  const FileDescriptor ours(master);
  FileDescriptor theirs(slave);
  ConsoleOptions options;
  options.mode = ConsoleOptions::Mode::live;
  options.terminal = {slave, true, false, false};
  {
    Console console(options);
    Play play(console);
    play.begin();
    play.step();
    console.tick();
    play.print(Stream::out, "hello\n");
    play.end("success", "", {});
  }
  theirs.close();
  const std::string text = all_of(ours);
  CHECK_THAT(text, ContainsSubstring("\r  * build.One  ExecuteBash"));
  CHECK_THAT(text, ContainsSubstring("\r\033[K    | hello"));
  CHECK_THAT(text, ContainsSubstring("logs     /logs/TOE"));
  // Nothing of the status line is left after the last line.
  CHECK(text.substr(text.rfind("success")).find("ExecuteBash") == std::string::npos);
}

TEST_CASE("several status lines are drawn in their place and go with what is printed") {
  int master = -1, slave = -1;
  winsize size{24, 12, 0, 0};
  REQUIRE(::openpty(&master, &slave, nullptr, nullptr, &size) == 0);
  const FileDescriptor ours(master);
  FileDescriptor theirs(slave);
  {
    Terminal terminal({slave, true, false, true});
    terminal.status_lines({"one", "two", "three is too long"});
    terminal.status_lines({"1", "2"});
    terminal.print("above\n");
    terminal.status_lines({"last"});
  }
  theirs.close();
  const std::string text = replace_all(all_of(ours), "\r\n", "\n");  // the terminal adds them
  CHECK(text ==
        "\rone\033[K\ntwo\033[K\nthree is to\033[K"
        "\r\033[2A1\033[K\n2\033[K\033[J"
        "\r\033[1A\033[Jabove\n"
        "\rlast\033[K\r\033[K");
}

TEST_CASE("a flood is cut to what a screen can take, and says so") {
  const TempDirectory folder(fs::temp_directory_path(), "toehold-test-");
  const fs::path screen = folder.path() / "screen";
  const FileDescriptor file(::open(screen.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ConsoleOptions options;
  options.mode = ConsoleOptions::Mode::live;
  options.terminal = {file.get(), true, false, false};
  Console console(options);
  Play play(console);
  play.begin();
  play.step();
  std::string piece;
  while (piece.size() < (1u << 20)) piece += "a line of some length that is repeated\n";
  for (int i = 0; i < 40; ++i) play.print(Stream::out, piece);
  play.print(Stream::out, "the last line\n");
  play.end("success", "", {});
  const std::string text = read_file(screen);
  CHECK(text.size() < (4u << 20));
  CHECK_THAT(text, ContainsSubstring("lines not shown; console.log has them"));
  CHECK_THAT(text, ContainsSubstring("success"));
}
