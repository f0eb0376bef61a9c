// console.log on its way to CloudWatch Logs: nothing lost, nothing twice, nobody held up.
#include <fstream>

#include "runner/base/error.hpp"
#include "runner/report/cloudwatch.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/log_service.hpp"

using namespace toehold;
using namespace std::chrono_literals;
using test::LogService;

namespace {

class Run {
 public:
  explicit Run(bool real_time = false) : setup(service, real_time) {
    service.groups["group"] = {"stream"};
  }
  void write(const std::string& message) {
    const UnixMillis time = setup.session.clock().unix_millis();
    file << format_utc(time, "%Y-%m-%d %H:%M:%S") << ".000 " << message << std::endl;
    written.push_back(message);
  }
  CloudWatchOptions options() const { return {console_log, {"", "group", "stream"}, note}; }
  /// Follows in this thread until all is sent; the clock is virtual.
  CloudWatchGaps follow_to_the_end() {
    CloudWatchLog log(setup.session, options());
    log.announce_end();
    log.follow({});
    return log.finish({1ms, 1ms}, {});
  }

  LogService service;
  test::LogServiceSession setup;
  TempDirectory folder{fs::temp_directory_path(), "toehold-cloudwatch-"};
  fs::path console_log = folder.path() / "console.log";
  std::ofstream file{console_log, std::ios::app};
  fs::path note = folder.path() / "cloudwatch.json";
  std::vector<std::string> written;
};

}  // namespace

TEST_CASE("every line gets there once and in order, in batches that the service takes") {
  Run run;
  for (int i = 0; i < 25'000; ++i) run.write("Info Stdout: " + std::to_string(i));
  CHECK(run.follow_to_the_end().why.empty());
  CHECK(run.service.messages() == run.written);
  CHECK(run.service.broken_rules.empty());
  CHECK(run.service.batch_sizes.size() >= 3);
}

TEST_CASE("lines are sent while the run goes on, at most half a second after they were written") {
  Run run;
  run.write("Info first");
  CloudWatchLog log(run.setup.session, run.options());
  int looks = 0;
  run.setup.clock.on_sleep = [&] {
    CHECK(run.setup.clock.sleeps.back() <= 500ms);
    CHECK(run.service.messages() == run.written);
    if (++looks == 5) return log.announce_end();
    run.write("Info look " + std::to_string(looks));
  };
  log.follow({});
  CHECK(looks == 5);
  CHECK(run.service.messages() == run.written);
}

TEST_CASE("a service that fails for a while loses nothing and is told of once") {
  Run run;
  run.write("Info before");
  CloudWatchLog log(run.setup.session, run.options());
  int sleeps = 0;
  std::vector<std::string> news;
  run.service.always(LogService::error("ServiceUnavailableException", 503));
  run.setup.clock.on_sleep = [&] {
    if (const auto text = log.news()) news.push_back(*text);
    ++sleeps;
    if (sleeps < 85) run.write("Info " + std::to_string(sleeps));
    if (sleeps == 60) run.service.always(std::nullopt);
    if (sleeps == 63) run.service.always(LogService::error("ServiceUnavailableException", 503));
    if (sleeps == 80) run.service.always(std::nullopt);
    if (sleeps == 90) log.announce_end();
  };
  log.follow({});
  CHECK(run.service.messages() == run.written);
  REQUIRE(news.size() == 2);
  CHECK_THAT(news[0], ContainsSubstring("does not take the log"));
  CHECK_THAT(news[1], ContainsSubstring("takes the log again"));
  CHECK(log.finish({1ms, 1ms}, {}).why.empty());
}

TEST_CASE("the waits between tries grow, so that a dead service is not hammered") {
  Run run;
  run.write("Info x");
  CloudWatchLog log(run.setup.session, run.options());
  run.service.always(LogService::error("AccessDeniedException"));  // not retried by the client
  std::stop_source stop;
  run.setup.clock.on_sleep = [&] {
    if (run.setup.clock.sleeps.size() == 12) stop.request_stop();
  };
  log.follow(stop.get_token());
  CHECK(run.setup.clock.sleeps.front() == 500ms);
  CHECK(run.setup.clock.sleeps.back() == 30s);
  CHECK(run.service.calls.size() == 12);
  const CloudWatchGaps gaps = log.finish({1ms, 1ms}, {});
  CHECK(gaps.unsent_bytes == fs::file_size(run.console_log));
  CHECK_THAT(gaps.why, ContainsSubstring("logs:CreateLogStream"));
}

TEST_CASE("the next process goes on where this one was") {
  Run run;
  for (int i = 0; i < 100; ++i) run.write("Info " + std::to_string(i));
  CHECK(run.follow_to_the_end().why.empty());
  for (int i = 100; i < 200; ++i) run.write("Info " + std::to_string(i));
  CHECK(run.follow_to_the_end().why.empty());
  CHECK(run.service.messages() == run.written);
}

TEST_CASE("a note of another log or another stream is passed over") {
  Run run;
  run.write("Info one");
  run.follow_to_the_end();
  SECTION("stream") {
    CloudWatchOptions options = run.options();
    options.target.stream = "other";
    CloudWatchLog log(run.setup.session, options);
    log.announce_end();
    log.follow({});
    CHECK(run.service.messages() == std::vector<std::string>{"Info one", "Info one"});
  }
  SECTION("log") {
    fs::rename(run.console_log, run.folder.path() / "second.log");
    run.console_log = run.folder.path() / "second.log";
    run.follow_to_the_end();
    CHECK(run.service.messages() == std::vector<std::string>{"Info one", "Info one"});
  }
  SECTION("a note that a power failure has spoilt") {
    write_file_atomically(run.note, std::string(100, '\0'));
    run.follow_to_the_end();
    CHECK(run.service.messages() == std::vector<std::string>{"Info one", "Info one"});
  }
  SECTION("a shorter note over a longer one is read as the shorter") {
    std::ofstream(run.note, std::ios::app) << "left of a longer note\n";
    run.follow_to_the_end();
    CHECK(run.service.messages() == std::vector<std::string>{"Info one"});
  }
}

TEST_CASE("an answer that is lost may put lines there twice, but costs none") {
  Run run;
  run.write("Info one");
  LogService::Reply lost;
  lost.transport_error = "connection reset";
  lost.done_too = true;
  run.service.script("PutLogEvents", {lost});
  CHECK(run.follow_to_the_end().why.empty());
  CHECK(run.service.messages() == std::vector<std::string>{"Info one", "Info one"});
}

TEST_CASE("rejected lines are told of, and those after them sent") {
  Run run;
  run.write("Info one");
  run.service.script("PutLogEvents", {LogService::error("InvalidParameterException")});
  CloudWatchLog log(run.setup.session, run.options());
  run.setup.clock.on_sleep = [&] {
    run.write("Info two");
    log.announce_end();
  };
  log.follow({});
  const CloudWatchGaps gaps = log.finish({1ms, 1ms}, {});
  CHECK(gaps.rejected_events == 1);
  CHECK(gaps.unsent_bytes == 0);
  CHECK_THAT(gaps.why, ContainsSubstring("InvalidParameterException"));
  CHECK(run.service.messages() == std::vector<std::string>{"Info two"});
}

TEST_CASE("a service that never answers holds up nobody, and the end waits only so long") {
  Run run(true);
  LogService::Reply silence;
  silence.hangs = true;
  run.service.always(silence);
  CloudWatchLog log(run.setup.session, run.options());
  log.start();
  REQUIRE(run.service.wait_for_calls(1));
  for (int i = 0; i < 1000; ++i) run.write("Info " + std::to_string(i));
  SECTION("by its patience") {
    const CloudWatchGaps gaps = log.finish({1ms, 1h}, {});
    CHECK(gaps.unsent_bytes == fs::file_size(run.console_log));
    CHECK_FALSE(gaps.why.empty());
  }
  SECTION("until somebody stops it") {
    std::stop_source stop;
    stop.request_stop();
    CHECK(log.finish({1h, 1h}, stop.get_token()).unsent_bytes == fs::file_size(run.console_log));
  }
  SECTION("not at all when it is thrown away") {}
  CHECK(run.service.events.empty());
}

TEST_CASE("the thread sends all that is left when the end is announced") {
  Run run(true);
  CloudWatchLog log(run.setup.session, run.options());
  log.create({});
  log.start();
  for (int i = 0; i < 11'000; ++i) run.write("Info " + std::to_string(i));
  CHECK(log.finish({20s, 20s}, {}).why.empty());
  CHECK(run.service.messages() == run.written);
}

TEST_CASE("a stream that cannot be made is an error at once for who asks at once") {
  Run run;
  run.service.always(LogService::error("AccessDeniedException"));
  CloudWatchLog log(run.setup.session, run.options());
  CHECK_THROWS_AS(log.create({}), Error);
}

TEST_CASE("a request holds one batch however long the log is") {
  Run run;
  const std::string line = "Info Stdout: " + std::string(10'000, 'x');
  for (int i = 0; i < 300; ++i) run.write(line);
  run.follow_to_the_end();
  CHECK(run.service.messages() == run.written);
  CHECK(run.service.largest_body < 2u << 20);
}
