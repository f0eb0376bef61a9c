#include "runner/controller/layer_store.hpp"

#include <atomic>
#include <cstdlib>
#include <thread>

#include "runner/base/json.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

struct Fixture {
  TempDirectory folder{fs::temp_directory_path(), "layers-"};
  LayerStore store{folder.path() / "store"};

  fs::path upper(const std::string& content) {
    const fs::path path = folder.path() / "upper";
    fs::create_directories(path);
    if (!content.empty()) write_file_atomically(path / "file", content);
    return path;
  }
  static LayerRecord record(const std::string& key) {
    LayerRecord record;
    record.key = key;
    record.parent = "below";
    record.action = "ExecuteBash";
    record.step = "build.Install";
    record.outputs = Value(Value::List{Value::object({{"stdout", "x"}})});
    record.made = record.used = 1000;
    return record;
  }
};

}  // namespace

TEST_CASE("a layer is found again with its files and outputs") {
  Fixture f;
  CHECK_FALSE(f.store.find("k1"));
  f.store.put(Fixture::record("k1"), f.upper("hello"));
  const auto found = f.store.find("k1");
  REQUIRE(found);
  CHECK(found->has_files);
  CHECK(found->bytes == 5);
  CHECK(found->outputs.list().front().find("stdout")->text() == "x");
  CHECK(read_file(f.store.files(*found) / "file") == "hello");
  CHECK_FALSE(fs::exists(f.folder.path() / "upper"));
}

TEST_CASE("builds side by side keep the same layer, each its own") {
  const TempDirectory folder(fs::temp_directory_path(), "layers-");
  constexpr int rounds = 50;
  std::atomic<int> failures{0};
  const auto build = [&](const std::string& name) {
    try {
      LayerStore store(folder.path() / "store");
      for (int i = 0; i < rounds; ++i) {
        const fs::path upper = folder.path() / name;
        fs::create_directories(upper);
        write_file_atomically(upper / "file", name + std::to_string(i));
        const LayerRecord kept = store.put(Fixture::record("k1"), upper);
        if (read_file(store.files(kept) / "file") != name + std::to_string(i)) ++failures;
        if (!store.find("k1")) ++failures;
      }
    } catch (const std::exception&) {
      ++failures;
    }
  };
  { std::jthread one(build, "one"), two(build, "two"); }
  CHECK(failures == 0);
}

TEST_CASE("a step that changed no file has a record only") {
  Fixture f;
  f.store.put(Fixture::record("k1"), f.upper(""));
  const auto found = f.store.find("k1");
  REQUIRE(found);
  CHECK_FALSE(found->has_files);
  CHECK_FALSE(fs::exists(f.store.files(*found)));
}

TEST_CASE("a layer that is made anew is another one, and the old files stay as they were") {
  Fixture f;
  const LayerRecord first = f.store.put(Fixture::record("k1"), f.upper("first"));
  const LayerRecord second = f.store.put(Fixture::record("k1"), f.upper("second"));
  CHECK(identity_of(first) != identity_of(second));
  CHECK(read_file(f.store.files(first) / "file") == "first");
  const auto found = f.store.find("k1");
  REQUIRE(found);
  CHECK(read_file(f.store.files(*found) / "file") == "second");
}

TEST_CASE("after a power cut only what was made durable counts") {
  Fixture f;
  f.store.put(Fixture::record("kept"), f.upper("a"));
  f.store.make_durable();
  f.store.put(Fixture::record("lost"), f.upper("b"));
  for (const char* key : {"kept", "lost"}) {
    const fs::path file = f.store.folder() / key / "record.json";
    Value record = parse_json(read_file(file));
    record.set("bootId", "an earlier one");
    write_file_atomically(file, to_json(record));
  }
  CHECK(f.store.find("kept"));
  CHECK_FALSE(f.store.find("lost"));
  // Made again, it takes the place of what is not to be trusted.
  const LayerRecord again = f.store.put(Fixture::record("lost"), f.upper("c"));
  REQUIRE(f.store.find("lost"));
  CHECK(read_file(f.store.files(again) / "file") == "c");
}

TEST_CASE("a half record, or one without its files, is none") {
  Fixture f;
  const LayerRecord made = f.store.put(Fixture::record("k1"), f.upper("a"));
  fs::remove_all(f.store.files(made));
  CHECK_FALSE(f.store.find("k1"));
  f.store.put(Fixture::record("k2"), f.upper("a"));
  write_file_atomically(f.store.folder() / "k2" / "record.json", "{\"key\": \"k2\"");
  CHECK_FALSE(f.store.find("k2"));
  CHECK(f.store.list().size() == 1);
}

TEST_CASE("layers can be removed") {
  Fixture f;
  f.store.put(Fixture::record("k1"), f.upper("a"));
  f.store.remove("k1");
  CHECK(f.store.list().empty());
  CHECK_FALSE(fs::exists(f.store.folder() / "k1"));
}
