#include "runner/document/raw_text.hpp"

#include "runner/document/codes.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

std::string repeated(const std::string& piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

bool piles_up(const std::string& text) {
  return find_token_pile(text, 1000).has_value();
}

/// `line:column code` of each finding.
std::string findings(std::string text) {
  const SourceText source("doc.yaml", std::move(text));
  Diagnostics diagnostics(std::make_shared<SourceText>(source));
  const bool good = check_raw_text(source, {}, diagnostics);
  CHECK(good == diagnostics.items().empty());
  std::string all;
  for (const Diagnostic& item : diagnostics.items()) {
    all += std::to_string(item.where.line) + ":" + std::to_string(item.where.column) + " " +
           item.code + "\n";
  }
  return all;
}

}  // namespace

TEST_CASE("what would make the YAML library keep too much is seen before it does") {
  CHECK(piles_up("a:\n  - " + repeated("[", 2000)));
  CHECK(piles_up("[" + repeated("[[],", 2000)));
  CHECK(piles_up("- [" + repeated("x,", 2000)));
  CHECK(piles_up("- {" + repeated("a: b,\n", 2000)));
  CHECK(piles_up(repeated("\"\"", 2000)));
  CHECK(piles_up(repeated("*a ", 2000)));
  CHECK(piles_up(repeated("&a ", 2000)));
}

TEST_CASE("long documents of every style are taken") {
  CHECK_FALSE(piles_up(repeated("- {name: a, inputs: {commands: ['echo \"[{\"']}}\n", 2000)));
  CHECK_FALSE(piles_up("[" + repeated("{\"a\": [\"b\"]}, ", 2000) + "{}]"));
  CHECK_FALSE(piles_up("# JSON\n{\"a\":[" + repeated("{\"a\":1},\n", 2000) + "{}]}"));
  CHECK_FALSE(piles_up("a: [" + repeated("x, ", 2000) + "x]"));
  CHECK_FALSE(piles_up("a: |\n" + repeated("  echo [[ {{ \"a\n", 2000)));
  CHECK_FALSE(piles_up("- |\n" + repeated("  if [ *a ] && [ &b ]\n", 2000)));
  CHECK_FALSE(piles_up("a: '" + repeated("[{", 2000) + "'"));
  CHECK_FALSE(piles_up("a: b # " + repeated("[{", 2000)));
  CHECK_FALSE(piles_up("a: echo " + repeated("[{", 2000)));
}

TEST_CASE("a text that never ends is looked at once") {
  for (const char* piece : {":", "{\"a\":", "\"", "'", "- ", "[", "!", "| ", "? "}) {
    const std::string text = repeated(piece, 1 << 18);
    find_token_pile(text, std::string::npos);  // quadratic work would show as a hanging test
  }
}

TEST_CASE("bytes that no text has are told by their place") {
  CHECK(findings("a: b\n").empty());
  CHECK(findings("a: \u00e9\t\r\n").empty());
  CHECK(findings(std::string("a: b\nc\0d", 8)) == "2:2 encoding\n");
  CHECK(findings("a\xff\nb\nc: \xe9\n") == "1:2 encoding\n3:4 encoding\n");
  CHECK(findings("a: \x1b[0m\n") == "1:4 encoding\n");
  CHECK(findings(std::string(5 << 20, 'a')) == "1:1 limit\n");
}

TEST_CASE("a document begins behind its byte order mark, comments and blank lines") {
  CHECK(find_start("a: b").offset == 0);
  CHECK(find_start("\xEF\xBB\xBF"
                   "a: b")
            .offset == 3);
  const TextStart json = find_start("# comment\n\n  {\"a\": 1}");
  CHECK((json.bracket && json.offset == 13));
  CHECK_FALSE(find_start("# only [a] comment").bracket);
}
