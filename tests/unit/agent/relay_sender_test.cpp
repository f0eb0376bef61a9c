#include "runner/agent/relay_sender.hpp"

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"
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
          request, folder, http, clock, [this](const RelayAnswer& a) { answers.push_back(a); },
          stop.get_token());
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

  TempDirectory files{fs::temp_directory_path(), "relay-"};
  RelayFolder folder{"5a"};
  RelayRequest request;
  ScriptedHttp http;
  VirtualClock clock;
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
