#include "runner/base/value.hpp"

#include "runner/base/error.hpp"
#include "runner/base/fields.hpp"
#include "runner/base/json.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("a scalar keeps its spelling and converts only what it is") {
  const Value mode = Value::scalar(Value::Kind::integer, "0777");
  CHECK(mode.text() == "0777");
  CHECK(mode.as_int() == 777);
  CHECK(Value("TRUE").as_bool() == true);
  CHECK_FALSE(Value("yes").as_bool());
  CHECK(Value("yes").as_yaml_bool() == true);
  CHECK(Value("Off").as_yaml_bool() == false);
  CHECK(Value("True").as_yaml_bool() == true);
  CHECK_FALSE(Value("maybe").as_yaml_bool());
  CHECK_FALSE(Value("1").as_bool());
  CHECK_FALSE(Value("1_000").as_int());
  CHECK_FALSE(Value("99999999999999999999").as_int());
  CHECK(Value("+5").as_int() == 5);
  CHECK_FALSE(Value("").as_int());
  CHECK(Value("1e3").as_double() == 1000.0);
  CHECK_FALSE(Value("inf").as_double());
}

TEST_CASE("maps keep their order and the first of two keys wins") {
  Value value = Value::object({{"b", 1}, {"a", 2}});
  value.set("c", "x");
  value.set("b", 3);
  CHECK(to_json(value) == R"({"b":3,"a":2,"c":"x"})");
  CHECK(value.find("a")->text() == "2");
  CHECK(value.find("d") == nullptr);
}

TEST_CASE("JSON is read with spellings and written valid") {
  CHECK(parse_json(R"({"a": 1.50, "b": [true, null, "x\u00e9\n"]})").find("a")->text() == "1.50");
  const std::string text = R"({"a":1.5,"b":[true,null,"x\u0001\"\\"],"c":{}})";
  CHECK(to_json(parse_json(text)) == text);
  CHECK(to_json(Value("\xff")) == "\"\xEF\xBF\xBD\"");
  CHECK(to_json(Value::scalar(Value::Kind::integer, "0777")) == "777");
  CHECK(to_json(Value(Value::List{1, 2}), 2) == "[\n  1,\n  2\n]");
  for (const char* wrong : {"", "{", "[1,]", "{\"a\" 1}", "1 2", "nul"}) {
    INFO(wrong);
    CHECK_THROWS_AS(parse_json(wrong), Error);
  }
  CHECK_THROWS_AS(parse_json(std::string(1000, '[')), Error);
  CHECK_THROWS_WITH(parse_json("{\n  \"a\": x}"), ContainsSubstring("line 2"));
}

namespace {

struct Record {
  std::string name;
  std::optional<std::string> note;
  bool on = false;
  std::int64_t count = 1;
  std::vector<std::string> items;
};

const Fields<Record> table = Fields<Record>{}
                                 .required("name", &Record::name, "A name.")
                                 .optional("note", &Record::note, "A note.")
                                 .optional("on", &Record::on, "A switch.")
                                 .optional("count", &Record::count, "A number.")
                                 .range(1, 9)
                                 .optional("items", &Record::items, "A list.");

std::string problems(const Value& value, const Deferred& deferred = nullptr) {
  Diagnostics diagnostics(nullptr);
  check_fields(table.info(), value, "the record", deferred, diagnostics);
  std::string text;
  for (const auto& item : diagnostics.items()) text += item.message + " (" + item.hint + ")\n";
  return text;
}

}  // namespace

TEST_CASE("a field table decodes what it checks") {
  Diagnostics diagnostics(nullptr);
  const auto record = table.decode(
      Value::object(
          {{"name", 18}, {"on", "True"}, {"count", "5"}, {"items", Value(Value::List{1, "b"})}}),
      "the record", diagnostics);
  REQUIRE(record);
  CHECK(record->name == "18");
  CHECK(record->on);
  CHECK(record->count == 5);
  CHECK(record->items == std::vector<std::string>{"1", "b"});
  CHECK_FALSE(record->note);
  CHECK(to_json(table.encode(*record)) == R"({"name":"18","on":true,"count":5,"items":["1","b"]})");
}

TEST_CASE("a field table says what is wrong and what to write") {
  CHECK(problems(Value::object({{"name", "x"}})).empty());
  // A misspelt key is one mistake, not a missing one besides.
  CHECK_THAT(problems(Value::object({{"nam", "x"}})),
             ContainsSubstring("did you mean 'name'?") && !ContainsSubstring("needs 'name'"));
  CHECK_THAT(problems(Value::object({{"note", "x"}})), ContainsSubstring("needs 'name'"));
  CHECK_THAT(problems(Value::object({{"name", "x"}, {"on", "1"}})),
             ContainsSubstring("write true"));
  CHECK_THAT(problems(Value::object({{"name", "x"}, {"count", 10}})),
             ContainsSubstring("from 1 to 9"));
  CHECK_THAT(problems(Value::object({{"name", Value()}})), ContainsSubstring("has no value"));
  CHECK_THAT(problems(Value::object({{"name", "x"}, {"items", "one"}})), ContainsSubstring("'- '"));
  CHECK_THAT(problems(Value("text")), ContainsSubstring("takes the keys"));
}

TEST_CASE("what is known only later is not judged") {
  const Deferred deferred = [](const Value& value) { return value.text() == "later"; };
  CHECK(problems(Value::object({{"name", "x"}, {"count", "later"}}), deferred).empty());
  CHECK_FALSE(problems(Value::object({{"name", "x"}, {"items", "later"}}), deferred).empty());
}
