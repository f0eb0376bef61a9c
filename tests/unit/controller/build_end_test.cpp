#include "runner/controller/build_end.hpp"

#include <cstdlib>

#include "runner/base/files.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

constexpr UnixMillis some_day = 1'700'000'000'000;

/// A state folder of its own.
struct Home {
  Home() { ::setenv("TOEHOLD_HOME", folder.path().c_str(), 1); }
  ~Home() { ::unsetenv("TOEHOLD_HOME"); }
  TempDirectory folder{"/tmp", "toehold-test-"};
};

/// A build that has begun to make a machine.
struct Build {
  Build() { folder.save(); }

  /// What `toehold builds` lists of it after this end.
  std::string listed_after(const BuildEnd& end) {
    record_end(folder, end);
    return list_builds().at(0).state;
  }

  Home home;
  BuildFolder folder = BuildFolder::create("web", some_day);
  std::int64_t machine = folder.inventory().plan("qemu", "machine", "/the/machine");
};

}  // namespace

TEST_CASE("a build that breaks off is not listed as running") {
  Build build;
  const BuildEnd end;
  SECTION("but as one that resume may go on with") {
    CHECK(build.listed_after(end) == "stopped");
    CHECK(is_unfinished(build.folder.record()));
  }
  SECTION("with a machine that was kept") {
    build.folder.inventory().set_state(build.machine, "kept");
    CHECK(build.listed_after(end) == "kept");
  }
  SECTION("once its image was delivered") {
    build.folder.record().state = "delivered";
    CHECK(build.listed_after(end) == "delivered");
  }
}

TEST_CASE("a build that comes to its end says how") {
  Build build;
  BuildEnd end;
  end.tried = true;
  CHECK(build.listed_after(end) == "failed");
  CHECK_FALSE(is_unfinished(build.folder.record()));
  end.code = ExitCode::success;
  CHECK(build.listed_after(end) == "succeeded");
}

TEST_CASE("a build that was refused before it made anything leaves nothing") {
  const ActionRegistry actions({});
  const CommandContext command{{"toehold", true}, actions, {}};
  const Home home;
  {
    BuildFolder refused = BuildFolder::create("refused", some_day);
    BuildFolder failed = BuildFolder::create("failed", some_day);
    failed.inventory().plan("qemu", "machine", "/the/machine");
    for (BuildFolder* folder : {&refused, &failed}) {
      const FolderEnd at_end{*folder, command};
      record_end(*folder, {});
    }
  }
  REQUIRE(list_builds().size() == 1);
  CHECK(list_builds().front().id.starts_with("failed-"));
}
