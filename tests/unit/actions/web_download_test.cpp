#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "actions/builtin_actions.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/umask.hpp"
#include "tests/support/action_harness.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/loopback_server.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::chrono_literals;

namespace {

const std::string text = "0123456789abcdefghij";
const std::string sha256 = digest_of(DigestAlgorithm::sha256, text);

class Downloads : public ActionHarness {
 public:
  explicit Downloads(std::vector<Reply> script = {}) : server(std::move(script)) {
    http = client.get();
    virtual_clock = &clock;
    at = folder.path() / "file";
  }

  /// One item: source is the server unless given.
  Value item(std::initializer_list<std::pair<std::string, Value>> more = {}) {
    Value value = Value::object(
        {{"source", server.url("/a/file.tgz?key=secret")}, {"destination", at.string()}});
    for (const auto& [key, given] : more) value.set(key, given);
    return value;
  }
  Outcome run(std::initializer_list<std::pair<std::string, Value>> more = {}) {
    return ActionHarness::run(web_download(), Value(Value::List{item(more)}));
  }
  std::string failure(std::initializer_list<std::pair<std::string, Value>> more = {}) {
    return std::get<Failed>(run(more)).message;
  }
  /// Names of whatever is in the folder, hidden files included.
  std::vector<std::string> left() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
      names.push_back(entry.path().lexically_relative(folder.path()).string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  LoopbackServer server;
  std::unique_ptr<HttpClient> client = make_curl_http_client();
  VirtualClock clock;
  fs::path at;
};

void write(const fs::path& path, const std::string& content) {
  std::ofstream(path) << content;
}

unsigned mode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

bool succeeded(const Outcome& outcome) {
  if (const auto* failed = std::get_if<Failed>(&outcome)) UNSCOPED_INFO(failed->message);
  return std::holds_alternative<Succeeded>(outcome);
}

Diagnostics checked(const Value& item) {
  Diagnostics diagnostics(nullptr);
  web_download().info.check(
      item, [](const Value& value) { return value.text().find("{{") != std::string::npos; },
      diagnostics);
  return diagnostics;
}

const std::string etag = "ETag: \"v1\"\r\n";
std::string range(const std::string& range) {
  return etag + "Content-Range: bytes " + range + "\r\n";
}

}  // namespace

TEST_CASE("WebDownload: the file, its path as output, and nothing else") {
  Downloads downloads({reply(200, text)});
  const Outcome outcome = downloads.run({{"checksum", sha256}, {"algorithm", "sha256"}});
  REQUIRE(succeeded(outcome));
  CHECK(std::get<Succeeded>(outcome).outputs.at(0).find("destination")->text() ==
        downloads.at.string());
  CHECK(read_file(downloads.at) == text);
  CHECK(mode_of(downloads.at) == (0666 & ~caller_umask()));
  CHECK(downloads.left() == std::vector<std::string>{"file"});
  CHECK(downloads.clock.sleeps.empty());
  CHECK(downloads.notes.at(0).find("secret") == std::string::npos);
}

TEST_CASE("WebDownload: every algorithm, whatever the case of the checksum") {
  const auto [name, algorithm] = GENERATE(
      std::pair("md5", DigestAlgorithm::md5), std::pair("SHA1", DigestAlgorithm::sha1),
      std::pair("SHA256", DigestAlgorithm::sha256), std::pair("Sha512", DigestAlgorithm::sha512));
  std::string checksum = digest_of(algorithm, text);
  for (char& c : checksum) c = static_cast<char>(std::toupper(c));
  Downloads downloads({reply(200, text), reply(200, text + "!")});
  CHECK(succeeded(downloads.run({{"checksum", checksum}, {"algorithm", name}})));
  fs::remove(downloads.at);
  CHECK_THAT(downloads.failure({{"checksum", checksum}, {"algorithm", name}}),
             ContainsSubstring("checksum is not the expected " + checksum));
}

TEST_CASE("WebDownload: a wrong checksum leaves the old file and no new one") {
  Downloads downloads({reply(200, "something else")});
  write(downloads.at, "old");
  const std::string message = downloads.failure({{"checksum", sha256}, {"algorithm", "SHA256"}});
  CHECK_THAT(message, ContainsSubstring(sha256));
  CHECK_THAT(message, ContainsSubstring(digest_of(DigestAlgorithm::sha256, "something else")));
  CHECK(read_file(downloads.at) == "old");
  CHECK(downloads.left() == std::vector<std::string>{"file"});
  CHECK(downloads.server.requests().size() == 1);
}

TEST_CASE("WebDownload: a checksum without algorithm is not looked at") {
  Downloads downloads({reply(200, text)});
  CHECK(succeeded(downloads.run({{"checksum", "00"}})));
}

TEST_CASE("WebDownload: a file with the checksum is not downloaded again") {
  Downloads downloads({reply(200, text)});
  write(downloads.at, text);
  CHECK(succeeded(downloads.run({{"checksum", sha256}, {"algorithm", "SHA256"}})));
  CHECK(downloads.server.requests().empty());
  write(downloads.at, "changed");
  CHECK(succeeded(downloads.run({{"checksum", sha256}, {"algorithm", "SHA256"}})));
  CHECK(read_file(downloads.at) == text);
}

TEST_CASE("WebDownload: overwrite") {
  Downloads downloads({reply(200, text)});
  write(downloads.at, "old");
  fs::permissions(downloads.at, fs::perms(0640));
  CHECK_THAT(downloads.failure({{"overwrite", false}}),
             ContainsSubstring("exists and overwrite is false"));
  CHECK(downloads.server.requests().empty());
  CHECK(succeeded(downloads.run()));
  CHECK(read_file(downloads.at) == text);
  CHECK(mode_of(downloads.at) == 0640);
}

TEST_CASE("WebDownload: a link stays, its target changes") {
  Downloads downloads({reply(200, text)});
  write(downloads.folder.path() / "real", "old");
  fs::create_symlink("real", downloads.at);
  CHECK(succeeded(downloads.run()));
  CHECK(fs::is_symlink(downloads.at));
  CHECK(read_file(downloads.folder.path() / "real") == text);
}

TEST_CASE("WebDownload: what may pass is tried five times, each wait longer than the last") {
  const int status = GENERATE(408, 429, 500, 503);
  Downloads downloads(std::vector<Reply>(5, reply(status, "no")));
  const std::string message = downloads.failure();
  CHECK(message == downloads.server.url("/a/file.tgz") + ": the server answered with status " +
                       std::to_string(status) + ", in attempt 5");
  CHECK(downloads.server.requests().size() == 5);
  REQUIRE(downloads.clock.sleeps.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(downloads.clock.sleeps[i] >= 500ms * (1 << i));
    CHECK(downloads.clock.sleeps[i] < 1000ms * (1 << i));
  }
  CHECK(downloads.left().empty());
}

TEST_CASE("WebDownload: what cannot pass is not tried again") {
  const int status = GENERATE(201, 204, 206, 304, 401, 403, 404, 410);
  Downloads downloads({reply(status, status == 204 || status == 304 ? "" : "no")});
  CHECK_THAT(downloads.failure(), ContainsSubstring("status " + std::to_string(status)));
  CHECK(downloads.server.requests().size() == 1);
  CHECK(downloads.clock.sleeps.empty());
  CHECK(downloads.left().empty());
}

TEST_CASE("WebDownload: it goes on after trouble") {
  Downloads downloads({{"", Reply::Then::reset}, reply(503, "no"), reply(200, text)});
  CHECK(succeeded(downloads.run()));
  CHECK(read_file(downloads.at) == text);
  CHECK(downloads.clock.sleeps.size() == 2);
}

TEST_CASE("WebDownload: the server says when to come back, within reason") {
  Downloads downloads({reply(503, "", "Retry-After: 17\r\n"),
                       reply(429, "", "Retry-After: 86400\r\n"), reply(200, text)});
  CHECK(succeeded(downloads.run()));
  CHECK(downloads.clock.sleeps.at(0) == 17s);
  CHECK(downloads.clock.sleeps.at(1) == 60s);
}

TEST_CASE("WebDownload: a cut download goes on where it was cut") {
  const auto then = GENERATE(Reply::Then::close, Reply::Then::reset);
  Downloads downloads({cut_reply(200, text, 5, etag, then),
                       cut_reply(206, text.substr(5), 4, range("5-19/20")),
                       reply(206, text.substr(9), range("9-19/20"))});
  CHECK(succeeded(downloads.run({{"checksum", sha256}, {"algorithm", "SHA256"}})));
  CHECK(read_file(downloads.at) == text);
  CHECK(downloads.server.header(0, "range").empty());
  CHECK(downloads.server.header(1, "range") == "bytes=5-");
  CHECK(downloads.server.header(1, "if-range") == "\"v1\"");
  CHECK(downloads.server.header(2, "range") == "bytes=9-");
}

TEST_CASE("WebDownload: a cut download begins anew when the server wants that") {
  Downloads downloads;
  const std::string checksum = digest_of(DigestAlgorithm::sha256, "the new one");
  downloads.server.add(cut_reply(200, text, 5, etag));
  SECTION("the file has changed") {
    downloads.server.add(reply(200, "the new one"));
  }
  SECTION("the range is another one") {
    downloads.server.add(reply(206, text.substr(4), range("4-19/20")));
    downloads.server.add(reply(200, "the new one"));
  }
  SECTION("there is no such range any more") {
    downloads.server.add(reply(416, "no"));
    downloads.server.add(reply(200, "the new one"));
  }
  SECTION("it fails in between") {
    downloads.server.add(reply(500, "an error page that is no part of the file"));
    downloads.server.add(reply(200, "the new one"));
  }
  CHECK(succeeded(downloads.run({{"checksum", checksum}, {"algorithm", "SHA256"}})));
  CHECK(read_file(downloads.at) == "the new one");
}

TEST_CASE("WebDownload: without a strong validator there is no going on") {
  Downloads downloads({cut_reply(200, text, 5, "ETag: W/\"v1\"\r\n"), reply(200, text)});
  CHECK(succeeded(downloads.run()));
  CHECK(downloads.server.header(1, "range").empty());
  CHECK(read_file(downloads.at) == text);
}

TEST_CASE("WebDownload: a range that ends too early is gone on with") {
  Downloads downloads({cut_reply(200, text, 5, "Last-Modified: Mon, 02 Mar 2026 10:00:00 GMT\r\n"),
                       reply(206, text.substr(5, 5), range("5-9/20")),
                       reply(206, text.substr(10), range("10-19/20"))});
  CHECK(succeeded(downloads.run()));
  CHECK(read_file(downloads.at) == text);
  CHECK(downloads.server.header(1, "if-range") == "Mon, 02 Mar 2026 10:00:00 GMT");
}

TEST_CASE("WebDownload: five cuts leave nothing behind, not even folders") {
  Downloads downloads(std::vector<Reply>(5, cut_reply(200, text, 5)));
  CHECK_THAT(downloads.failure({{"destination", (downloads.folder.path() / "a/b/c").string()}}),
             ContainsSubstring("attempt 5"));
  CHECK(downloads.left().empty());
}

TEST_CASE("WebDownload: into a folder, made if missing, under the name in the URL") {
  Downloads downloads({reply(200, text), reply(200, text)});
  const std::string into = (downloads.folder.path() / "a/b").string() + GENERATE("/", "\\");
  CHECK(succeeded(downloads.run(
      {{"destination", into}, {"source", downloads.server.url("/x/my%20file%2b.tgz?v=1/2#/3")}})));
  CHECK(downloads.left() == std::vector<std::string>{"a", "a/b", "a/b/my file+.tgz"});
  CHECK(mode_of(downloads.folder.path() / "a") == (0777 & ~caller_umask()));
}

TEST_CASE("WebDownload: names that are none are refused") {
  Downloads downloads;
  const auto path = GENERATE("/", "", "/a/", "/a/..", "/a/%2e%2e", "/a/%2E", "/a/%2Fetc%2Fpasswd",
                             "/a/x%00y", "/a/x%0ay", "?file", "/a/?f=/name");
  CHECK_THROWS_WITH(downloads.run({{"destination", downloads.folder.path().string() + "/"},
                                   {"source", downloads.server.url(path)}}),
                    ContainsSubstring("does not end in a file name"));
  CHECK(downloads.server.requests().empty());
}

TEST_CASE("WebDownload: a folder, a device or a loose link is no destination") {
  Downloads downloads;
  const std::string folder = downloads.folder.path().string();
  CHECK_THROWS_WITH(downloads.run({{"destination", folder}}), ContainsSubstring("is a folder"));
  CHECK_THROWS_WITH(downloads.run({{"destination", "/dev/null"}}), ContainsSubstring("device"));
  fs::create_symlink("nowhere", downloads.at);
  CHECK_THROWS_WITH(downloads.run(), ContainsSubstring("link to nothing"));
  CHECK(downloads.server.requests().empty());
}

TEST_CASE("WebDownload: a place that cannot be written fails with its name") {
  Downloads downloads({reply(200, text)});
  write(downloads.at, "a file");
  CHECK_THROWS_WITH(downloads.run({{"destination", downloads.at.string() + "/below"}}),
                    ContainsSubstring(downloads.at.string()));
  CHECK(read_file(downloads.at) == "a file");
}

TEST_CASE("WebDownload: items are done in order, and those done stay") {
  Downloads downloads({reply(200, "1"), reply(404, ""), reply(200, "3")});
  const std::string folder = downloads.folder.path().string();
  const Value items(Value::List{downloads.item({{"destination", folder + "/1"}}),
                                downloads.item({{"destination", folder + "/2"}}),
                                downloads.item({{"destination", folder + "/3"}})});
  const Outcome outcome = static_cast<ActionHarness&>(downloads).run(web_download(), items);
  CHECK_THAT(std::get<Failed>(outcome).message, ContainsSubstring("status 404"));
  CHECK(std::get<Failed>(outcome).outputs.size() == 1);
  CHECK(downloads.left() == std::vector<std::string>{"1"});
}

TEST_CASE("WebDownload: a stop and the deadline end it, waiting or not") {
  Downloads downloads({reply(503, "no"), reply(200, text)});
  SECTION("stopped while waiting") {
    downloads.clock.on_sleep = [&] { downloads.stop.request_stop(); };
    const Outcome outcome = downloads.run();
    CHECK(std::get<Failed>(outcome).cancelled);
    CHECK_FALSE(std::get<Failed>(outcome).timed_out);
  }
  SECTION("the time is over while waiting") {
    downloads.deadline = Deadline(downloads.clock.monotonic() + 400ms);
    const Outcome outcome = downloads.run();
    CHECK(std::get<Failed>(outcome).timed_out);
    REQUIRE(downloads.clock.sleeps.size() == 1);
    CHECK(downloads.clock.sleeps.at(0) == 400ms);
  }
  CHECK(downloads.server.requests().size() == 1);
  CHECK(downloads.left().empty());
}

TEST_CASE("WebDownload: a stop ends a download that hangs, and nothing stays") {
  Downloads downloads({cut_reply(200, text, 5, etag, Reply::Then::hold)});
  std::thread stopper([&] {
    while (downloads.left().empty()) std::this_thread::yield();
    downloads.stop.request_stop();
  });
  const Outcome outcome = downloads.run();
  stopper.join();
  CHECK(std::get<Failed>(outcome).cancelled);
  CHECK(downloads.left().empty());
}

TEST_CASE("WebDownload: what is wrong before it runs") {
  const auto item = [](const char* source, const char* destination) {
    return Value::object({{"source", source}, {"destination", destination}});
  };
  CHECK(checked(item("https://host/a", "/tmp/")).items().empty());
  CHECK(checked(item("HTTP://host/a", "/tmp/a")).items().empty());
  CHECK(checked(item("{{ Url }}", "/tmp/")).items().empty());
  CHECK(checked(item("https://host/", "{{ Place }}")).items().empty());
  CHECK_THAT(checked(item("s3://b/k", "/tmp/")).items().at(0).hint,
             ContainsSubstring("S3Download"));
  CHECK(checked(item("ftp://host/a?key=1", "/tmp/")).items().at(0).message ==
        "'source' is no http or https URL: ftp://host/a");
  CHECK(checked(item("https://host/", "/tmp/")).has_errors());

  Value sum = item("https://host/a", "/tmp/a");
  sum.set("checksum", sha256);
  CHECK_FALSE(checked(sum).has_errors());
  CHECK(checked(sum).items().size() == 1);  // a warning: no algorithm
  sum.set("algorithm", "sha256");
  CHECK(checked(sum).items().empty());
  sum.set("algorithm", "MD5");
  CHECK_THAT(checked(sum).items().at(0).message, ContainsSubstring("32 hex digits, not 64"));
  sum.set("checksum", "{{ Sum }}");
  CHECK(checked(sum).items().empty());
  sum.set("checksum", std::string(32, 'x'));
  CHECK(checked(sum).has_errors());
}
