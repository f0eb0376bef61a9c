#include "runner/controller/layer_key.hpp"

#include "runner/base/files.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("a layer's key changes with everything that decides the step") {
  const Value inputs = Value::object({{"commands", Value(Value::List{Value("make")})}});
  LayerConditions conditions;
  conditions.environment = {{"PATH", "/bin"}};
  conditions.working_directory = "/tmp";
  const std::string key = layer_key("parent", "ExecuteBash", inputs, conditions);
  CHECK(key.size() == 64);
  CHECK(layer_key("parent", "ExecuteBash", inputs, conditions) == key);
  CHECK(layer_key("other", "ExecuteBash", inputs, conditions) != key);
  CHECK(layer_key("parent", "ExecuteBinary", inputs, conditions) != key);
  CHECK(layer_key("parent", "ExecuteBash", Value(), conditions) != key);
  LayerConditions changed = conditions;
  changed.environment = {{"PATH", "/usr/bin"}};
  CHECK(layer_key("parent", "ExecuteBash", inputs, changed) != key);
  changed = conditions;
  changed.working_directory = "/";
  CHECK(layer_key("parent", "ExecuteBash", inputs, changed) != key);
  changed = conditions;
  changed.offline = true;
  CHECK(layer_key("parent", "ExecuteBash", inputs, changed) != key);
  changed = conditions;
  changed.binds = {"/srv /srv 123"};
  CHECK(layer_key("parent", "ExecuteBash", inputs, changed) != key);
}

TEST_CASE("what depends on more than the sandbox is not cached, with the reason") {
  const auto download = [](std::initializer_list<std::pair<std::string, Value>> item) {
    return Value(Value::List{Value::object(item)});
  };
  CHECK(why_not_cached("ExecuteBash", Value()).empty());
  CHECK(why_not_cached("CreateFile", Value()).empty());
  CHECK_FALSE(why_not_cached("UpdateOS", Value()).empty());
  CHECK_FALSE(why_not_cached("S3Upload", Value()).empty());
  CHECK_FALSE(why_not_cached("WebDownload", download({{"source", "https://x/y"}})).empty());
  CHECK_FALSE(
      why_not_cached("WebDownload", download({{"source", "https://x/y"}, {"checksum", "00"}}))
          .empty());
  CHECK(why_not_cached("WebDownload",
                       download({{"source", "s"}, {"checksum", "00"}, {"algorithm", "MD5"}}))
            .empty());
}

TEST_CASE("a folder's fingerprint sees names, contents, modes and links") {
  const TempDirectory folder(fs::temp_directory_path(), "fingerprint-");
  const fs::path& top = folder.path();
  const std::string empty = folder_fingerprint(top);
  CHECK(folder_fingerprint(top) == empty);
  write_file_atomically(top / "a", "1");
  const std::string one = folder_fingerprint(top);
  CHECK(one != empty);
  write_file_atomically(top / "a", "22");
  const std::string longer = folder_fingerprint(top);
  CHECK(longer != one);
  fs::permissions(top / "a", fs::perms(0755));
  const std::string mode = folder_fingerprint(top);
  CHECK(mode != longer);
  fs::create_symlink("a", top / "b");
  CHECK(folder_fingerprint(top) != mode);
  CHECK(folder_fingerprint(top, {"b"}) == folder_fingerprint(top, {"b"}));
}
