// console.log as log events: lines, cuts, and going on at any place.
#include <cstdlib>
#include <fstream>

#include "runner/base/json.hpp"
#include "runner/report/log_follower.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

constexpr UnixMillis now = 1'700'000'001'000;
constexpr UnixMillis stamped = 1'700'000'000'123;
const std::string stamp = "2023-11-14 22:13:20.123 ";

class Log {
 public:
  Log() { write(""); }
  void write(const std::string& text) {
    std::ofstream(path, std::ios::app | std::ios::binary) << text;
  }
  TempDirectory folder{fs::temp_directory_path(), "toehold-follow-"};
  fs::path path = folder.path() / "console.log";
};

struct Event {
  UnixMillis time;
  std::string message;
  bool operator==(const Event&) const = default;
};

/// All that there is, in as many batches as it takes.
std::vector<Event> follow(LogFollower& follower, bool to_the_end = false) {
  std::vector<Event> events;
  aws::LogBatch batch;
  do {
    batch.begin(now);
    follower.fill(batch, to_the_end);
    const Value list = parse_json("[" + batch.json() + "]");
    for (const Value& item : list.list()) {
      events.push_back({*item.find("timestamp")->as_int(), item.find("message")->text()});
    }
  } while (batch.count() > 0);
  return events;
}

std::string joined(const std::vector<Event>& events) {
  std::string all;
  for (const Event& event : events) all += event.message;
  return all;
}

}  // namespace

TEST_CASE("a line becomes an event with the time of its stamp and without it") {
  Log log;
  LogFollower follower(log.path, 0);
  CHECK(follow(follower).empty());
  log.write(stamp + "Info Step One\n" + stamp + "Info Stdout: a");
  CHECK(follow(follower) == std::vector<Event>{{stamped, "Info Step One"}});
  log.write("b\n2023-11-14 22:13:20.5 no stamp\n\n");
  CHECK(follow(follower) == std::vector<Event>{{stamped, "Info Stdout: ab"},
                                               {stamped, "2023-11-14 22:13:20.5 no stamp"}});
  CHECK(follower.bytes_from(follower.position()) == 0);
}

TEST_CASE("a line without an end waits for it, but for the end of the run") {
  Log log;
  LogFollower follower(log.path, 0);
  log.write(stamp + "Info Stdout: 10%");
  CHECK(follow(follower).empty());
  CHECK(follower.position() == 0);
  CHECK(follow(follower, true) == std::vector<Event>{{stamped, "Info Stdout: 10%"}});
  log.write("\n");
  CHECK(follow(follower, true).empty());
  CHECK(follower.bytes_from(follower.position()) == 0);
}

TEST_CASE("a line that is too long becomes several events, and none cuts a character") {
  Log log;
  LogFollower follower(log.path, 0);
  std::string line = "Info Stdout: x";
  while (line.size() < 700'000) line += "\xE2\x82\xAC\xF0\x9F\x98\x80";
  log.write(stamp + line + "\n" + stamp + "Info next\n");
  const auto events = follow(follower);
  REQUIRE(events.size() == 4);
  CHECK(events[3] == Event{stamped, "Info next"});
  CHECK(joined({events.begin(), events.end() - 1}) == line);
}

TEST_CASE("what looks like a stamp within a line stays, also where the line is cut") {
  Log log;
  LogFollower follower(log.path, 0);
  const std::string line =
      std::string(aws::LogBatch::longest_text - stamp.size(), 'x') + stamp + "rest of the line";
  log.write(stamp + line + "\n" + stamp + stamp + "\n");
  const auto events = follow(follower);
  REQUIRE(events.size() == 3);
  CHECK(joined(events) == line + stamp);
}

TEST_CASE("a line of exactly the longest event has no empty one behind it") {
  for (const std::size_t more : {0, 1, 23, 24, 25}) {
    Log log;
    LogFollower follower(log.path, 0);
    const std::string line = std::string(aws::LogBatch::longest_text - 24 + more, 'x');
    log.write(stamp + line + "\n" + stamp + "end\n");
    const auto events = follow(follower);
    CHECK(joined(events) == line + "end");
    CHECK(events.back() == Event{stamped, "end"});
  }
}

TEST_CASE("an endless line is passed on while it grows") {
  Log log;
  LogFollower follower(log.path, 0);
  log.write(stamp);
  std::size_t sent = 0;
  for (int i = 0; i < 8; ++i) {
    log.write(std::string(300'000, 'x'));
    sent += joined(follow(follower)).size();
    CHECK(follower.bytes_from(follower.position()) <= aws::LogBatch::longest_text);
  }
  CHECK(sent + joined(follow(follower, true)).size() == 8 * 300'000);
}

TEST_CASE("another follower goes on at any byte and nothing is lost") {
  Log log;
  std::string text;
  for (int i = 0; i < 40; ++i) text += "Info Stdout: line " + std::to_string(i);
  log.write(stamp + text.substr(0, 100) + "\n" + stamp + text.substr(100) + "\n");
  LogFollower whole(log.path, 0);
  const std::string all = joined(follow(whole));
  for (std::uint64_t at = 24; at < 120; ++at) {
    LogFollower rest(log.path, at);
    const std::string tail = joined(follow(rest));
    CHECK(all.ends_with(tail.substr(tail.find("Info"))));
  }
}

TEST_CASE("a batch that is full leaves the rest to the next one") {
  Log log;
  std::string lines;
  for (int i = 0; i < 12'000; ++i) lines += stamp + "Info " + std::to_string(i) + "\n";
  log.write(lines);
  LogFollower follower(log.path, 0);
  aws::LogBatch batch;
  batch.begin(now);
  follower.fill(batch, false);
  CHECK(batch.count() == 10'000);
  const std::uint64_t position = follower.position();
  LogFollower second(log.path, position);
  CHECK(follow(second).front().message == "Info 10000");
  const auto rest = follow(follower);
  CHECK(rest.size() == 2'000);
  CHECK(rest.back().message == "Info 11999");
}

TEST_CASE("a file that is shorter than the note, or is emptied, is read from where it goes on") {
  Log log;
  log.write(stamp + "Info one\n");
  LogFollower follower(log.path, 1'000'000);
  CHECK(follow(follower).empty());
  log.write(stamp + "Info two\n");
  CHECK(follow(follower) == std::vector<Event>{{stamped, "Info two"}});
  fs::resize_file(log.path, 0);
  CHECK(follow(follower).empty());
  log.write(stamp + "Info three\n");
  CHECK(follow(follower) == std::vector<Event>{{stamped, "Info three"}});
}
