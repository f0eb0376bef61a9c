#include "runner/engine/redactor.hpp"

#include <random>

#include "runner/base/base64.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/engine_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

/// What comes out when `text` goes in, in pieces of `size` bytes.
std::string through(const Secrets& secrets, const std::string& text, std::size_t size) {
  RecordingSink sink;
  Redactor redactor(secrets, {&sink});
  for (std::size_t at = 0; at < text.size(); at += size) {
    redactor.on({0, 1, Output{"s", Stream::out, std::string_view(text).substr(at, size), true}});
  }
  redactor.on({1, 1, StepFinished{"s", "success", "", {}, {}, {}, 1, 0}});
  return sink.output;
}

}  // namespace

TEST_CASE("a secret is masked however the output is cut") {
  Secrets secrets;
  REQUIRE(secrets.add("hunter2hunter3"));
  const std::string text = "user x hunter2hunter3, hunter2hunter2hunter3 hunter2hunte\n";
  const std::string expected = "user x ***, hunter2*** hunter2hunte\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    INFO("pieces of " << size);
    REQUIRE(through(secrets, text, size) == expected);
  }
}

TEST_CASE("a note stays behind the output that is held back before it") {
  Secrets secrets;
  REQUIRE(secrets.add("hunter2hunter3"));
  std::string shown;
  struct Order final : EventSink {
    explicit Order(std::string& text) : text_(text) {}
    void on(const Event& event) override {
      if (const auto* piece = std::get_if<Output>(&event.data)) text_ += piece->bytes;
      if (std::holds_alternative<Note>(event.data)) text_ += "[note]";
    }
    std::string& text_;
  } order(shown);
  Redactor redactor(secrets, {&order});
  const Note note{"s", "info", "the program has ended"};
  redactor.on({0, 1, Output{"s", Stream::out, "no end: hunt", true}});
  redactor.on({1, 1, note});
  CHECK(shown == "no end: ");
  redactor.on({0, 1, Output{"s", Stream::out, "er2hunter3, h", true}});
  redactor.on({2, 1, note});
  redactor.on({3, 1, StepFinished{"s", "success", "", {}, {}, {}, 1, 0}});
  CHECK(shown == "no end: ***, h[note][note]");
}

TEST_CASE("the forms in which a secret shows up") {
  Secrets secrets;
  const std::string secret = "p@ss \"word\"/1";
  REQUIRE(secrets.add(secret));
  CHECK(secrets.mask("p%40ss%20%22word%22%2F1") == "***");
  CHECK(secrets.mask("{\"k\": \"p@ss \\\"word\\\"/1\"}") == "{\"k\": \"***\"}");
  // base64 of "p@ss..." with 0, 1 and 2 bytes before it
  for (const char* encoded :
       {"cEBzcyAid29yZCIvMQ==", "eHBAc3MgIndvcmQiLzE=", "eHlwQHNzICJ3b3JkIi8x"}) {
    INFO(encoded);
    CHECK_THAT(secrets.mask(encoded), ContainsSubstring("***"));
    CHECK_THAT(secrets.mask(encoded), !ContainsSubstring("c3MgIndvcmQi"));
  }
}

TEST_CASE("every line of a secret of several lines is one") {
  Secrets secrets;
  secrets.add("-----BEGIN KEY-----\nabcdefghij\nxyz\n");
  CHECK(secrets.mask("x abcdefghij y") == "x *** y");
  CHECK(secrets.mask("xyz") == "xyz");
}

TEST_CASE("what is too short to be told from words is no secret") {
  Secrets secrets;
  CHECK_FALSE(secrets.add("root"));
  CHECK(secrets.empty());
  CHECK(through(secrets, "root", 1) == "root");
}

TEST_CASE("of two secrets that begin alike the longer one is masked, also in pieces") {
  Secrets secrets;
  secrets.add("first-part");
  secrets.add("first-part-and-the-rest");
  const std::string text = "a first-part-and-the-rest b first-part c first-part-and";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    INFO("pieces of " << size);
    REQUIRE(through(secrets, text, size) == "a *** b *** c ***-and");
  }
}

TEST_CASE("the texts in a secret that is JSON are secrets") {
  Secrets secrets;
  secrets.add(
      R"({"user": "administrator", "keys": [{"password": "hunter2hunter3"}], "port": 5432})");
  CHECK(secrets.mask("login administrator with hunter2hunter3 at 5432") ==
        "login *** with *** at 5432");
}

TEST_CASE("a parameter's value is never shown, however short") {
  Secrets secrets;
  RecordingSink sink;
  Redactor redactor(secrets, {&sink});
  redactor.on({1, 1, ParameterRead{"/a", "SecureString", "x"}});
  CHECK(sink.all<ParameterRead>()[0].value == "***");
  CHECK(sink.all<ParameterRead>()[0].name == "/a");
}

namespace {

using Random = std::mt19937;

std::string random_text(Random& random, std::size_t size, std::string_view alphabet) {
  std::string text;
  while (text.size() < size) text += alphabet[random() % alphabet.size()];
  return text;
}

std::string in_lines(const std::string& text, std::size_t width, const std::string& end) {
  std::string result;
  for (std::size_t at = 0; at < text.size(); at += width) result += text.substr(at, width) + end;
  return result;
}

/// How a step may print `secret`, and what of that must not be seen.
struct Shown {
  std::string text;
  std::string core;
};

std::vector<Shown> ways_to_show(const std::string& secret, Random& random) {
  const std::string before = random_text(random, random() % 80, "abc,:{}\n");
  std::vector<Shown> ways{{before + secret + "\n", secret}};
  for (std::size_t skip = 0; skip < 3; ++skip) {
    const std::string whole = base64_encode(before + std::string(skip, 'x') + secret + "yy");
    // Digits that the secret's own bytes decide, seen through the ends of lines.
    const std::size_t bits = (before.size() + skip) * 8;
    const std::size_t begin = (bits + 5) / 6;
    const std::string core = whole.substr(begin, (bits + secret.size() * 8) / 6 - begin);
    ways.push_back({whole, core});
    ways.push_back({in_lines(whole, 76, "\n"), core});
    ways.push_back({in_lines(whole, 64, "\r\n"), core});
  }
  std::string quoted;
  append_json_string(quoted, secret);
  ways.push_back({"{\"key\": " + quoted + "}", quoted.substr(1, quoted.size() - 2)});
  return ways;
}

std::string without_line_ends(const std::string& text) {
  return replace_all(replace_all(text, "\n", ""), "\r", "");
}

}  // namespace

TEST_CASE("no form of any secret gets through, wherever the output is cut") {
  Random random(20240607);
  const std::string printable =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!\"#$%&'()*+,-./"
      ":;<=>?@[]^_{|}~";
  for (int round = 0; round < 40; ++round) {
    Secrets secrets;
    const std::string secret = random_text(random, Secrets::shortest + random() % 70, printable);
    REQUIRE(secrets.add(secret));
    for (const auto& [text, core] : ways_to_show(secret, random)) {
      INFO("secret " << secret << "\nprinted as " << text);
      const std::string whole = secrets.mask(text);
      REQUIRE(without_line_ends(whole).find(core) == std::string::npos);
      REQUIRE_THAT(whole, ContainsSubstring("***"));
      // In pieces of every size, and in two that meet at every place: as if it had come at once.
      for (const std::size_t size : {std::size_t{1}, std::size_t{2}, 1 + random() % 20}) {
        REQUIRE(through(secrets, text, size) == whole);
      }
      for (std::size_t cut = 1; cut < text.size(); cut += 1 + random() % 3) {
        std::string begin = text.substr(0, cut);
        const std::string first = secrets.mask_beginning(begin);
        REQUIRE(first + secrets.mask(begin + text.substr(cut)) == whole);
      }
    }
  }
}

TEST_CASE("inputs, outputs and messages are masked, positions in a run are not") {
  Secrets secrets;
  secrets.add("topsecret");
  RecordingSink sink;
  Redactor redactor(secrets, {&sink});
  StepFinished finished;
  finished.step = "0/build/One";
  finished.message = "no topsecret";
  finished.inputs =
      Value(Value::List{Value::object({{"commands", Value(Value::List{"echo topsecret"})}})});
  finished.outputs = Value(Value::List{Value::object({{"stdout", "topsecret"}})});
  redactor.on({5, 1, finished});
  const auto seen = sink.all<StepFinished>()[0];
  CHECK(seen.message == "no ***");
  CHECK(seen.inputs.list()[0].find("commands")->list()[0].text() == "echo ***");
  CHECK(seen.outputs.list()[0].find("stdout")->text() == "***");
  CHECK(sink.events[0].seq == 5);
}

TEST_CASE("disableLogging hides what a step was given and gave") {
  Secrets secrets;
  RecordingSink sink;
  Redactor redactor(secrets, {&sink});
  StepStarted started;
  started.step = "s";
  started.logging = false;
  redactor.on({1, 1, started});
  StepFinished finished;
  finished.step = "s";
  finished.outputs = Value(Value::List{Value::object({{"stdout", "value"}})});
  redactor.on({2, 1, finished});
  CHECK(sink.all<StepFinished>()[0].outputs.list()[0].find("stdout")->text() == "***");
}

TEST_CASE("names that tell of a secret") {
  for (const char* name : {"Password", "DB_PASSWORD", "api-key", "GithubToken",
                           "AWS_SECRET_ACCESS_KEY", "clientSecret", "FalconCredential"}) {
    INFO(name);
    CHECK(looks_secret(name));
  }
  for (const char* name :
       {"Version", "KeyName", "secretParameterName", "TokenFile", "passage", "commands"}) {
    INFO(name);
    CHECK_FALSE(looks_secret(name));
  }
}
