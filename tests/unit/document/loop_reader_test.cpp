#include "runner/document/loop_reader.hpp"

#include "runner/document/yaml.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

struct Read {
  Diagnostics diagnostics;
  std::optional<Loop> loop;

  std::string problems() const {
    std::string text;
    for (const Diagnostic& item : diagnostics.items()) {
      text += item.code + ": " + item.message + " | " + item.hint + "\n";
    }
    return text;
  }
};

Read read(const std::string& yaml) {
  const auto source = std::make_shared<SourceText>("loop.yaml", yaml);
  Read result{Diagnostics(source), {}};
  const auto value = read_yaml(source, result.diagnostics);
  REQUIRE(value);
  result.loop = read_loop(*value, "step 'One'", result.diagnostics);
  return result;
}

void check_error(const std::string& yaml, const std::string& problem) {
  const Read result = read(yaml);
  INFO(yaml << "\n" << result.problems());
  CHECK_FALSE(result.loop);
  CHECK(result.diagnostics.error_count() == 1);
  CHECK_THAT(result.problems(), ContainsSubstring(problem));
}

}  // namespace

TEST_CASE("a loop that counts") {
  const Read up = read("for: {start: 8000, end: 8020, updateBy: 10}");
  REQUIRE(up.loop);
  CHECK(up.loop->range->start == 8000);
  CHECK(up.loop->range->end == 8020);
  CHECK(up.loop->range->update_by == 10);
  CHECK(up.loop->as_written.find("for")->map().size() == 3);
  CHECK(read("for: {start: 3, end: 1, updateBy: -1}").loop);
  CHECK(read("for: {start: 3, end: 3, updateBy: -1}").loop);
  CHECK(read("for: {start: 3, end: 3, updateBy: 1}").loop);
  CHECK(read("for: {start: '1', end: '2', updateBy: '1'}").loop);
}

TEST_CASE("a loop that counts has to end") {
  check_error("for: {start: 1, end: 2, updateBy: 0}",
              "never ends: 'updateBy' is 0 | write updateBy: 1");
  check_error("for: {start: 2, end: 1, updateBy: 1}", "cannot go from 2 to 1 in steps of 1");
  check_error("for: {start: 1, end: 2, updateBy: -1}", "make 'updateBy' positive");
  check_error("for: {start: 1, end: 2}", "missing-key");
  check_error("for: {start: 1.5, end: 2, updateBy: 1}", "takes a whole number, not '1.5'");
  check_error("for: {start: 1, end: 2, updateBy: 1, step: 2}", "unknown-key");
  check_error("for: 5", "wrong-type");
}

TEST_CASE("a loop over a list") {
  const Read result = read("name: Each\nforEach: [a, 2, '{{ b }}']");
  REQUIRE(result.loop);
  CHECK(result.loop->name == "Each");
  REQUIRE(result.loop->values);
  CHECK(result.loop->values->at(1).text() == "2");
  check_error("forEach: [a, {b: c}]", "an item of 'forEach' of 'loop' of step 'One' takes text");
  check_error("forEach: [a, ]\nname: a b", "'a b' cannot be the name of a loop");
  const Read empty = read("forEach: []");
  CHECK(empty.loop);
  CHECK(empty.diagnostics.items().size() == 1);
}

TEST_CASE("a loop over a text") {
  Read result = read("forEach: {list: '{{ Names }}'}");
  REQUIRE(result.loop);
  CHECK(result.loop->delimited->delimiter == ',');
  CHECK(result.loop->delimited->list.text() == "{{ Names }}");
  for (const char* delimiter :
       {"'.'", "','", "';'", "':'", "\"\\n\"", "\"\\t\"", "' '", "'-'", "_"}) {
    INFO(delimiter);
    result = read("forEach: {list: a, delimiter: " + std::string(delimiter) + "}");
    INFO(result.problems());
    CHECK(result.loop);
  }
  check_error("forEach: {list: a, delimiter: '|'}",
              "'delimiter' of 'loop' of step 'One' cannot be '|'");
  check_error("forEach: {list: a, delimiter: ', '}", "loop-shape");
  check_error("forEach: {list: a, delimiter: ''}", "loop-shape");
  check_error("forEach: {delimiter: ','}", "needs 'list'");
  check_error("forEach: {list: [a], delimiter: ','}", "wrong-type");
  check_error("forEach: a,b", "is text and no list");
}

TEST_CASE("a loop has one form") {
  check_error("forEach: [a]\nfor: {start: 1, end: 2, updateBy: 1}", "has both 'for' and 'forEach'");
  check_error("name: x", "has neither 'for' nor 'forEach'");
  check_error("[a, b]", "takes the keys name, for, forEach, not a list");
  check_error("foreach: [a]\nfor: {start: 1, end: 2, updateBy: 1}", "did you mean 'forEach'?");
}

TEST_CASE("the form of a loop takes no references") {
  check_error("for: {start: '{{ a }}', end: 2, updateBy: 1}",
              "misplaced-reference: 'start' of 'loop' of step 'One' takes no reference");
  check_error("for: {start: 1, end: '{{ a }}', updateBy: 1}", "misplaced-reference");
  check_error("for: {start: 1, end: 2, updateBy: '{{ a }}'}", "misplaced-reference");
  check_error("forEach: {list: a, delimiter: '{{ a }}'}", "misplaced-reference");
  check_error("name: '{{ a }}'\nforEach: [a]", "misplaced-reference");
}
