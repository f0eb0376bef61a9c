#include "runner/controller/ec2_sweep.hpp"

#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

constexpr UnixMillis noon = 1795694400000;  // 2026-11-26T12:00:00Z

std::string ids(const std::vector<SweptThing>& things) {
  std::string text;
  for (const SweptThing& thing : things) text += thing.id + " ";
  return text;
}

}  // namespace

TEST_CASE("a build whose lease is over is swept, instances first and keys last") {
  REQUIRE(rfc3339_utc(noon) == "2026-11-26T12:00:00Z");
  const std::string over = "2026-11-26T11:59:59Z";
  CHECK(ids(expired_things({{"key-pair", "key-1", "web-1", over, {}},
                            {"security-group", "sg-1", "web-1", over, {}},
                            {"snapshot", "snap-2", "web-1", over, {}},
                            {"image", "ami-1", "web-1", over, {"snap-1"}},
                            {"instance", "i-1", "web-1", over, {}}},
                           noon)) == "i-1 ami-1 snap-2 sg-1 key-1 ");
}

TEST_CASE("one lease that runs keeps everything of its build, and nothing of another") {
  CHECK(ids(expired_things({{"instance", "i-1", "web-1", "2026-11-26T12:00:01Z", {}},
                            {"security-group", "sg-1", "web-1", "2026-11-26T10:00:00Z", {}},
                            {"instance", "i-2", "web-2", "2026-11-26T10:00:00Z", {}}},
                           noon)) == "i-2 ");
}

TEST_CASE("snapshots of an image go with it") {
  const std::string over = "2026-11-25T00:00:00Z";
  CHECK(ids(expired_things({{"snapshot", "snap-1", "web-1", over, {}},
                            {"image", "ami-1", "web-1", over, {"snap-1"}}},
                           noon)) == "ami-1 ");
}
