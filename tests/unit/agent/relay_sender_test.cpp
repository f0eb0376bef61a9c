#include "runner/agent/relay_sender.hpp"

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/log_service.hpp"
#include "tests/support/scripted_http.hpp"
#include "tests/support/virtual_clock.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::chrono_literals;

namespace {

struct Relay {
  Relay() {
    folder.directory = files.path();
    folder.post = files.path() / "post.json";
    folder.spool = files.path() / "spool";
    folder.taken = files.path() / "taken";
    request.url = "https://b.s3.eu-west-1.amazonaws.com/";
    request.fields = {{"policy", "P"}};
    request.key_prefix = "p/5a/";
    request.valid_seconds = 3600;
  }
  RelaySender& sender() {
    if (!made) {
      made.emplace(
          request, folder, http, logs_setup.session, clock,
          [this](const RelayAnswer& a) { answers.push_back(a); }, stop.get_token());
    }
    return *made;
  }
  void print(std::string_view bytes) { sender().take(Stream::out, bytes); }
  void wait(std::chrono::milliseconds time) {
    clock.sleep_for(time, {});
    print({});
  }
  void finish(int code = 0) {
    ProcessResult result;
    result.exit_code = code;
    sender().finish(result);
  }
  /// What a controller makes of chunk after chunk.
  std::string read(const std::vector<std::string>& chunks) {
    std::string out;
    ChunkReader reader([&](Frame kind, std::string_view payload) {
      out += kind == Frame::outcome ? "|" + std::string(payload) : std::string(payload);
    });
    for (const std::string& chunk : chunks) reader.take(chunk);
    return out;
  }
  std::string posted(std::size_t number) const {
    const std::string& body = http.requests().at(number).body;
    const std::size_t begin = body.find("toehold-chunk");
    return body.substr(begin, body.rfind("\r\n--") - begin);
  }

  /// No way to S3, and a group that is there.
  void has_logs() {
    request.log_group = "/g";
    request.log_stream = "toehold/b/build/5a";
    request.region = "eu-west-1";
    logs.groups["/g"];
    http.add_drop("no route");
    http.add_drop("no route");
  }
  std::string logged() {
    std::string out;
    ChunkReader reader([&](Frame kind, std::string_view payload) {
      out += kind == Frame::outcome ? "|" + std::string(payload) : std::string(payload);
    });
    for (const std::string& text : logs.messages()) CHECK(reader.take_log_event(text));
    return out;
  }
  std::size_t calls(const std::string& operation) const {
    return static_cast<std::size_t>(std::count(logs.calls.begin(), logs.calls.end(), operation));
  }
  /// The reader of the spool: what it has taken is given back.
  std::string read_spool() {
    std::error_code none;
    if (!fs::exists(folder.spool, none)) return {};
    write_file_atomically(folder.taken, std::to_string(fs::file_size(folder.spool)));
    return read_file(folder.spool);
  }

  TempDirectory files{fs::temp_directory_path(), "relay-"};
  RelayFolder folder{"5a"};
  RelayRequest request;
  ScriptedHttp http;
  LogService logs;
  LogServiceSession logs_setup{logs};
  VirtualClock& clock = logs_setup.clock;
  std::stop_source stop;
  std::vector<RelayAnswer> answers;
  std::optional<RelaySender> made;
};

}  // namespace

TEST_CASE("little output that is soon over is in the answer itself") {
  Relay relay;
  relay.print("a");
  relay.wait(1400ms);
  relay.finish(3);
  REQUIRE(relay.answers.size() == 1);
  CHECK(relay.answers[0].kind == "inline");
  CHECK(relay.read(relay.answers[0].parts).starts_with("a|{\"exitCode\":3"));
  CHECK(relay.http.requests().empty());
}

TEST_CASE("chunks are posted one after another, the last with the end") {
  Relay relay;
  for (int i = 0; i < 4; ++i) relay.http.add(204);
  relay.print("a");
  relay.wait(1500ms);
  CHECK(relay.answers.at(0).kind == "s3");
  relay.print("b");
  relay.wait(900ms);
  CHECK(relay.http.requests().size() == 1);
  relay.wait(100ms);
  relay.wait(14s);
  CHECK(relay.http.requests().size() == 2);
  relay.wait(1s);  // a sign of life
  relay.finish();
  REQUIRE(relay.http.requests().size() == 4);
  CHECK(relay.read({relay.posted(0), relay.posted(1), relay.posted(2), relay.posted(3)})
            .starts_with("ab|{\"exitCode\":0"));
  CHECK_THAT(relay.http.requests()[3].body,
             ContainsSubstring("name=\"policy\"\r\n\r\nP\r\n") &&
                 ContainsSubstring("name=\"key\"\r\n\r\np/5a/00000003\r\n"));
  CHECK(relay.answers.size() == 1);
}

TEST_CASE("output that is much is sent in bounded chunks") {
  Relay relay;
  for (int i = 0; i < 40; ++i) relay.http.add(204);
  const std::string big(5 << 20, 'x');
  relay.print(big);
  relay.finish();
  std::vector<std::string> chunks;
  for (std::size_t i = 0; i < relay.http.requests().size(); ++i) {
    chunks.push_back(relay.posted(i));
    CHECK(chunks.back().size() < 1 << 20);
  }
  CHECK(relay.read(chunks).starts_with(big + "|"));
}

TEST_CASE("without a way to S3 it is spooled, and waits for its reader") {
  Relay relay;
  relay.http.add_drop("no route");
  relay.http.add_drop("no route");
  relay.print("a");
  relay.wait(1500ms);
  CHECK(relay.answers.at(0).kind == "spool");
  CHECK(relay.answers.at(0).parts.at(0) == "no route");
  std::string spooled;
  relay.clock.on_sleep = [&] {  // the reader; what it has taken is given back
    spooled = read_file(relay.folder.spool);
    write_file_atomically(relay.folder.taken, std::to_string(fs::file_size(relay.folder.spool)));
  };
  relay.print("b");
  relay.finish();
  CHECK(relay.read({spooled}).starts_with("ab|"));
}

TEST_CASE("a spool that nobody reads ends the program") {
  Relay relay;
  relay.request.url.clear();
  CHECK_THROWS_AS(relay.print(std::string(8 << 20, 'x')), Error);
  CHECK(fs::file_size(relay.folder.spool) <= 4u << 20);
  CHECK(relay.answers.at(0).kind == "spool");
}

TEST_CASE("a policy that is over ends the program, one that is renewed does not") {
  Relay relay;
  write_file_atomically(relay.folder.post, "{}");
  relay.http.add(204);
  relay.print({});
  relay.wait(1500ms);
  RelayRequest renewed = relay.request;
  renewed.work = "renew";
  renewed.mark = renewed.id = "5a";
  renewed.fields = {{"policy", "NEW"}};
  write_file_atomically(relay.folder.post, encode_relay_request(renewed));
  fs::last_write_time(relay.folder.post, fs::file_time_type::clock::now() + 10s);
  relay.http.add(204);
  relay.wait(3599s);
  CHECK_THAT(relay.http.requests().back().body, ContainsSubstring("NEW"));
  relay.http.add(204);
  relay.wait(3000s);
  relay.http.add(403);
  relay.print("x");
  CHECK_THROWS_WITH(relay.wait(1000s), ContainsSubstring("not taken any more: status 403"));
}

TEST_CASE("without a way to S3 it goes to the log group that is named, each chunk one event") {
  Relay relay;
  relay.has_logs();
  std::string big;
  for (int i = 0; big.size() < 3 << 20; ++i) big += std::to_string(i) + '\0';
  relay.print(big);
  relay.finish(4);
  REQUIRE(relay.answers.size() == 1);
  CHECK(relay.answers[0].kind == "logs");
  CHECK(relay.answers[0].parts == std::vector<std::string>{"no route"});
  CHECK(relay.logged().starts_with(big + "|{\"exitCode\":4"));
  CHECK(relay.logs.broken_rules == std::vector<std::string>{});
  CHECK(relay.logs.groups["/g"] == std::set<std::string>{"toehold/b/build/5a"});
  CHECK(relay.calls("CreateLogStream") == 1);
  for (std::size_t i = 1; i < relay.logs.events.size(); ++i) {
    REQUIRE(relay.logs.events[i].time > relay.logs.events[i - 1].time);
  }
}

TEST_CASE("the log group is left alone while S3 is reached, and where none is named") {
  Relay relay;
  relay.has_logs();
  relay.request.log_group.clear();
  relay.print({});
  relay.wait(1500ms);
  CHECK(relay.answers.at(0).kind == "spool");
  Relay other;
  other.request.log_group = "/g";
  other.http.add(204);
  other.print({});
  other.wait(1500ms);
  CHECK(other.answers.at(0).kind == "s3");
  CHECK(relay.logs.calls.empty());
  CHECK(other.logs.calls.empty());
}

TEST_CASE("a log group that takes nothing is why it is spooled, and is not made") {
  Relay relay;
  relay.has_logs();
  relay.logs.groups.clear();
  relay.print({});
  relay.wait(1500ms);
  CHECK(relay.answers.at(0).kind == "spool");
  CHECK_THAT(relay.answers.at(0).parts.at(0),
             ContainsSubstring("no route; nor CloudWatch Logs: ") &&
                 ContainsSubstring("ResourceNotFoundException"));
  CHECK(relay.calls("CreateLogGroup") == 0);
}

TEST_CASE("a log event whose answer is lost is there twice, and read once") {
  Relay relay;
  relay.has_logs();
  relay.logs.script("PutLogEvents", {{200, "{}", "connection reset", false, true}});
  relay.print("a");
  relay.wait(1500ms);
  relay.print("b");
  relay.finish();
  CHECK(relay.answers.at(0).kind == "logs");
  CHECK(relay.logs.events.size() == 3);
  CHECK(relay.logged().starts_with("ab|"));
}

TEST_CASE("when the log group takes no more the rest is spooled, the stream not made again") {
  Relay relay;
  relay.has_logs();
  relay.print("a");
  relay.wait(1500ms);
  relay.print("b");
  relay.wait(1s);
  relay.logs.groups["/g"].clear();
  const Monotonic begun = relay.clock.monotonic();
  std::string spooled;
  relay.clock.on_sleep = [&] { spooled = relay.read_spool(); };
  relay.print("c");
  relay.finish();
  CHECK(relay.clock.monotonic() - begun > 30s);
  CHECK(relay.calls("CreateLogStream") == 1);
  std::string out;
  ChunkReader both([&](Frame kind, std::string_view payload) {
    out += kind == Frame::outcome ? "|" : std::string(payload);
  });
  for (const std::string& text : relay.logs.messages()) CHECK(both.take_log_event(text));
  both.take(spooled);
  CHECK(out == "abc|");
}

TEST_CASE("a reader of log events that does not come back ends the program, too") {
  Relay relay;
  relay.has_logs();
  relay.print({});
  relay.wait(1500ms);
  relay.logs.always(LogService::error("AccessDeniedException"));
  relay.print("x");
  CHECK_THROWS_WITH(relay.wait(3700s), ContainsSubstring("not taken any more: "));
}
