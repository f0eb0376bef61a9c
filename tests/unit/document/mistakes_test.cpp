#include "runner/document/mistakes.hpp"

#include "runner/document/yaml.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

/// `line:column code` of each finding, a line each.
std::string mistakes(const std::string& text) {
  const auto source = std::make_shared<SourceText>("doc.yaml", text);
  Diagnostics diagnostics(source);
  if (const auto root = read_yaml(source, diagnostics)) {
    diagnose_mistakes(*root, *source, diagnostics);
  }
  std::string all;
  for (const Diagnostic& item : diagnostics.items()) {
    all += std::to_string(item.where.line) + ":" + std::to_string(item.where.column) + " " +
           item.code + "\n";
  }
  return all;
}

std::string hint_of(const std::string& text) {
  const auto source = std::make_shared<SourceText>("doc.yaml", text);
  Diagnostics diagnostics(source);
  read_yaml(source, diagnostics);
  REQUIRE(diagnostics.items().size() == 1);
  return diagnostics.items()[0].hint;
}

/// The text below `steps:` of a document; its first line is line 4.
std::string steps(const std::string& text) {
  return mistakes("phases:\n- name: build\n  steps:\n" + text);
}

/// A script's lines, indented by two; its first line is line 9.
std::string script(const std::string& lines) {
  return steps("  - name: A\n    action: ExecuteBash\n    inputs:\n      commands:\n      - |\n" +
               lines);
}

}  // namespace

TEST_CASE("a syntax error is explained where it began") {
  CHECK(mistakes("a: b: c\n") == "1:5 yaml-syntax\n");
  CHECK(mistakes("a: 'x' y\n") != "");
  CHECK(mistakes("a: @x\n") == "1:4 yaml-syntax\n");
  CHECK(mistakes("a: `x`\n") == "1:4 yaml-syntax\n");
  CHECK(mistakes("a: %x\n") == "1:4 yaml-syntax\n");
  CHECK(mistakes("a:\n  - b\n -c\n") != "");
  CHECK(mistakes("a: [x\nb: y\n") != "");
  CHECK(mistakes("a: 'one\nb: two\n") == "1:4 yaml-syntax\n");
  CHECK(mistakes("name:x\na: 1\n") == "1:5 yaml-syntax\n");
  CHECK(mistakes("a:\n  -name: x\n  -name: y\n") != "");
  CHECK(mistakes("a: {{ b }}/c\n") == "1:4 wrong-type\n");
  CHECK(mistakes("a: 1\n\tb: 2\n\tc: 3\n") == "2:1 tab-indent\n3:1 tab-indent\n");
}

TEST_CASE("the hint of a syntax error is the text to write") {
  CHECK(hint_of("a: b: c\n") == "put the text in quotes:\na: 'b: c'");
  CHECK(hint_of("a: it's: c\n") == "put the text in quotes:\na: 'it''s: c'");
  CHECK(hint_of("name:x\na: 1\n") == "write 'name: x'");
}

TEST_CASE("shapes that are YAML but were not meant") {
  CHECK(mistakes("phases:\n  name: build\n  steps: []\n") == "2:3 list-expected\n");
  CHECK(mistakes("phases:\n- name: build\n  steps:\n    A: {action: X}\n") ==
        "4:5 list-expected\n");
  CHECK(steps("  - name: A\n  - action: X\n  - inputs: {}\n  - name: B\n    action: X\n") ==
        "5:5 split-step\n");
  CHECK(steps("  - name: A\n  - name: B\n    action: X\n").empty());  // a missing action, no split
  const std::string bash = "  - name: A\n    action: ExecuteBash\n    inputs:\n      commands:";
  CHECK(steps(bash + " ls\n") == "7:17 list-expected\n");
  CHECK(steps(bash + "\n        ls: x\n") == "8:9 list-expected\n");
  CHECK(steps(bash + "\n        - echo a: b\n        - [x]\n        - {{ a }}\n") ==
        "10:11 wrong-type\n8:11 command-is-map\n9:11 list-expected\n10:11 command-is-map\n");
  CHECK(steps(bash + "\n        - >\n          a # b\n          c\n") == "9:13 folded-comment\n");
  CHECK(steps(bash + "\n        - >\n          a\n\n          # b\n\n          c\n").empty());
}

TEST_CASE("a here-document has to end where bash looks for its end") {
  CHECK(script("        cat <<EOF\n        x\n        EOF\n").empty());
  CHECK(script("        cat <<EOF\n        x\n          EOF\n") == "11:11 heredoc-indent\n");
  CHECK(script("        cat <<'EOF'\n          EOF\n") == "10:11 heredoc-indent\n");
  CHECK(script("        cat <<-EOF\n          EOF\n") == "10:11 heredoc-indent\n");
  CHECK(script("        cat <<-EOF\n        \tEOF\n").empty());
  CHECK(script("        cat <<<EOF\n          EOF\n").empty());
  CHECK(script("        echo $((1 << EOF))\n          EOF\n").empty());
  CHECK(script("        # cat <<EOF\n          EOF\n").empty());
  CHECK(script("        cat <<A\n        A\n        cat <<B\n          B\n") ==
        "12:11 heredoc-indent\n");
  CHECK(script("        cat <<EOF\n      x\n      EOF\n") == "10:7 heredoc-indent\n");
}

TEST_CASE("a script of here-documents without an end is looked at in no time") {
  std::string lines;
  for (int i = 0; i < 50'000; ++i) lines += "        cat <<E" + std::to_string(i) + "\n";
  CHECK(script(lines).empty());  // 50,000 searches of 50,000 lines would be seen
}
