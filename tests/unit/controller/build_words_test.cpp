#include "runner/controller/build_words.hpp"

#include <filesystem>

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("an output of the command line means the same in any folder once it is remembered") {
  const OutputSpec output = parse_output("rootfs=out/web.tar");
  CHECK(output.type == "rootfs");
  CHECK(output.path == (std::filesystem::current_path() / "out/web.tar").string());
  CHECK(output_words(output) == "rootfs=" + output.path);
  CHECK(output_words(parse_output("qcow2")) == "qcow2");
  CHECK_THROWS_WITH(parse_output("rotfs"), ContainsSubstring("there is no kind 'rotfs'"));
}

TEST_CASE("a setting of the command line has a key") {
  CHECK(parse_settings({"target.base=host", "A=b=c"}) ==
        RecipeSettings{{"target.base", "host"}, {"A", "b=c"}});
  CHECK_THROWS_AS(parse_settings({"=x"}), Error);
  CHECK_THROWS_AS(parse_settings({"x"}), Error);
}
