#include "runner/base/fields.hpp"

#include "runner/base/json.hpp"
#include "runner/document/yaml.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

struct Place {
  std::string kind;
  int floor = 1;
};
const Fields<Place> place_table = Fields<Place>{}
                                      .required("kind", &Place::kind, "What it is.")
                                      .choices({"house", "ship"})
                                      .optional("floor", &Place::floor, "How high.")
                                      .range(0, 9);

struct Order {
  std::string name;
  int count = 1;
  double weight = 0;
  bool fast = false;
  std::vector<std::string> ways;
  std::vector<std::pair<std::string, std::string>> labels;
  Value place;
  Value items;
};
const Fields<Order> table =
    Fields<Order>{}
        .required("name", &Order::name, "A name.")
        .optional("count", &Order::count, "A number.")
        .range(10, 20)
        .optional("weight", &Order::weight, "Another.")
        .optional("fast", &Order::fast, "A switch.")
        .optional("ways", &Order::ways, "A list.")
        .choices({"road", "sea"})
        .optional("labels", &Order::labels, "A map.")
        .optional_record("place", &Order::place, place_table.info(), "A record.")
        .optional_records("items", &Order::items, place_table.info(), "Records.");

Value yaml(const std::string& text) {
  const auto source = std::make_shared<SourceText>("a.yaml", text);
  Diagnostics diagnostics(source);
  auto value = read_yaml(source, diagnostics);
  REQUIRE(value);
  return *value;
}

struct Checked {
  GoodMembers good;
  std::string problems;
};

Checked check(const std::string& text) {
  Diagnostics diagnostics(nullptr);
  Checked checked{good_members(table.info(), yaml(text), "the order", diagnostics), {}};
  for (const Diagnostic& item : diagnostics.items()) {
    checked.problems += std::to_string(item.where.line) + ":" + std::to_string(item.where.column) +
                        " " + item.message + " | " + item.hint + "\n";
  }
  return checked;
}

}  // namespace

TEST_CASE("a mistake is told of the map that it is in, with what to write") {
  struct Case {
    const char* line;
    const char* told;
  };
  const Case cases[] = {
      {"count: soon",
       "2:8 'count' of the order takes a whole number, not 'soon' | write a number "
       "from 10 to 20"},
      {"count: 9", "2:8 'count' of the order is out of range: 9 | write a number from 10 to 20"},
      {"weight: heavy", "takes a number, not 'heavy' | write digits, such as 1.5"},
      {"fast: 1", "takes true or false, not '1' | write true"},
      {"ways: road", "takes a list of texts, not 'road' | put '- ' before it"},
      {"ways: {a: b}", "takes a list of texts, not a map | write\nways:\n  - TEXT"},
      {"ways: [Sea, air]",
       "2:13 an entry of 'ways' of the order cannot be 'air' | write one of: "
       "road, sea"},
      {"labels: [a]", "takes a map of texts, not a list | write\nlabels:\n  NAME: TEXT"},
      {"labels: {a: [b]}",
       "2:10 'a' of 'labels' of the order takes text, not a list | write\n"
       "labels:\n  a: TEXT"},
      {"place: {kind: house, flor: 1}",
       "2:22 'place' of the order does not know the key 'flor' | did you mean 'floor'?"},
      {"place: {kind: house, roof: 1}",
       "'place' of the order does not know the key 'roof' | 'place' of the order takes the keys "
       "kind, floor"},
      {"place: {}", "2:8 'place' of the order needs 'kind' | add 'kind:' (text)"},
      {"place: {kind: house, floor: 10}",
       "2:29 'floor' of 'place' of the order is out of range: 10 | write a number from 0 to 9"},
      {"place: house", "2:8 'place' of the order takes the keys kind, floor, not text"},
      {"items: {a: b}", "takes a list of maps, not a map | write\nitems:\n  - {kind: ...}"},
      {"items: [{floor: 1}]", "2:9 an item of 'items' of the order needs 'kind'"},
      {"items: [{kind: tent}]",
       "2:16 'kind' of an item of 'items' of the order cannot be 'tent' | write one of: house, "
       "ship"},
  };
  for (const Case& one : cases) {
    INFO(one.line);
    const std::string problems = check(std::string("name: a\n") + one.line + "\n").problems;
    CHECK_THAT(problems, ContainsSubstring(one.told));
    CHECK_THAT(problems, !ContainsSubstring("name"));
  }
}

TEST_CASE("a misspelt key of one map is not missed in another") {
  const Checked checked = check("nam: a\nplace: {knd: house}\nitems: [{floor: 1}]\n");
  CHECK_THAT(checked.problems,
             ContainsSubstring("did you mean 'name'?") &&
                 ContainsSubstring("did you mean 'kind'?") &&
                 ContainsSubstring("an item of 'items' of the order needs 'kind'"));
  CHECK(checked.good.spoilt == std::vector<std::string>{"name", "nam"});
}

TEST_CASE("what is good beside mistakes is kept, as the table spells it") {
  const Checked checked = check(
      "name: [a]\ncount: many\nfast: yes\nways: [Sea, {a: b}, air, road]\n"
      "labels: {a: b, c: [d]}\nplace: {kind: SHIP, floor: high, roof: 1}\n"
      "items: [text, {kind: House}, {floor: 2}]\nmore: 1\n");
  CHECK(to_json(checked.good.map) ==
        R"({"fast":"yes","ways":["sea","road"],"labels":{"a":"b"},"place":{"kind":"ship"},)"
        R"("items":[{"kind":"house"},{"floor":2}]})");
  CHECK(checked.good.spoilt == std::vector<std::string>{"name", "count", "more"});
  CHECK(checked.good.is_spoilt("count"));
  CHECK_FALSE(checked.good.is_spoilt("ways"));
  CHECK(checked.good.map.find("ways")->list()[1].where == SourceLocation{4, 26});

  const Order order = table.decode_good(checked.good.map);
  CHECK(order.count == 1);
  CHECK(order.fast);
  CHECK(order.ways == std::vector<std::string>{"sea", "road"});
}

TEST_CASE("what is no map has no good members") {
  const Checked checked = check("[a]\n");
  CHECK_THAT(checked.problems, ContainsSubstring("the order takes the keys name, count"));
  CHECK(checked.good.map.map().empty());
  CHECK(checked.good.map.where == SourceLocation{1, 1});
}

TEST_CASE("a type says the range of its values") {
  const auto& fields = table.info();
  CHECK(type_text(fields[0]) == "text");
  CHECK(type_text(fields[1]) == "a whole number, 10 to 20");
  CHECK(type_text(fields[2]) == "a number");
}
