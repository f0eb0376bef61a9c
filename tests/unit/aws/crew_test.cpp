#include "runner/aws/crew.hpp"

#include <atomic>
#include <set>

#include "tests/support/aws_session.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

/// How many threads a transfer of so many jobs has, of which none is idle before all have begun.
std::size_t threads_of(aws::Session& session, std::size_t jobs) {
  const TransferControl control;
  std::set<std::thread::id> threads;
  std::mutex mutex;
  aws::Crew crew(session, control, 16);
  const auto job = [&](aws::Client&) {
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  };
  {
    const std::lock_guard begun(mutex);
    for (std::size_t i = 0; i < jobs; ++i) crew.add(job);
  }
  crew.run();
  return threads.size();
}

}  // namespace

TEST_CASE("transfers share what they may have of threads, and each has one") {
  SessionHarness harness;
  aws::Session& session = harness.session();
  std::size_t taken = 0;
  while (session.take_helper()) ++taken;
  CHECK(taken == 32);
  CHECK(threads_of(session, 50) == 1);
  session.give_back_helpers(2);
  const std::size_t some = threads_of(session, 50);
  CHECK(some <= 3);
  // They are given back.
  CHECK(session.take_helper());
  CHECK(session.take_helper());
  CHECK_FALSE(session.take_helper());
  session.give_back_helpers(taken);
  CHECK(threads_of(session, 50) <= 16);
}
