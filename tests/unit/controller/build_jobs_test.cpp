#include "runner/controller/build_jobs.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "actions/builtin_actions.hpp"
#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

CommandContext command() {
  static const ActionRegistry actions(builtin_actions());
  return {ProgramStyle{}, actions, {}};
}

BuildJob job(const std::string& label, std::function<ExitCode()> work) {
  return {label, {}, [work = std::move(work)](const JobOutput&) { return work(); }};
}

/// What `work` returns in a process that gets no thread.
int without_threads(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{1, 1};  // does not bind root
    const bool bound = ::setrlimit(RLIMIT_NPROC, &none) == 0 &&
                       (::getuid() != 0 || ::setresuid(65534, 65534, 65534) == 0);
    ::_exit(bound ? work() : 99);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("one build that fails keeps none of the others, whatever it throws") {
  std::atomic<int> done{0};
  const std::vector<BuildJob> jobs{
      job("a", []() -> ExitCode { throw std::runtime_error("a bug"); }),
      job("b", []() -> ExitCode { throw Error(Error::Kind::busy, "in use"); }), job("c", [&] {
        ++done;
        return ExitCode::success;
      })};
  CHECK(run_jobs(jobs, {.at_once = 3, .quiet = true}, command()) == ExitCode::failure);
  CHECK(done == 1);
}

TEST_CASE("builds for which there are no threads are made one by one") {
  const auto all = [] {
    int done = 0;
    std::vector<BuildJob> jobs;
    for (int i = 0; i < 4; ++i) {
      jobs.push_back(job(std::to_string(i), [&] {
        ++done;
        return ExitCode::success;
      }));
    }
    const ExitCode code = run_jobs(jobs, {.at_once = 4, .live = true, .quiet = true}, command());
    return code == ExitCode::success ? done : 50;
  };
  CHECK(without_threads(all) == 4);
}
