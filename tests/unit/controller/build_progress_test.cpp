#include "runner/controller/build_progress.hpp"

#include <unistd.h>

#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("progress says what begins and how much is done, of the recipe's own steps") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const FileDescriptor in(ends[0]);
  FileDescriptor out(ends[1]);
  BuildProgress progress([&](const ProgressLine& line) { write_progress(out.get(), line); });
  progress.begin_stage("build", 2);
  StepStarted started;
  started.step = "0/build/Install";
  started.phase = "build";
  started.name = "Install";
  progress.on({1, 0, started});
  started.step = "0/build/Install>0/build/Nested";
  progress.on({2, 0, started});
  StepFinished finished;
  finished.step = started.step;
  progress.on({3, 0, finished});
  finished.step = "0/build/Install";
  progress.on({4, 0, finished});
  out.close();

  std::string text(4096, '\0');
  text.resize(static_cast<std::size_t>(::read(in.get(), text.data(), text.size())));
  const auto lines = split(trim(text), '\n');
  REQUIRE(lines.size() == 3);
  CHECK(decode_progress(std::string(lines[0])).stage == "build");
  CHECK(decode_progress(std::string(lines[0])).steps == 2);
  CHECK(decode_progress(std::string(lines[1])).step == "build.Install");
  CHECK(decode_progress(std::string(lines[1])).done == 0);
  CHECK(decode_progress(std::string(lines[2])).done == 1);
}
