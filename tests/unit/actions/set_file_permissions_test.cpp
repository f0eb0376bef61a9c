#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Value permissions(const std::string& path, const Value& mode) {
  return Value::object({{"path", path}, {"permissions", mode}});
}

}  // namespace

TEST_CASE("SetFilePermissions: octal text, without umask, through links") {
  FileHarness harness;
  harness.write("f", "", 0000);
  harness.link("link", "f");
  const auto becomes = [&](const Value& text) {
    harness.does(set_file_permissions(), permissions(harness.at("link"), text));
    return harness.mode("f");
  };
  CHECK(becomes("0755") == 0755);
  CHECK(becomes(Value::scalar(Value::Kind::integer, "0777")) == 0777);
  CHECK(becomes(Value::scalar(Value::Kind::integer, "766")) == 0766);
  CHECK(becomes("0o640") == 0640);
  CHECK(becomes("4711") == 04711);
}

TEST_CASE("SetFilePermissions: errors change nothing") {
  FileHarness harness;
  harness.write("f", "", 0640);
  harness.make_folder("d");
  const auto why = [&](const std::string& name, const std::string& mode) {
    return harness.failure(set_file_permissions(), permissions(harness.at(name), mode));
  };
  for (const char* wrong : {"493x", "8", "0o8", "u+x", ""}) {
    CHECK_THAT(why("f", wrong), ContainsSubstring("not an octal mode"));
  }
  CHECK_THAT(why("d", "755"), ContainsSubstring("is a folder"));
  CHECK_THAT(why("none", "755"), ContainsSubstring("No such file"));
  CHECK(harness.mode("f") == 0640);
}

TEST_CASE("SetFilePermissions: checks and tables") {
  CHECK(check_findings(set_file_permissions(), permissions("/x", "{{ m }}")).empty());
  CHECK(check_findings(set_file_permissions(), permissions("/x", "0799")).size() == 1);
  CHECK(check_findings(set_file_permissions(), permissions("/x/", "0644")).size() == 1);
  CHECK(set_file_permissions().info.repeatable);
}
