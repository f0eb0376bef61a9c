#include "runner/document/condition.hpp"

#include <set>

#include "runner/document/yaml.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

struct Parsed {
  Diagnostics diagnostics;
  std::optional<Condition> condition;
  std::optional<If> decision;

  std::string problems() const {
    std::string text;
    for (const Diagnostic& item : diagnostics.items()) {
      text += item.code + ": " + item.message + " | " + item.hint + "\n";
    }
    return text;
  }
};

Value tree(const SourcePtr& source, Diagnostics& diagnostics) {
  auto value = read_yaml(source, diagnostics);
  REQUIRE(value);
  return *value;
}

Parsed condition_of(const std::string& yaml) {
  const auto source = std::make_shared<SourceText>("c.yaml", yaml);
  Parsed parsed{Diagnostics(source), {}, {}};
  parsed.condition =
      parse_condition(tree(source, parsed.diagnostics), "the condition", parsed.diagnostics);
  return parsed;
}

Parsed if_of(const std::string& yaml) {
  const auto source = std::make_shared<SourceText>("c.yaml", yaml);
  Parsed parsed{Diagnostics(source), {}, {}};
  parsed.decision = parse_if(tree(source, parsed.diagnostics), "the 'if'", parsed.diagnostics);
  return parsed;
}

}  // namespace

TEST_CASE("every operator of the table can be written") {
  std::set<Operator> seen;
  for (const OperatorInfo& info : operator_table()) {
    INFO(info.key);
    CHECK(seen.insert(info.op).second);
    std::string yaml = std::string(info.key) + ": ";
    if (info.op == Operator::and_ || info.op == Operator::or_) {
      yaml += "[{fileExists: /x}]";
    } else if (info.op == Operator::not_) {
      yaml += "{fileExists: /x}";
    } else {
      yaml += "'1'";
    }
    if (info.other_key) yaml += "\n" + std::string(info.other_key) + ": '2'";
    const Parsed parsed = condition_of(yaml);
    INFO(parsed.problems());
    REQUIRE(parsed.condition);
    CHECK(parsed.condition->op == info.op);
    CHECK(parsed.diagnostics.items().empty());
    if (info.other_key) CHECK(parsed.condition->other.text() == "2");
  }
  CHECK(seen.size() == static_cast<std::size_t>(Operator::not_) + 1);
}

TEST_CASE("the second value may stand before the operator") {
  const Parsed parsed = condition_of("value: '{{ Kind }}'\nstringEquals: s3");
  REQUIRE(parsed.condition);
  CHECK(parsed.condition->operand.text() == "s3");
  CHECK(parsed.condition->other.text() == "{{ Kind }}");
  CHECK(parsed.condition->where == SourceLocation{2, 1});
}

TEST_CASE("the published lower-case spelling is taken") {
  REQUIRE(condition_of("stringlessThan: b\nvalue: a").condition);
  CHECK(condition_of("stringlessThan: b\nvalue: a").condition->op == Operator::string_less_than);
  CHECK(condition_of("stringlessThanEquals: b\nvalue: a").condition->op ==
        Operator::string_less_than_equals);
  CHECK_FALSE(condition_of("stringless: b").condition);
}

TEST_CASE("logical operators nest, and a list of one stands for its item") {
  const Parsed parsed = condition_of(
      "and:\n"
      "  - binaryExists: dnf\n"
      "  - not:\n"
      "      - or: [{fileExists: /a}, {not: {folderExists: /b}}]\n"
      "  - numberGreaterThan: 1\n"
      "    value: 2\n");
  INFO(parsed.problems());
  REQUIRE(parsed.condition);
  REQUIRE(parsed.condition->terms.size() == 3);
  CHECK(parsed.condition->terms[1].op == Operator::not_);
  CHECK(parsed.condition->terms[1].terms.at(0).terms.at(1).op == Operator::not_);
  std::vector<std::string> texts;
  for (const Value* scalar : condition_scalars(*parsed.condition)) texts.push_back(scalar->text());
  CHECK(texts == std::vector<std::string>{"dnf", "/a", "/b", "1", "2"});
}

TEST_CASE("shapes that are no condition are explained") {
  const auto fails = [](const std::string& yaml, const std::string& problem) {
    const Parsed parsed = condition_of(yaml);
    INFO(yaml << "\n" << parsed.problems());
    CHECK_FALSE(parsed.condition);
    CHECK(parsed.diagnostics.error_count() == 1);
    CHECK_THAT(parsed.problems(), ContainsSubstring(problem));
  };
  fails("just text", "needs one operator, not text");
  fails("{}", "needs one operator, not an empty map");
  fails("[]", "needs one operator, not a list of 0");
  fails("[{fileExists: /a}, {fileExists: /b}]", "not a list of 2");
  fails("{fileExists: /a, folderExists: /b}", "two operators in one map, 'fileExists' and");
  fails("value: x", "has no operator");
  fails("stringEquals: x", "needs 'value' beside it");
  fails("{fileMD5Equals: x, value: /f}", "takes no 'value' | write 'path:' instead");
  fails("{fileExists: /a, path: /b}", "takes no 'path' | remove the line");
  fails("{stringEqual: x, value: y}", "did you mean 'stringEquals'?");
  fails("{booleanEquals: true, value: y}", "does not know the operator 'booleanEquals'");
  fails("{stringEquals: x, values: y, value: y}", "does not know the key 'values' | did you mean");
  fails("{stringEquals: [x], value: y}", "takes one text or number, not a list");
  fails("{stringEquals: x, value: }", "write '' for the empty text");
  fails("and: {fileExists: /a}", "takes a list of operators, not a map");
  fails("or: []", "not an empty list");
  fails("not: [{fileExists: /a}, {fileExists: /b}]", "for several, put 'and:'");
  fails("and: [{fileExists: /a, then: Skip}]", "'then' belongs to a whole 'if'");
}

TEST_CASE("all mistakes of a condition are reported at once") {
  const Parsed parsed = condition_of("and: [{stringEquals: x}, {fileExist: /a}, {fileExists: }]");
  CHECK(parsed.diagnostics.error_count() == 3);
}

TEST_CASE("an if has its decisions beside the operator") {
  const Parsed parsed = if_of("then: Skip\nfileExists: /x\nelse: Abort");
  INFO(parsed.problems());
  REQUIRE(parsed.decision);
  CHECK(parsed.decision->then == Decision::skip);
  CHECK(parsed.decision->otherwise == Decision::abort);
  CHECK(parsed.decision->condition.op == Operator::file_exists);
}

TEST_CASE("an if without decisions runs the step when it holds") {
  const Parsed parsed = if_of("- fileExists: /x");
  REQUIRE(parsed.decision);
  CHECK(parsed.decision->then == Decision::execute);
  CHECK(parsed.decision->otherwise == Decision::skip);
}

TEST_CASE("a decision is one of three words") {
  Parsed parsed = if_of("fileExists: /x\nthen: skip");
  CHECK_FALSE(parsed.decision);
  CHECK(parsed.problems() ==
        "invalid-value: 'then' of the 'if' cannot be 'skip' | did you mean "
        "'Skip'?\n");
  parsed = if_of("fileExists: /x\nelse: Whatever");
  CHECK_THAT(parsed.problems(), ContainsSubstring("write one of: Abort, Execute, Skip"));
  parsed = if_of("fileExists: /x\nelse: [Skip]");
  CHECK_THAT(parsed.problems(), ContainsSubstring("cannot be a list"));
}
