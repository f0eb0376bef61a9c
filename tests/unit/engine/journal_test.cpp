#include "runner/engine/journal.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

Event note(std::uint64_t seq, const std::string& text) {
  return {seq, 1'700'000'000'123, Note{"0/build/One", "info", text}};
}

std::vector<std::string> texts(const JournalContents& contents) {
  std::vector<std::string> found;
  for (const Event& event : contents.events) found.push_back(std::get<Note>(event.data).text);
  return found;
}

struct Place {
  // In memory where there is such a place: a disk's syncs would take seconds and prove nothing
  // here.
  TempDirectory folder{fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path(),
                       "toehold-journal-"};
  fs::path path = folder.path() / "events.jsonl";
};

}  // namespace

TEST_CASE("what is appended is read back") {
  const Place place;
  Journal journal(place.path, 0);
  const std::vector<Event> first{note(1, "one")};
  const std::vector<Event> both{note(2, "two \"quoted\"\n"), note(3, "three")};
  journal.append(first);
  journal.append(both);
  journal.sync();
  const JournalContents contents = read_journal(place.path);
  CHECK(texts(contents) == std::vector<std::string>{"one", "two \"quoted\"\n", "three"});
  CHECK(contents.events[1].seq == 2);
  CHECK(contents.events[1].time == 1'700'000'000'123);
  CHECK_FALSE(contents.torn);
  CHECK(contents.bytes == fs::file_size(place.path));
  struct stat status {};
  REQUIRE(::stat(place.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a torn tail is cut at every offset, and a batch is there whole or not at all") {
  const Place place;
  const std::vector<Event> first{note(1, "one")};
  const std::vector<Event> batch{note(2, "two"), note(3, "three")};
  {
    Journal journal(place.path, 0);
    journal.append(first);
    journal.append(batch);
  }
  const std::string whole = read_file(place.path);
  const std::size_t first_line = whole.find('\n') + 1;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_file_atomically(place.path, whole.substr(0, size));
    const JournalContents contents = read_journal(place.path);
    INFO("cut after " << size);
    REQUIRE(contents.events.size() == (size < first_line ? 0 : 1));
    REQUIRE(contents.torn == (size != 0 && size != first_line));
    Journal journal(place.path, contents.bytes);
    journal.append(batch);
    REQUIRE(read_journal(place.path).events.size() == contents.events.size() + 2);
  }
}

TEST_CASE("blocks that were allocated but never written are a torn tail") {
  const Place place;
  const std::vector<Event> first{note(1, "one")};
  Journal(place.path, 0).append(first);
  write_file_atomically(place.path, read_file(place.path) + std::string(4096, '\0'));
  CHECK(texts(read_journal(place.path)) == std::vector<std::string>{"one"});
}

TEST_CASE("damage before the tail is never skipped") {
  const Place place;
  {
    Journal journal(place.path, 0);
    for (std::uint64_t i = 1; i <= 3; ++i) {
      const std::vector<Event> one{note(i, "text")};
      journal.append(one);
    }
  }
  const std::string whole = read_file(place.path);
  const std::size_t last_line = whole.rfind('\n', whole.size() - 2) + 1;
  for (std::size_t at = 0; at + 1 < last_line; at += 5) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    write_file_atomically(place.path, damaged);
    INFO("byte " << at);
    CHECK_THROWS_AS(read_journal(place.path), Error);
  }
}

TEST_CASE("a disk that takes no more stops the run before the next effect") {
  const Place place;
  Journal journal(place.path, 0);
  // The nearest thing to a full disk that a process can do to itself alone.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit tiny{64, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &tiny) == 0);
  const std::vector<Event> one{note(1, std::string(200, 'x'))};
  std::string message;
  try {
    journal.append(one);
  } catch (const Error& error) {
    CHECK(error.kind() == Error::Kind::state);
    message = error.what();
  }
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK_THAT(message, ContainsSubstring("cannot write the journal"));
  CHECK(read_journal(place.path).events.empty());
}

TEST_CASE("every record of the table survives the round trip") {
  RunStarted started;
  started.execution_id = "id";
  started.documents = Value(Value::List{Value::object({{"path", "a.yml"}})});
  StepFinished finished;
  finished.step = "0/build/One";
  finished.exit_code = 194;
  finished.seconds = 1.25;
  finished.outputs = Value(Value::List{Value::object({{"stdout", "x"}})});
  RebootRequested reboot;
  reboot.iteration = 3;
  reboot.inputs = Value::object({{"commands", Value(Value::List{"a"})}});
  const std::vector<EventData> all{started,
                                   Resumed{"b", "reboot"},
                                   DocumentStarted{},
                                   finished,
                                   reboot,
                                   IterationFinished{},
                                   RunFinished{"failed", "m", 3, 2, 1}};
  for (const EventData& data : all) {
    const Event event{7, 1'700'000'000'001, data};
    const Value encoded = encode_event(event);
    CHECK(encode_event(decode_event(encoded)) == encoded);
  }
  CHECK(std::get<StepFinished>(decode_event(encode_event({1, 0, finished})).data).exit_code == 194);
}

TEST_CASE("a record of a later version may have more fields") {
  Value record = encode_event(note(1, "text"));
  record.set("addedLater", "x");
  CHECK(std::get<Note>(decode_event(record).data).text == "text");
}
