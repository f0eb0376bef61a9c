#include "runner/document/raw_text.hpp"

#include "runner/document/codes.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

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

TEST_CASE("bytes that no text has are told by their place") {
  CHECK(findings("a: b\n").empty());
  CHECK(findings("a: \u00e9\t\r\n").empty());
  CHECK(findings(std::string("a: b\nc\0d", 8)) == "2:2 encoding\n");
  CHECK(findings("a\xff\nb\nc: \xe9\n") == "1:2 encoding\n3:4 encoding\n");
  CHECK(findings("a: \x1b[0m\n") == "1:4 encoding\n");
  CHECK(findings(std::string(5 << 20, 'a')) == "1:1 limit\n");
}
