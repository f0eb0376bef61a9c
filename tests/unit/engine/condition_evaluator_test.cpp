#include "runner/engine/condition_evaluator.hpp"

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/pattern.hpp"
#include "runner/document/yaml.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

bool holds(const std::string& yaml) {
  const auto source = std::make_shared<SourceText>("c.yml", yaml);
  Diagnostics diagnostics(source);
  const auto value = read_yaml(source, diagnostics);
  REQUIRE(value);
  const auto condition = parse_condition(*value, "if", diagnostics);
  INFO(yaml);
  REQUIRE(condition);
  RealProcessRunner processes;
  const MachineProbe probe = probe_here(processes, {});
  return ConditionEvaluator(probe, [](const Value& v) { return v.text(); }).holds(*condition);
}

}  // namespace

TEST_CASE("texts: value OP operand, without regard to case") {
  CHECK(holds("{stringEquals: abc, value: ABC}"));
  CHECK_FALSE(holds("{stringEquals: abc, value: ' abc'}"));
  CHECK(holds("{stringLessThan: b, value: a}"));
  CHECK_FALSE(holds("{stringLessThan: a, value: b}"));
  CHECK_FALSE(holds("{stringLessThan: a, value: A}"));
  CHECK(holds("{stringLessThanEquals: a, value: A}"));
  CHECK(holds("{stringGreaterThan: a, value: b}"));
  CHECK(holds("{stringGreaterThanEquals: a, value: a}"));
  CHECK(holds("{stringLessThan: a, value: 1}"));
  CHECK(holds("{stringIsEmpty: ''}"));
  CHECK_FALSE(holds("{stringIsEmpty: ' '}"));
  CHECK(holds("{stringIsWhitespace: '  '}"));
  CHECK_FALSE(holds("{stringIsWhitespace: ''}"));
}

TEST_CASE("texts of all scripts compare without regard to case, as patterns do") {
  CHECK(holds("{stringEquals: straße, value: STRAßE}"));
  CHECK(holds("{stringEquals: ÄRGER, value: ärger}"));
  CHECK(holds("{stringEquals: 'Σίσυφος.*', value: 'ΣΊΣΥΦΟΣ.*'}"));
  CHECK(holds("{stringEquals: k, value: \u212a}"));  // the sign for kelvin
  CHECK_FALSE(holds("{stringEquals: ä.c, value: äbc}"));
  CHECK_FALSE(holds("{stringEquals: ä, value: ö}"));
  CHECK_FALSE(holds("{stringEquals: ä, value: äb}"));
  CHECK_FALSE(holds("{stringLessThan: ä, value: Ä}"));
  CHECK(holds("{stringGreaterThanEquals: ä, value: Ä}"));
  std::string lower, upper;
  for (int i = 0; i < 100'000; ++i) {
    lower += "ä";
    upper += "Ä";
  }
  CHECK(equals_folded(lower, upper));
  CHECK_FALSE(equals_folded(lower, upper + "."));
  CHECK_FALSE(equals_folded("\xff", "\xfe"));
}

TEST_CASE("patterns are RE2, search anywhere and ignore case") {
  CHECK(holds("{patternMatches: '^[a-z]+$', value: ThisIsValue}"));
  CHECK(holds("{patternMatches: 'is', value: ThisIsValue}"));
  CHECK_FALSE(holds("{patternMatches: '^is', value: ThisIsValue}"));
  CHECK_THROWS_AS(holds("{patternMatches: '(', value: x}"), Error);
}

TEST_CASE("numbers compare exactly and a text that is none is no match") {
  CHECK(holds("{numberEquals: 5, value: 5.0}"));
  CHECK(holds("{numberEquals: 5, value: '+005.00'}"));
  CHECK(holds("{numberEquals: 1000, value: 1e3}"));
  CHECK_FALSE(holds("{numberEquals: 1000, value: '1e3'}"));
  CHECK(holds("{numberEquals: 0.5, value: .5}"));
  CHECK(holds("{numberEquals: -.5, value: -0.50}"));
  CHECK(holds("{numberEquals: 5., value: 5}"));
  CHECK_FALSE(holds("{numberEquals: 0.5, value: '.5'}"));
  CHECK(holds("{numberGreaterThan: 1, value: 2}"));
  CHECK(holds("{numberLessThan: -1, value: -2}"));
  CHECK(holds("{numberLessThanEquals: 2, value: 2}"));
  CHECK(holds("{numberGreaterThanEquals: 2, value: 2}"));
  for (const char* op : {"numberEquals", "numberLessThan", "numberLessThanEquals",
                         "numberGreaterThan", "numberGreaterThanEquals"}) {
    CHECK_FALSE(holds("{" + std::string(op) + ": 1, value: one}"));
  }
  CHECK(compare_numbers("123456789012345678901234567890", "123456789012345678901234567891") == -1);
  CHECK(compare_numbers("0.1", "0.10000000000000000000000000001") == -1);
  CHECK(compare_numbers("-0", "0") == 0);
  CHECK(compare_numbers("9", "10") == -1);
  CHECK_FALSE(compare_numbers("1.", "1"));
  CHECK_FALSE(compare_numbers(".5", "1"));
}

TEST_CASE("files, folders and their digests") {
  const TempDirectory folder(fs::temp_directory_path(), "toehold-condition-");
  const std::string file = (folder.path() / "f").string();
  write_file_atomically(file, "abc");
  CHECK(holds("{fileExists: " + file + "}"));
  CHECK_FALSE(holds("{fileExists: " + folder.path().string() + "}"));
  CHECK(holds("{folderExists: " + folder.path().string() + "}"));
  CHECK_FALSE(holds("{folderExists: " + file + "}"));
  CHECK(holds("{fileMD5Equals: 900150983CD24FB0D6963F7D28E17F72, path: " + file + "}"));
  CHECK(holds("{fileSHA1Equals: a9993e364706816aba3e25717850c26c9cd0d89d, path: " + file + "}"));
  CHECK(holds("{fileSHA256Equals: " + digest_of(DigestAlgorithm::sha256, "abc") +
              ", path: " + file + "}"));
  CHECK_FALSE(holds("{fileSHA512Equals: " + digest_of(DigestAlgorithm::sha512, "abd") +
                    ", path: " + file + "}"));
  CHECK_FALSE(holds("{fileSHA256Equals: ab, path: /does/not/exist}"));
}

TEST_CASE("binaryExists asks bash, and the name is never a part of the script") {
  CHECK(holds("{binaryExists: sh}"));
  CHECK(holds("{binaryExists: cd}"));
  CHECK_FALSE(holds("{binaryExists: no-such-program-here}"));
  CHECK_FALSE(holds("{binaryExists: 'sh; true'}"));
  CHECK_FALSE(holds("{binaryExists: '$(true)'}"));
}

TEST_CASE("logic nests, and stops as soon as it can") {
  CHECK(holds("{and: [{stringEquals: a, value: a}, {not: {stringEquals: a, value: b}}]}"));
  CHECK(holds("{or: [{stringEquals: a, value: b}, {stringEquals: a, value: a}]}"));
  CHECK_FALSE(holds("{and: [{stringEquals: a, value: b}, {patternMatches: '(', value: x}]}"));
  CHECK(holds("{not: [{stringEquals: a, value: b}]}"));
}
