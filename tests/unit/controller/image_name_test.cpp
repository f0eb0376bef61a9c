#include "runner/controller/image_name.hpp"

#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("placeholders of an image's name") {
  const ImageFacts facts{"web server", "1.2.3", "web-server-1", "eu-west-1", 1'801'389'601'999};
  const auto filled = [&](const std::string& text) { return fill_placeholders(text, facts); };
  CHECK(filled("{{ name }} {{imagebuilder:buildDate}}") == "web server 2027-01-31T10-00-01.000Z");
  CHECK(filled("{{ imagebuilder:buildVersion }}") == "20270131100001");
  CHECK(filled("{{ buildId }}/{{ version }}@{{ region }}") == "web-server-1/1.2.3@eu-west-1");
  CHECK(filled("{{ other }} {{ name") == "{{ other }} {{ name");
  for (const Placeholder& one : image_placeholders()) {
    const std::string text = std::string("{{ ") + one.name + " }}";
    CHECK(filled(text) != text);
  }
}

TEST_CASE("names that EC2 takes") {
  CHECK(image_name_problem("web").empty());
  CHECK(image_name_problem("A (b) [c] ./-'@_ 1").empty());
  CHECK(image_name_problem(std::string(128, 'x')).empty());
  CHECK(image_name_problem("ab") == "has fewer than 3 characters");
  CHECK(image_name_problem(std::string(129, 'x')) ==
        "has 129 characters, and 128 at most are taken");
  CHECK(image_name_problem("a:b") ==
        "has ':' in it, and only letters, digits, blanks and ()[]./-'@_ are taken");
  CHECK_THAT(image_name_problem("w\xC3\xA9"
                                "b"),
             ContainsSubstring("has '\xC3\xA9' in it"));
}
