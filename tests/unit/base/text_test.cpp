#include "runner/base/text.hpp"

#include "runner/base/diagnostic.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("nothing that is shown drives the terminal") {
  CHECK(printable("\033[31mred\033[0m") == "red");
  CHECK(printable("a\033]0;title\007b\033]8;;x\033\\c") == "abc");
  CHECK(printable("a\033]open\nb") == "aopen\nb");
  CHECK(printable("a\033cb\033") == "ab");
  CHECK(printable("a\x7f\x08\r\tb\n") == "a\tb\n");
}

TEST_CASE("split and join are each other's inverse") {
  CHECK(split("a,,b", ',') == std::vector<std::string>{"a", "", "b"});
  CHECK(split("", ',') == std::vector<std::string>{""});
  CHECK(join(split("a,,b", ','), ",") == "a,,b");
}

TEST_CASE("the nearest name is found, and nothing when all are far") {
  const std::vector<std::string> names{"commands", "path", "overwrite"};
  CHECK(closest_match("command", names) == "commands");
  CHECK(closest_match("Path", names) == "path");
  CHECK(closest_match("pth", names) == "path");
  CHECK_FALSE(closest_match("encoding", names));
  CHECK_FALSE(closest_match("", names));
  CHECK(did_you_mean("overwrit", names) == "did you mean 'overwrite'?");
}

TEST_CASE("UTF-8 is checked as the standard has it") {
  CHECK_FALSE(find_invalid_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
  CHECK(find_invalid_utf8("a\xC0\x80") == 1);         // overlong
  CHECK(find_invalid_utf8("\xED\xA0\x80") == 0);      // surrogate
  CHECK(find_invalid_utf8("ab\xE2\x82") == 2);        // cut
  CHECK(find_invalid_utf8("\xF4\x90\x80\x80") == 0);  // beyond U+10FFFF
  CHECK(to_valid_utf8("a\xFF") == "a\xEF\xBF\xBD");
  const std::string mark = "\xEF\xBF\xBD";
  CHECK(to_valid_utf8("\xF0\x9F\x98|\x80") ==
        mark + "|" + mark);  // one for a character's beginning
  CHECK(to_valid_utf8("\xE2\x82\xE2\x82") == mark + mark);
  CHECK(to_valid_utf8("\xF0\x9F") == mark);
  CHECK(to_valid_utf8("\xED\xA0\x80") == mark + mark + mark);  // begins nothing
}

TEST_CASE("nothing that a step prints can command the terminal") {
  CHECK(printable("\033[31mred\033[0m \a\b\x7f ok\t") == "red  ok\t");
  CHECK(printable("a\033]0;title") == "a0;title");
}

TEST_CASE("durations and sizes") {
  CHECK(format_duration(0.0421) == "42ms");
  CHECK(format_duration(12.34) == "12.3s");
  CHECK(format_duration(184) == "3m04s");
  CHECK(format_duration(3720) == "1h02m");
  CHECK(format_size(12) == "12 B");
  CHECK(format_size(1536) == "1.5 KiB");
}

TEST_CASE("a finding shows its line and a caret, by characters") {
  const auto source = std::make_shared<SourceText>("a.yml", "name: caf\xC3\xA9 x\r\nnext\n");
  Diagnostics diagnostics(source);
  static constexpr DiagnosticCode code{"some-code", ""};
  diagnostics.error(code, {1, 13}, "it is wrong", "write y");
  CHECK(render_text(diagnostics.items()[0], false) ==
        "a.yml:1:12: error[some-code]: it is wrong\n"
        " 1 | name: caf\xC3\xA9 x\n"
        "   |            ^\n"
        "  = write y\n");
  CHECK(render_github(diagnostics.items()[0]) ==
        "::error file=a.yml,line=1,col=12,title=some-code::it is wrong%0Awrite y\n");
}

TEST_CASE("an explained place gets no second error") {
  Diagnostics diagnostics(nullptr);
  static constexpr DiagnosticCode code{"some-code", ""};
  diagnostics.error(code, {1, 1}, "first");
  diagnostics.explained({1, 1});
  diagnostics.error(code, {1, 1}, "second");
  diagnostics.error(code, {1, 2}, "elsewhere");
  CHECK(diagnostics.items().size() == 2);
}

TEST_CASE("places and offsets agree") {
  const SourceText source("t", "ab\ncd\n");
  CHECK(source.location_at(4) == SourceLocation{2, 2});
  CHECK(source.offset_of({2, 2}) == 4);
  CHECK(source.line(2) == "cd");
  CHECK(source.line(9).empty());
}
