#include "runner/base/diagnostic.hpp"

#include "runner/base/text.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

constexpr DiagnosticCode odd{"odd", "Something is odd."};

SourcePtr source_of(std::string text) {
  return std::make_shared<SourceText>("doc.yaml", std::move(text));
}

std::string shown(const std::string& text, SourceLocation where) {
  Diagnostics diagnostics(source_of(text));
  diagnostics.error(odd, where, "odd");
  return render_text(diagnostics.items().front(), false);
}

}  // namespace

TEST_CASE("a finding shows its line, a caret and what to write") {
  Diagnostics diagnostics(source_of("a: 1\nb: 2\n"));
  diagnostics.error(odd, {2, 4}, "2 is odd", "write 4\nor 6");
  CHECK(render_text(diagnostics.items().front(), false) ==
        "doc.yaml:2:4: error[odd]: 2 is odd\n 2 | b: 2\n   |    ^\n  = write 4\n    or 6\n");
  CHECK(render_github(diagnostics.items().front()) ==
        "::error file=doc.yaml,line=2,col=4,title=odd::2 is odd%0Awrite 4%0Aor 6\n");
}

TEST_CASE("columns count characters, and the caret stands below its own") {
  CHECK(shown("\u00e9\u00e9: x", {1, 7}) ==
        "doc.yaml:1:5: error[odd]: odd\n 1 | \u00e9\u00e9: x\n   |     ^\n");
  CHECK(shown("\ta: x", {1, 2}) == "doc.yaml:1:2: error[odd]: odd\n 1 | \ta: x\n   | \t^\n");
  CHECK(shown("a\r\n", {1, 2}) == "doc.yaml:1:2: error[odd]: odd\n 1 | a\n   |  ^\n");
}

TEST_CASE("a long line is cut around the caret, between characters") {
  std::string line;
  for (int i = 0; i < 1000; ++i) line += "\u00e9";
  const std::string text = shown(line, {1, 1001});
  CHECK(text.size() < 700);
  CHECK_FALSE(find_invalid_utf8(text));
  CHECK_THAT(text, ContainsSubstring("doc.yaml:1:501:") && ContainsSubstring(" 1 | ...\u00e9"));
  const std::string whole = shown(line.substr(0, 160), {1, 1});
  CHECK(whole.find("...") == std::string::npos);
}

TEST_CASE("of many findings the first are kept and all are counted") {
  Diagnostics diagnostics(source_of("a\n"));
  for (int i = 0; i < 5000; ++i) diagnostics.error(odd, {1, 1}, "wrong " + std::to_string(i));
  for (int i = 0; i < 3; ++i) diagnostics.warning(odd, {1, 1}, "strange");
  CHECK(diagnostics.error_count() == 5000);
  CHECK(diagnostics.found() == 5003);
  REQUIRE(diagnostics.items().size() == 204);
  CHECK(diagnostics.items()[199].message == "wrong 199");
  CHECK(diagnostics.items()[200].code == codes::too_many.name);
  CHECK(diagnostics.items()[203].message == "strange");
}

TEST_CASE("a message that quotes a whole file is cut") {
  Diagnostics diagnostics(source_of("a\n"));
  diagnostics.error(odd, {1, 1}, "x" + std::string(1 << 20, '\xc3'), std::string(1 << 20, 'h'));
  CHECK(diagnostics.items().front().message.size() < 2100);
  CHECK(diagnostics.items().front().hint.size() < 2100);
}

TEST_CASE("that there are more findings comes last, wherever they are") {
  Diagnostics diagnostics(source_of(std::string(300, '\n')));
  for (std::uint32_t line = 300; line > 0; --line) diagnostics.error(odd, {line, 1}, "odd");
  diagnostics.sort();
  CHECK(diagnostics.items().front().code == odd.name);
  CHECK(diagnostics.items().back().code == codes::too_many.name);
}
