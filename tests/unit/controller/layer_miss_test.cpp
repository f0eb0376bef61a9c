#include "runner/controller/layer_miss.hpp"

#include "runner/base/files.hpp"
#include "runner/controller/layer_key.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

const Value inputs = Value::object({{"commands", "make"}, {"user", "root"}});

LayerConditions conditions() {
  LayerConditions result;
  result.environment = {{"PATH", "/bin"}};
  result.working_directory = "/tmp";
  result.binds = {"/src:/src:ro 12ab"};
  return result;
}

/// A store with one layer of build.Install, on the layer "below@1", made at 1000 seconds.
struct Store {
  TempDirectory folder{fs::temp_directory_path(), "miss-"};
  LayerStore store{folder.path() / "layers"};
  Store() {
    make_private_directory(folder.path() / "upper");
    LayerRecord record;
    record.key = std::string(64, 'a');
    record.parent = "below@1";
    record.action = "ExecuteBash";
    record.step = "build.Install";
    record.parts = key_parts(inputs, conditions());
    record.made = 1'000'000;
    store.put(record, folder.path() / "upper");
  }
  LayerMiss miss(const Value& now, const LayerConditions& around) const {
    return explain_miss(store,
                        {"build.Install", "ExecuteBash", "below@1", "", key_parts(now, around)});
  }
};

}  // namespace

TEST_CASE("a miss names what has changed") {
  const Store test;
  const std::string since = " since 1970-01-01T00:16:40Z";
  CHECK(test.miss(Value::object({{"commands", "make all"}, {"user", "root"}}), conditions()).why ==
        "input 'commands' has changed" + since);
  CHECK(test.miss(Value::object({{"commands", "make all"}, {"group", "adm"}}), conditions()).why ==
        "input 'commands', input 'group' and input 'user' have changed" + since);
  LayerConditions around = conditions();
  around.working_directory = "/";
  CHECK(test.miss(inputs, around).why == "the working directory has changed" + since);
  around = conditions();
  around.offline = true;
  CHECK(test.miss(inputs, around).why == "the network has changed" + since);
  around = conditions();
  around.environment.emplace_back("http_proxy", "x");
  CHECK(test.miss(inputs, around).why == "the environment has changed" + since);
  around = conditions();
  around.binds = {"/src:/src:ro 34cd"};
  CHECK(test.miss(inputs, around).why == "the folder /src has changed" + since);
  CHECK(test.miss(inputs, conditions()).why == "its layer is not whole any more" + since);
}

TEST_CASE("a miss tells the step's past from that of others") {
  const Store test;
  const Value parts = key_parts(inputs, conditions());
  const auto why = [&](const WantedLayer& wanted) { return explain_miss(test.store, wanted).why; };
  CHECK_THAT(why({"build.Install", "CreateFile", "below@1", "", parts}),
             StartsWith("its action was ExecuteBash since"));
  CHECK_THAT(why({"build.Install", "ExecuteBash", "below@2", "", parts}),
             StartsWith("what was done before it has changed since"));
  CHECK_THAT(why({"build.Install", "ExecuteBash", "host 2", "the base", parts}),
             StartsWith("the base has changed since"));
  const LayerMiss other = explain_miss(test.store, {"build.Other", "ExecuteBash", "x", "", parts});
  CHECK_FALSE(other.known_step);
  CHECK(other.why == "the cache has no step of this name");
}

TEST_CASE("what is kept of a key tells no value") {
  const Value secret = Value::object({{"password", "correct horse"}});
  const Value parts = key_parts(secret, conditions());
  for (const auto& part : parts.map()) {
    CHECK(part.value.text().find("correct") == std::string::npos);
  }
}
