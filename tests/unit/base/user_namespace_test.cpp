#include "runner/base/user_namespace.hpp"

#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("ranges of ids are those of the user, by name and by number") {
  const std::string text =
      "alice:100000:65536\nbob:165536:65536\n1000:300000:10\n\n# a remark\nalice:5:0\nalice:x:9\n";
  const auto ranges = parse_id_ranges(text, "alice", 1000);
  REQUIRE(ranges.size() == 2);
  CHECK(ranges[0].first == 100000);
  CHECK(ranges[0].count == 65536);
  CHECK(ranges[1].first == 300000);
  CHECK(parse_id_ranges(text, "carol", 7).empty());
  CHECK(parse_id_ranges("alice:4294967296:1\nalice:1\n", "alice", 1).empty());
}

TEST_CASE("the map of this process says who root is") {
  const IdMap map = current_id_map();
  CHECK(map.count > 0);
  CHECK(map.whole == (map.count == 0xffffffff));
  CHECK_FALSE(map.text.empty());
}
