#include "runner/engine/redactor.hpp"

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
