#include "runner/report/run_stream.hpp"

#include <fstream>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

/// What a report would see, as text.
class Recorder final : public EventSink {
 public:
  void on(const Event& event) override {
    if (const auto* output = std::get_if<Output>(&event.data)) {
      seen.push_back(output->step + (output->stream == Stream::out ? " out " : " err ") +
                     (output->logging ? "" : "hidden ") + std::string(output->bytes));
    } else {
      seen.push_back(std::to_string(event.seq));
    }
  }
  std::vector<std::string> seen;
};

struct StreamFile {
  const TempDirectory folder{fs::temp_directory_path(), "stream-"};
  const fs::path path = folder.path() / "stream";

  std::vector<std::string> seen() const {
    Recorder recorder;
    std::vector<std::string> lines = split(read_file(path), '\n');
    CHECK(lines.back().empty());
    lines.pop_back();
    for (const std::string& line : lines) read_stream_line(line, recorder);
    return recorder.seen;
  }
};

Event event(std::uint64_t seq) {
  return {seq, 1700000000000, PhaseStarted{"0", "build"}};
}
Event output(std::string_view bytes, Stream stream = Stream::out, bool logging = true) {
  return {0, 1700000000000, Output{"0/build/A", stream, bytes, logging}};
}

}  // namespace

TEST_CASE("a stream carries events and any bytes of output") {
  StreamFile file;
  const std::string bytes("\0\xff\n\"\\", 5);
  {
    RunStream stream(file.path, false);
    stream.on(event(1));
    stream.on(output(bytes));
    stream.on(output("no line end", Stream::err));
    stream.on(output("secret", Stream::out, false));
    stream.on(event(2));
  }
  CHECK(file.seen() == std::vector<std::string>{"1", "0/build/A out " + bytes,
                                                "0/build/A err no line end",
                                                "0/build/A out hidden ", "2"});
  CHECK((fs::status(file.path).permissions() & fs::perms(077)) == fs::perms::none);
}

TEST_CASE("a stream that goes on has nothing twice and no half line") {
  StreamFile file;
  {
    RunStream stream(file.path, false);
    stream.on(event(1));
    stream.on(event(2));
    stream.on(output("one"));
  }
  std::ofstream(file.path, std::ios::app) << "{\"seq\":3,\"ti";
  {
    RunStream stream(file.path, true);
    for (std::uint64_t seq = 1; seq <= 3; ++seq) stream.on(event(seq));
    stream.on(output("two"));
  }
  CHECK(file.seen() ==
        std::vector<std::string>{"1", "2", "0/build/A out one", "3", "0/build/A out two"});
}

TEST_CASE("a stream that begins anew forgets the one before it") {
  StreamFile file;
  RunStream(file.path, false).on(event(7));
  RunStream(file.path, false).on(event(1));
  CHECK(file.seen() == std::vector<std::string>{"1"});
}

TEST_CASE("the last line of a stream is found however long it is") {
  StreamFile file;
  for (const std::size_t size : {1u << 10, 64u << 10, 300u << 10}) {
    fs::remove(file.path);
    {
      RunStream stream(file.path, false);
      stream.on(event(1));
      stream.on(event(2));
      stream.on(output(std::string(size, 'x')));
    }
    RunStream again(file.path, true);
    again.on(event(2));
    CHECK(file.seen().size() == 3);
  }
}

TEST_CASE("a line that is not of a stream is an error") {
  Recorder recorder;
  for (const char* line : {"", "noise", "[]", "{}", "{\"type\":\"output\"}",
                           "{\"type\":\"output\",\"time\":1,\"bytes\":\"?\"}"}) {
    INFO(line);
    CHECK_THROWS_AS(read_stream_line(line, recorder), Error);
  }
  CHECK(recorder.seen.empty());
}
