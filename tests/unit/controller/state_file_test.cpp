#include "runner/controller/state_file.hpp"

#include <sys/stat.h>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

unsigned mode_of(const fs::path& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

StateHolder some_holder() {
  StateHolder holder = holder_here(1000);
  holder.id = "a1";
  return holder;
}

}  // namespace

TEST_CASE("a build's folder goes through the text and is private where it arrives") {
  const TempDirectory from(fs::temp_directory_path(), "state-");
  const TempDirectory to(fs::temp_directory_path(), "state-");
  make_private_directory(from.path() / "state-build");
  make_private_directory(from.path() / "logs");
  write_file_atomically(from.path() / "build.json", "{}\n");
  write_file_atomically(from.path() / "key", "line\nline \"quoted\"\n");
  write_file_atomically(from.path() / "lock", "12");
  write_file_atomically(from.path() / "build.log", std::string((8u << 20) + 1, '.'));
  write_file_atomically(from.path() / "holder", "id");
  write_file_atomically(from.path() / "known_hosts", "host");
  write_file_atomically(from.path() / "logs" / "console.log", "long");
  write_file_atomically(from.path() / "state-build" / "stage.json", "{\"done\": true}");
  write_file_atomically(to.path() / "boot-id", "of before");
  write_file_atomically(to.path() / "lock", "13");

  const StateFile state = read_state_file(to_text({some_holder(), {}, read_folder(from.path())}));
  CHECK(state.files.size() == 3);
  CHECK(state.holder.id == "a1");
  CHECK_FALSE(state.holder.released);
  CHECK(to_string(state.holder).find("(process ") != std::string::npos);
  write_folder(to.path(), state.files);
  CHECK(read_file(to.path() / "key") == "line\nline \"quoted\"\n");
  CHECK(read_file(to.path() / "state-build" / "stage.json") == "{\"done\": true}");
  CHECK(mode_of(to.path() / "key") == 0600);
  CHECK(mode_of(to.path() / "state-build") == 0700);
  CHECK_FALSE(fs::exists(to.path() / "boot-id"));
  CHECK(read_file(to.path() / "lock") == "13");
}

TEST_CASE("a state whose files would lead out of the folder is refused") {
  for (const char* name : {"../key", "/etc/passwd", "state-build/../../key", "logs/key", ".ssh",
                           "lock", "state-build/x/y", ""}) {
    CAPTURE(name);
    CHECK_THROWS_AS(read_state_file(to_text({some_holder(), {}, {{name, "x"}}})), Error);
  }
  CHECK_THROWS_AS(read_state_file("no JSON"), Error);
  CHECK_THROWS_AS(read_state_file("{}"), Error);
  const std::string newer =
      replace_all(to_text({some_holder(), {}, {}}), "\"format\":1", "\"format\":2");
  CHECK_THROWS_AS(read_state_file(newer), Error);
}
