#include "runner/base/number.hpp"

#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("a number is decimal digits and nothing else") {
  CHECK(parse_number("0") == 0u);
  CHECK(parse_number("18446744073709551615") == 18446744073709551615u);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "18446744073709551616"}) {
    INFO(text);
    CHECK_FALSE(parse_number(text).has_value());
  }
}
