#include "runner/controller/remote_agent.hpp"
#include "runner/controller/remote_documents.hpp"

#include "runner/base/base64.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_transport.hpp"
#include "tests/support/virtual_clock.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::chrono_literals;

namespace {

class Recorder final : public EventSink {
 public:
  void on(const Event& event) override {
    if (const auto* output = std::get_if<Output>(&event.data)) {
      seen.push_back(std::string(output->bytes));
    } else if (const auto* document = std::get_if<DocumentStarted>(&event.data)) {
      seen.push_back(document->path);
    } else if (std::holds_alternative<Note>(event.data)) {
      notes.push_back(std::get<Note>(event.data).text);
    } else {
      seen.push_back(std::to_string(event.seq));
    }
  }
  std::vector<std::string> seen, notes;
};

std::string line(std::uint64_t seq, EventData data) {
  return to_json(encode_event({seq, 1, std::move(data)})) + "\n";
}

std::string output_line(const std::string& bytes) {
  return "{\"type\":\"output\",\"time\":1,\"after\":1,\"step\":\"s\",\"stream\":\"out\",\"bytes\":"
         "\"" +
         base64_encode(bytes) + "\"}\n";
}

RunStarted started() {
  RunStarted run;
  run.log_directory = "/there/build/logs/TOE_1";
  return run;
}

DocumentStarted document_started() {
  DocumentStarted document;
  document.document = "0";
  document.path = "/there/build-document-1.yaml";
  return document;
}

const std::vector<std::string> everything{"1", "my/hello.yaml", "one", "two\n", "3", "4"};

/// A machine whose agent has written a stream; each connection brings so many bytes of what
/// follows, and the last one brings all of it and the end.
struct Machine {
  std::string stream = line(1, started()) + line(2, document_started()) + output_line("one") +
                       output_line("two\n") + line(3, PhaseStarted{"0", "build"}) +
                       line(4, RunFinished{"success", "", 1, 0, 0});
  std::vector<std::size_t> cuts;     // bytes of each connection before the last
  std::vector<std::string> endings;  // of each connection that is not cut
  std::size_t connections = 0;
  FakeTransport transport;

  Machine() {
    transport.on_run = [this](const FakeTransport::Words& words, const OnOutput& on_output) {
      if (words.size() > 3 && words[1] == "follow") serve(std::stoul(words[4]), on_output);
      return 0;
    };
  }

  void serve(std::size_t offset, const OnOutput& on_output) {
    const std::string rest = stream.substr(offset);
    const std::size_t connection = connections++;
    if (connection < cuts.size()) {
      on_output(Stream::out, std::string_view(rest).substr(0, cuts[connection]));
      throw Error(Error::Kind::network, "cut");
    }
    on_output(Stream::out, "\n");  // a sign of life
    on_output(Stream::out, rest);
    const std::size_t ending = connection - cuts.size();
    if (ending < endings.size()) on_output(Stream::out, endings[ending] + "\n");
  }
};

struct Build {
  TempDirectory folder{fs::temp_directory_path(), "remote-"};
  VirtualClock clock;
  Recorder recorder;
  std::vector<bool> seen;
  std::stop_source stop;
  RemoteOptions options;

  Stage stage() const {
    auto document = std::make_shared<Document>();
    document->source = std::make_shared<SourceText>("my/hello.yaml", "name: hello\n");
    Stage stage;
    stage.name = "build";
    stage.documents = {{document, "my/hello.yaml", {{"Password", "a \"secret\""}}}};
    stage.phases = "build,validate";
    stage.state_directory = folder.path();
    stage.log_directory = folder.path() / "logs";
    return stage;
  }
  RemoteEnd run(Machine& machine, const std::string& from = {}) {
    recorder = {};
    return RemoteAgent(machine.transport, clock, "/there", options)
        .run(
            stage(), from, recorder, [&](bool on) { seen.push_back(on); }, stop.get_token());
  }
};

const std::string success = R"({"type":"ended","exitCode":0})";
const std::string reboot = R"({"type":"ended","exitCode":194})";
const std::string lost = R"({"type":"ended","message":"it ended without a word","lost":true})";

}  // namespace

TEST_CASE("a stage is sent, started once and followed to its end") {
  Machine machine;
  machine.endings = {success};
  Build build;
  const RemoteEnd end = build.run(machine);
  CHECK(end.exit_code == 0);
  CHECK(end.log_directory == "/there/build/logs/TOE_1");
  CHECK(build.recorder.seen == everything);
  CHECK(build.recorder.notes.empty());
  CHECK(machine.transport.count("detach") == 1);
  const Value files = parse_json(machine.transport.files.at("/there/build-files.json"));
  CHECK(files.find("document-1.yaml")->text() == "name: hello\n");
  CHECK(machine.transport.modes.at("/there/build-files.json") == 0600);
  for (const auto& command : machine.transport.commands) {
    CHECK(join(command, " ").find("secret") == std::string::npos);
  }
}

TEST_CASE("wherever a connection is cut, nothing is lost and nothing comes twice") {
  const std::size_t size = Machine().stream.size();
  for (std::size_t cut = 0; cut <= size; cut += 11) {
    Machine machine;
    machine.cuts = {cut, 1, size - cut / 2};
    machine.endings = {success};
    Build build;
    const RemoteEnd end = build.run(machine);
    INFO("cut after " << cut << " bytes");
    REQUIRE(end.exit_code == 0);
    REQUIRE(build.recorder.seen == everything);
    REQUIRE(machine.transport.count("detach") == 1);
    REQUIRE_FALSE(build.recorder.notes.empty());
  }
}

TEST_CASE("a machine that stays out of reach is given up after a while") {
  Machine machine;
  machine.cuts.assign(10000, 0);
  Build build;
  build.options.patience = std::chrono::seconds(100);
  const Monotonic before = build.clock.monotonic();
  CHECK_THROWS_AS(build.run(machine), Error);
  CHECK(build.clock.monotonic() - before > std::chrono::seconds(100));
  CHECK(build.clock.monotonic() - before < std::chrono::seconds(110));
  CHECK(build.recorder.notes.size() == 1);
}

TEST_CASE("that nobody can say whether the machine is on is no end of its run") {
  Machine machine;
  machine.cuts.assign(3, 0);
  machine.endings = {success};
  Build build;
  int asked = 0;
  build.options.must_be_on = [&] {
    const auto kind = asked++ % 2 == 0 ? Error::Kind::network : Error::Kind::timeout;
    throw Error(kind, "EC2 DescribeInstances: ServiceUnavailable");
  };
  CHECK(build.run(machine).exit_code == 0);
  CHECK(asked == 3);

  Machine gone;
  gone.cuts.assign(10000, 0);
  Build lost;
  lost.options.must_be_on = [] { throw Error(Error::Kind::process, "the instance i-1 is gone"); };
  CHECK_THROWS_WITH(lost.run(gone), "the instance i-1 is gone");
  CHECK(gone.connections == 1);
}

TEST_CASE("a machine that is back is noticed within two seconds, however long it was away") {
  for (const auto away : {1s, 10s, 61s, 307s}) {
    Build build;
    Machine machine;
    machine.endings = {success};
    const auto serve = machine.transport.on_run;
    std::optional<Monotonic> back, noticed;
    machine.transport.on_run = [&](const FakeTransport::Words& words, const OnOutput& on_output) {
      const Monotonic now = build.clock.monotonic();
      if (words[1] == "follow") {
        if (!back) back = now + away;
        if (now < *back) throw Error(Error::Kind::network, "away");
        noticed = now;
      }
      return serve(words, on_output);
    };
    CHECK(build.run(machine).exit_code == 0);
    CHECK(*noticed - *back <= 2s);
  }
}

TEST_CASE("after a reboot the same command is given again") {
  Machine machine;
  machine.endings = {reboot, reboot, success};
  Build build;
  int restarts = 0;
  build.options.restart = [&](std::stop_token) { ++restarts; };
  CHECK(build.run(machine).exit_code == 0);
  CHECK(restarts == 2);
  CHECK(machine.transport.count("detach") == 3);
  CHECK(build.recorder.seen == everything);
}

TEST_CASE("a reboot ends a stage on a machine that cannot be restarted") {
  Machine machine;
  machine.endings = {reboot};
  Build build;
  CHECK(build.run(machine).exit_code == 194);
}

TEST_CASE("the notice of a spot instance stops the run, which is then followed to its end") {
  Machine machine;
  const std::string notice =
      R"({"type":"notice","action":"terminate","time":"2026-11-26T05:01:02Z"})";
  machine.endings = {notice, R"({"type":"ended","exitCode":130})"};
  Build build;
  build.options.is_spot = true;
  const RemoteEnd end = build.run(machine);
  CHECK(end.taken_back == "2026-11-26T05:01:02Z");
  CHECK(end.log_directory == "/there/build/logs/TOE_1");
  CHECK(build.recorder.seen == everything);
  CHECK_THAT(build.recorder.notes.at(0), ContainsSubstring("back at 2026-11-26T05:01:02Z"));
  CHECK(machine.transport.count("stop") == 1);
  CHECK(machine.transport.count("--spot") == 1);
  CHECK(machine.transport.count("detach") == 1);
}

TEST_CASE("a machine that is no spot instance is not asked for a notice") {
  Machine machine;
  machine.endings = {R"({"type":"notice","time":"now"})"
                     "\n" +
                     success};
  Build build;
  CHECK(build.run(machine).taken_back.empty());
  CHECK(machine.transport.count("--spot") == 0);
}

TEST_CASE("an agent that was killed is started again, but not for ever") {
  Machine machine;
  machine.stream = line(1, started());
  machine.endings.assign(10, lost);
  Build build;
  const RemoteEnd end = build.run(machine);
  CHECK_FALSE(end.exit_code);
  CHECK(end.message == "it ended without a word");
  CHECK(machine.transport.count("detach") == 4);
}

TEST_CASE("an agent that was killed after its last event is not started again") {
  Machine machine;
  machine.endings = {lost};
  Build build;
  CHECK(build.run(machine).exit_code == 0);
  CHECK(machine.transport.count("detach") == 1);
}

TEST_CASE("a controller that comes later follows the run that is there") {
  Machine machine;
  machine.cuts.assign(1, machine.stream.size() / 2);
  Build build;
  build.options.patience = std::chrono::seconds(-1);
  CHECK_THROWS_AS(build.run(machine), Error);

  machine.cuts.clear();
  machine.endings = {success};
  machine.connections = 0;
  build.seen.clear();
  CHECK(build.run(machine).exit_code == 0);
  CHECK(machine.transport.count("detach") == 1);
  CHECK(build.recorder.seen == everything);
  REQUIRE_FALSE(build.seen.empty());
  CHECK(build.seen.front());
  CHECK_FALSE(build.seen.back());

  // Until that run is forgotten; then the same stage is another one.
  machine.connections = 0;
  CHECK(build.run(machine).exit_code == 0);
  CHECK(machine.transport.count("detach") == 1);
  RemoteAgent(machine.transport, build.clock, "/there", {}).forget(build.stage());
  machine.connections = 0;
  CHECK(build.run(machine, "build.Install").exit_code == 0);
  CHECK(machine.transport.count("detach") == 2);
  CHECK(machine.transport.count("build.Install") == 1);
}

TEST_CASE("who is told to stop stops the run there") {
  Machine machine;
  machine.cuts.assign(10, 0);
  Build build;
  build.clock.on_sleep = [&] { build.stop.request_stop(); };
  CHECK(build.run(machine).interrupted);
  CHECK(machine.transport.count("stop") == 1);
}

TEST_CASE("a line that is no event ends it with an error") {
  Machine machine;
  machine.stream += "noise\n";
  machine.endings = {success};
  Build build;
  CHECK_THROWS_AS(build.run(machine), Error);
}

TEST_CASE("the configuration there has what the stage says") {
  Build build;
  const Value config = parse_json(remote_run_config(build.stage(), "/there/build"));
  const Value& document = config.find("documents")->list().at(0);
  CHECK(document.find("path")->text() == "/there/build-document-1.yaml");
  CHECK(document.find("parameters")->list().at(0).find("value")->text() == "a \"secret\"");
  CHECK(config.find("phases")->text() == "build,validate");
  CHECK(config.find("stateDirectory")->text() == "/there/build/state");
}

TEST_CASE("logs are fetched by names of ours, whatever the machine calls them") {
  Build build;
  FakeTransport transport;
  std::string sent;
  for (const char* name : {"console.log", "../evil", "document-2.yaml", "document-../x.yaml"}) {
    sent += "{\"file\":\"" + std::string(name) + "\",\"size\":5}\n12\n45";
  }
  std::size_t piece = 1;
  transport.on_run = [&](const FakeTransport::Words& words, const OnOutput& on_output) {
    CHECK(words.at(2) == "/there/build/logs/TOE_1");
    for (std::size_t at = 0; at < sent.size(); at += piece) {
      on_output(Stream::out, std::string_view(sent).substr(at, piece));
    }
    return 0;
  };
  RemoteAgent agent(transport, build.clock, "/there", {});
  RemoteEnd end;
  end.log_directory = "/else/where/TOE_1";
  for (piece = 1; piece < 50; piece += 7) agent.fetch_logs(end, build.stage(), {});
  const fs::path logs = build.folder.path() / "logs";
  CHECK(read_file(logs / "TOE_1/console.log") == "12\n45");
  CHECK(read_file(logs / "TOE_1/document-2.yaml") == "12\n45");
  CHECK(std::distance(fs::directory_iterator(logs / "TOE_1"), {}) == 2);
  CHECK_FALSE(fs::exists(logs / "evil"));
  end.log_directory = "/there/..";
  agent.fetch_logs(end, build.stage(), {});
  end.log_directory.clear();
  agent.fetch_logs(end, build.stage(), {});
  CHECK(std::distance(fs::directory_iterator(logs), {}) == 1);

  sent.resize(sent.size() - 1);  // what is cut is tried again, and then said
  end.log_directory = "/there/TOE_1";
  CHECK_THROWS_AS(agent.fetch_logs(end, build.stage(), {}), Error);
}
