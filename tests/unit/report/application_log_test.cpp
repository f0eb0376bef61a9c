#include "runner/report/application_log.hpp"

#include "runner/base/log.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/event_play.hpp"

using namespace toehold;
using namespace toehold::test;

TEST_CASE("application.log has what was done and decided, and no results") {
  const Folder folder;
  open_log(folder / "application.log", false);
  ApplicationLog report;
  Play play(report);
  play.begin();
  play.step();
  play(ProcessStarted{"0/build/One", 4711});
  play.print(Stream::out, "what it prints\n");
  play.end("failed", "exit code 3", 3);
  StepStarted skipped;
  skipped.step = "0/build/Two";
  skipped.decision = "Skip";
  play(skipped);
  play(Note{"", "warning", "take care"});
  close_log();
  const std::string text = read_file(folder / "application.log");
  INFO(text);
  for (const char* part :
       {"Z info run id: version , phases all\n", "Z info document 0 begins: doc.yml",
        "Z info phase build of document 0 begins\n",
        "Z info step 0/build/One begins: ExecuteBash, line 7, timeoutSeconds 7200, "
        "onFailure Abort, maxAttempts 2\n",
        "Z debug step 0/build/One: attempt 1\n", "Z debug step 0/build/One: process 4711\n",
        "Z debug step 0/build/One: attempt 1 failed, exit code 3, 0ms: exit code 3\n",
        R"(had inputs [{"commands":["echo hi"],"apiKey":"***"}])",
        "Z error step 0/build/One ends: failed, exit code 3, 1 attempt, 1.5s, printed 15 B, "
        "outputs stdout (2 B): exit code 3\n",
        "Z info run ends: failed, 1 run, 1 failed, 0 failed and ignored: Document doc.yml failed!",
        "its if came to Skip\n", "Z warning take care\n"}) {
    CHECK_THAT(text, ContainsSubstring(part));
  }
  CHECK_THAT(text, !ContainsSubstring("what it prints") && !ContainsSubstring("visible"));
}
