#include "runner/document/yaml.hpp"

#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

struct Read {
  std::optional<Value> root;
  std::string problems;  // line:column code, a line each

  const Value& at(const std::string& key) const {
    for (const auto& member : root->map()) {
      if (member.key == key) return member.value;
    }
    FAIL("no key " + key);
    return *root;
  }
};

Read read(const std::string& text, const YamlLimits& limits = {}) {
  const auto source = std::make_shared<SourceText>("doc.yaml", text);
  Diagnostics diagnostics(source);
  Read result{read_yaml(source, diagnostics, limits), ""};
  for (const Diagnostic& item : diagnostics.items()) {
    result.problems += std::to_string(item.where.line) + ":" + std::to_string(item.where.column) +
                       " " + item.code + "\n";
  }
  return result;
}

std::string repeated(const std::string& piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

SourceLocation place(std::uint32_t line, std::uint32_t column) {
  return {line, column};
}

}  // namespace

TEST_CASE("scalars keep their spelling") {
  const Read doc = read(
      "mode: 0777\nnumber: 18.40\nbig: 123456789012345678901234567890\nhex: 0x1F\nexp: 1e3\n"
      "yes: yes\non: on\nflag: True\nnone: ~\nempty:\nword: null\nquoted: \"0777\"\ndate: "
      "2024-01-02\n"
      "octal: 0o17\ndot: .\nversion: 1.2.3\n");
  REQUIRE(doc.problems.empty());
  const auto spelt = [&](const std::string& key, const std::string& text, Value::Kind kind) {
    INFO(key);
    CHECK(doc.at(key).text() == text);
    CHECK(doc.at(key).kind() == kind);
  };
  spelt("mode", "0777", Value::Kind::integer);
  spelt("number", "18.40", Value::Kind::number);
  spelt("big", "123456789012345678901234567890", Value::Kind::integer);
  spelt("exp", "1e3", Value::Kind::number);
  spelt("hex", "0x1F", Value::Kind::string);
  spelt("yes", "yes", Value::Kind::string);
  spelt("on", "on", Value::Kind::string);
  spelt("flag", "True", Value::Kind::boolean);
  spelt("none", "~", Value::Kind::null);
  spelt("empty", "", Value::Kind::null);
  spelt("word", "null", Value::Kind::null);
  spelt("quoted", "0777", Value::Kind::string);
  spelt("date", "2024-01-02", Value::Kind::string);
  spelt("octal", "0o17", Value::Kind::string);
  spelt("dot", ".", Value::Kind::string);
  spelt("version", "1.2.3", Value::Kind::string);
}

TEST_CASE("styles and places") {
  const Read doc = read(
      "plain: a\nsingle: 'it''s'\ndouble: \"a\\n\\u00e9\"\nliteral: |\n  a\n  b\nfolded: >-\n  a\n "
      " b\n"
      "tagged: !!str 5\nlist:\n  - x\n  - {k: v}\n");
  REQUIRE(doc.problems.empty());
  CHECK(doc.at("single").text() == "it's");
  CHECK(doc.at("single").style == Value::Style::single_quoted);
  CHECK(doc.at("double").text() == "a\n\u00e9");
  CHECK(doc.at("literal").text() == "a\nb\n");
  CHECK(doc.at("literal").style == Value::Style::literal);
  CHECK(doc.at("folded").text() == "a b");
  CHECK(doc.at("folded").style == Value::Style::folded);
  CHECK(doc.at("tagged").kind() == Value::Kind::string);
  CHECK(doc.at("plain").where == place(1, 8));
  const Value& list = doc.at("list");
  CHECK(list.list()[0].where == place(12, 5));
  CHECK(list.list()[1].map()[0].where == place(13, 6));
  CHECK(list.list()[1].map()[0].value.where == place(13, 9));
}

TEST_CASE("places are right behind a byte order mark, CRLF, wide characters and in JSON") {
  CHECK(read("\xEF\xBB\xBF"
             "a: b")
            .root->map()[0]
            .value.where == place(1, 7));
  CHECK(read("a: b\r\nc: d\r\n").at("c").where == place(2, 4));
  CHECK(read("\u00e9\u00e9: b").root->map()[0].value.where == place(1, 7));
  const Read json = read("# one\n{\"a\": {\"b\": [1, \"0777\", true, null]}}\n");
  REQUIRE(json.problems.empty());
  const Value& list = json.at("a").map()[0].value;
  CHECK(list.where == place(2, 13));
  CHECK(list.list()[1].where == place(2, 17));
  CHECK(list.list()[1].text() == "0777");
  CHECK(list.list()[2].kind() == Value::Kind::boolean);
}

TEST_CASE("anchors are written out, and nothing contains itself") {
  const Read doc = read("a: &x {k: v}\nb: *x\nc: [*x, *x]\n");
  REQUIRE(doc.problems.empty());
  CHECK(doc.at("b") == doc.at("a"));
  CHECK(doc.at("b").where == place(2, 4));
  CHECK(doc.at("c").list()[1] == doc.at("a"));
  CHECK(read("a: &x [*x]").problems == "1:8 alias-cycle\n");
  CHECK(read("a: &x {b: {c: *x}}").problems == "1:15 alias-cycle\n");
  CHECK(read("a: *x").problems == "1:4 yaml-syntax\n");
}

TEST_CASE("what would be misread is refused, and reading goes on where it can") {
  CHECK(read("a: 1\nb: 2\na: 3\nb: 4\n").problems == "3:1 duplicate-key\n4:1 duplicate-key\n");
  CHECK(read("a: &x {k: v}\nb:\n  <<: *x\n").problems == "3:3 merge-key\n");
  CHECK(read("a: !Sub text\nb: !Ref x\n").problems == "1:4 yaml-tag\n2:4 yaml-tag\n");
  CHECK(read("a: ! x\n").problems == "1:4 yaml-tag\n");
  CHECK(read("a: 1\n---\nb: 2\n").problems == "2:1 yaml-syntax\n");
  CHECK(read("a: {{ x }}\n").problems == "1:4 wrong-type\n");
  CHECK(read("a:\n\tb: 1\n").problems == "2:1 tab-indent\n");
  CHECK(read("").problems == "1:1 yaml-syntax\n");
  CHECK(read("a: 'open\nb: 1\n").problems == "1:4 yaml-syntax\n");
  CHECK(read("a: \"open\nb: 1\n").problems == "1:4 yaml-syntax\n");
  CHECK(read("a: 'closed'\n").problems.empty());
}

TEST_CASE("limits hold while the tree grows") {
  YamlLimits limits;
  limits.nodes = 10;
  CHECK(read("[1, 2, 3, 4, 5, 6, 7, 8, 9]", limits).problems.empty());
  CHECK(read("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", limits).problems == "1:29 limit\n");
  CHECK(read("a: &x [1, 2]\nb: [*x, *x]\n", limits).problems == "2:5 limit\n");
  limits.nodes = 1000;
  limits.depth = 3;
  CHECK(read("[[[1]]]", limits).problems.empty());
  CHECK(read("[[[[1]]]]", limits).problems == "1:4 limit\n");
  limits.depth = 64;
  limits.bytes = 100;
  CHECK(read("a: &x " + std::string(40, 'x') + "\nb: [*x, *x]\n", limits).problems ==
        "2:9 limit\n");
}

TEST_CASE("what the library would have to keep whole is limited") {
  constexpr int many = 220'000;
  CHECK(read(repeated("[", many)).problems == "1:1 limit\n");
  CHECK(read("a: b\nc:\n  - [" + repeated("x,", many)).problems == "3:3 limit\n");
  CHECK(read("- {" + repeated("a: b,\n", many) + "}").problems == "1:1 limit\n");
  CHECK(read("- [" + repeated("a #\n ", many)).problems == "1:1 limit\n");
  CHECK(read(repeated("\"\"", 4 * many)).problems == "1:1 limit\n");
  CHECK(read(repeated("*a ", many)).problems == "1:1 limit\n");
  CHECK(read(repeated("&a ", many)).problems == "1:1 limit\n");
  CHECK(read(repeated("! ", many)).problems == "1:1 limit\n");
  CHECK(read(repeated("# a\n", many)).problems == "1:1 limit\n");
  CHECK(read("a: 'x" + repeated("[", many)).problems == "1:1 limit\n");
}

TEST_CASE("a quote or a block that is none does not hide what follows") {
  const std::string pile = "d:\n  - [" + repeated("a,", 220'000);
  for (const char* before : {"a: b\n  'c\n", "a: b\n  \"c\n", "a: b\n  | c\n", "a: b # '\n\n"}) {
    INFO(before);
    CHECK(read(before + pile).problems == "4:3 limit\n");
  }
}

TEST_CASE("long documents of every style are taken") {
  const auto taken = [](const std::string& text) { return read(text).problems.empty(); };
  CHECK(taken(repeated("- {name: a, inputs: {commands: ['echo \"[{\"']}}\n", 20'000)));
  CHECK(taken("[" + repeated("{\"a\": [\"b\"]},\n", 15'000) + "{}]"));
  CHECK(taken("a: [" + repeated("x, ", 150'000) + "x]"));
  CHECK(taken("a: |\n" + repeated("  if [ \"$a\" ]; then echo 'x: y'; fi # c\n", 20'000)));
}
