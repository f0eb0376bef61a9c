#include "runner/controller/state_copy.hpp"

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "tests/support/aws_client.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using toehold::test::ClientHarness;

namespace {

struct CopyHarness {
  ClientHarness aws;
  TempDirectory folder{fs::temp_directory_path(), "copy-"};
  StateHolder self = [] {
    StateHolder holder;
    holder.id = "ours";
    holder.user = "ci";
    holder.host = "runner-7";
    return holder;
  }();
  StateCopy copy{aws.session, state_address("s3://bucket/builds/web-1"), folder.path(), self};
  std::string lost;

  CopyHarness() {
    copy.let_go = [this](const std::string& message) { lost = message; };
    write_file_atomically(folder.path() / "build.json", "{}");
  }
  std::string others_state() {
    StateHolder other = self;
    other.id = "other";
    other.host = "runner-8";
    return to_text({other, {}, {{"build.json", "{}"}}});
  }
};

constexpr const char* precondition = "<Error><Code>PreconditionFailed</Code></Error>";

}  // namespace

TEST_CASE("a copy is made where there is none, and each save is over the one before") {
  CopyHarness harness;
  harness.aws.http.add(200, "", {{"etag", "\"e1\""}});
  harness.copy.begin();
  harness.aws.http.add(200, "", {{"etag", "\"e2\""}});
  harness.copy.save(false, {});
  harness.aws.http.add(200, "", {{"etag", "\"e3\""}});
  harness.copy.release();
  const auto& requests = harness.aws.http.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].url.ends_with("/builds/web-1/controller/state.json"));
  CHECK(harness.aws.http.header(0, "If-None-Match") == "*");
  CHECK(harness.aws.http.header(1, "If-Match") == "\"e1\"");
  CHECK(harness.aws.http.header(2, "If-Match") == "\"e2\"");
  CHECK_FALSE(read_state_file(requests[1].body).holder.released);
  CHECK(read_state_file(requests[2].body).holder.released);
  CHECK(harness.lost.empty());
}

TEST_CASE("who finds another's state lets go, and acts on nothing more") {
  CopyHarness harness;
  harness.aws.http.add(200, "", {{"etag", "\"e1\""}});
  harness.copy.begin();
  SECTION("as it saves") {
    harness.aws.http.add(412, precondition);
    harness.aws.http.add(200, harness.others_state(), {{"etag", "\"e2\""}});
    harness.aws.http.add(200, harness.others_state(), {{"etag", "\"e2\""}});
    CHECK_THROWS_AS(harness.copy.save(false, {}), Error);
  }
  SECTION("as it gives a sign of life") {
    harness.aws.http.add(200, "", {{"etag", "\"e2\""}});
    harness.aws.http.add(200, harness.others_state(), {{"etag", "\"e2\""}});
    harness.copy.beat({});
  }
  CHECK(harness.lost.find("taken over by ci@runner-8") != std::string::npos);
  // One of several builds of a process goes on from here, to its own end.
  const std::size_t asked = harness.aws.http.requests().size();
  harness.lost.clear();
  CHECK(harness.copy.is_lost());
  harness.copy.beat({});
  CHECK_THROWS_AS(harness.copy.save(true, {}), Error);
  CHECK_THROWS_AS(harness.copy.must_hold(), Error);
  CHECK(harness.aws.http.requests().size() == asked);
  CHECK(harness.lost.empty());
}

TEST_CASE("a write of ours whose answer was cut off is no other's") {
  CopyHarness harness;
  harness.aws.http.add(200, "", {{"etag", "\"e1\""}});
  harness.copy.begin();
  const std::string ours = to_text({harness.self, {}, {{"build.json", "{\"older\": true}"}}});
  SECTION("as it saves") {
    harness.aws.http.add(412, precondition);
    harness.aws.http.add(200, ours, {{"etag", "\"e2\""}});  // is it what we have just written?
    harness.aws.http.add(200, ours, {{"etag", "\"e2\""}});  // whose is it?
    harness.aws.http.add(200, "", {{"etag", "\"e3\""}});
    harness.copy.save(false, {});
    CHECK(harness.aws.http.header(4, "If-Match") == "\"e2\"");
  }
  SECTION("as it gives a sign of life") {
    harness.aws.http.add(200, "", {{"etag", "\"e2\""}});
    harness.aws.http.add(200, ours, {{"etag", "\"e2\""}});
    harness.aws.http.add(200, "");
    harness.copy.must_hold();
  }
  CHECK_FALSE(harness.copy.is_lost());
  CHECK(harness.lost.empty());
}

TEST_CASE("a holder is as silent as the newer of its state and its sign of life") {
  CopyHarness harness;
  const HttpHeaders state{{"etag", "\"e1\""},
                          {"last-modified", "Wed, 25 Nov 2026 12:00:00 GMT"},
                          {"date", "Wed, 25 Nov 2026 12:10:00 GMT"}};
  harness.aws.http.add(200, harness.others_state(), state);
  harness.aws.http.add(200, "", {{"last-modified", "Wed, 25 Nov 2026 12:09:30 GMT"}});
  const auto found = harness.copy.find();
  REQUIRE(found);
  CHECK(found->silent == std::chrono::seconds(30));
  harness.aws.http.add(200, "", {{"etag", "\"e2\""}});
  harness.copy.take(*found);
  CHECK(harness.aws.http.header(2, "If-Match") == "\"e1\"");
  CHECK(read_state_file(harness.aws.http.requests()[2].body).holder.id == "ours");
  harness.aws.http.add(412, precondition);
  harness.aws.http.add(200, harness.others_state(), {{"etag", "\"e9\""}});
  CHECK_THROWS_AS(harness.copy.take(*found), Error);
}

TEST_CASE("the address of a build is what a person types") {
  CHECK(copy_address({"bucket", "builds", {}}, "web-1") == "s3://bucket/builds/web-1");
  CHECK(copy_address({"bucket", "", {}}, "web-1") == "s3://bucket/web-1");
  CHECK(state_address("s3://bucket/builds/web-1/").key == "builds/web-1/controller/");
  CHECK_THROWS_AS(state_address("s3://bucket"), Error);
  CHECK_THROWS_AS(state_address("web-1"), Error);
}
