#include "runner/aws/log_streams.hpp"

#include "runner/base/json.hpp"
#include "tests/support/aws_session.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::aws;
using namespace toehold::test;

namespace {

const LogTarget target{"eu-central-1", "/g", "toehold/b/"};

/// "DeleteLogStream name" of a request.
std::string line(const SessionHarness& setup, std::size_t number) {
  const std::string operation = setup.http.header(number, "x-amz-target").substr(14);
  const Value body = parse_json(setup.http.requests().at(number).body);
  const Value* name = body.find("logStreamName");
  const Value* token = body.find("nextToken");
  return operation + (name ? " " + name->text() : "") + (token ? " from " + token->text() : "");
}

}  // namespace

TEST_CASE("events are read from the beginning on, then from where the page ended") {
  SessionHarness setup;
  setup.http.add(200, R"({"events": [{"message": "a", "timestamp": 1}, {"message": "b"}],
                          "nextForwardToken": "f/2"})");
  setup.http.add(200, R"({"events": [], "nextForwardToken": "f/2"})");
  setup.http.add(400, R"({"__type": "ResourceNotFoundException"})");
  setup.http.add(400, R"({"__type": "AccessDeniedException", "message": "no"})");
  const auto page = get_log_events(setup.client(), target, {}, setup.control());
  REQUIRE(page);
  CHECK(page->messages == std::vector<std::string>{"a", "b"});
  CHECK(page->next == "f/2");
  CHECK(get_log_events(setup.client(), target, "f/2", setup.control())->messages.empty());
  CHECK_FALSE(get_log_events(setup.client(), target, "f/2", setup.control()));
  CHECK_THROWS_WITH(get_log_events(setup.client(), target, "f/2", setup.control()),
                    ContainsSubstring("logs:GetLogEvents"));
  CHECK(line(setup, 0) == "GetLogEvents toehold/b/");
  CHECK(line(setup, 1) == "GetLogEvents toehold/b/ from f/2");
  CHECK(setup.http.requests()[0].url == "https://logs.eu-central-1.amazonaws.com/");
  CHECK_THAT(setup.http.requests()[0].body, ContainsSubstring("\"startFromHead\":true"));
}

TEST_CASE("all streams below a prefix are deleted, on all pages, gone ones too") {
  SessionHarness setup;
  setup.http.add(200, R"({"logStreams": [{"logStreamName": "toehold/b/1"},
                                         {"logStreamName": "toehold/b/2"}], "nextToken": "n"})");
  setup.http.add(200, R"({"logStreams": [{"logStreamName": "toehold/b/3"}]})");
  setup.http.add(200);
  setup.http.add(400, R"({"__type": "ResourceNotFoundException"})");
  setup.http.add(200);
  delete_log_streams(setup.client(), target, setup.control());
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < setup.http.requests().size(); ++i) lines.push_back(line(setup, i));
  CHECK(lines == std::vector<std::string>{"DescribeLogStreams", "DescribeLogStreams from n",
                                          "DeleteLogStream toehold/b/1",
                                          "DeleteLogStream toehold/b/2",
                                          "DeleteLogStream toehold/b/3"});
  CHECK_THAT(setup.http.requests()[0].body,
             ContainsSubstring("\"logStreamNamePrefix\":\"toehold/b/\""));
  setup.http.add(400, R"({"__type": "ResourceNotFoundException"})");  // the group
  delete_log_streams(setup.client(), target, setup.control());
}
