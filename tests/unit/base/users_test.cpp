#include "runner/base/users.hpp"

#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("root is known by name and by number") {
  REQUIRE(user_named("root"));
  CHECK(user_named("root")->user == 0);
  REQUIRE(user_with_id(0));
  CHECK(user_with_id(0)->group == 0);
  CHECK(group_named("root") == gid_t(0));
  CHECK_FALSE(user_named("no such user"));
  CHECK_FALSE(group_named("no such group"));
}

TEST_CASE("lines of getent are read, and nothing that is none") {
  const auto user = parse_user_line("alice:*:1200:1300:Alice, of course:/srv/alice:/bin/bash\n");
  REQUIRE(user);
  CHECK(user->user == 1200);
  CHECK(user->group == 1300);
  CHECK(parse_group_line("staff:x:50:alice,bob\n") == gid_t(50));
  CHECK(parse_group_line("staff:x:50") == gid_t(50));
  CHECK_FALSE(parse_user_line(""));
  CHECK_FALSE(parse_user_line("alice:x:12a:13::/:"));
  CHECK_FALSE(parse_user_line("alice:x::13::/:"));
  CHECK_FALSE(parse_group_line("staff:x"));
  CHECK_FALSE(parse_group_line("staff:x:4294967296:"));
}
