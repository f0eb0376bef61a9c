#include "runner/controller/ssm_script.hpp"

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/process.hpp"
#include "runner/base/text.hpp"
#include "runner/report/relayed_output.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

/// What the script prints when `sh` runs it here.
std::string printed_by(const SsmScript& script, const std::string& path = {}) {
  std::string out;
  Command command;
  command.argv = {"/bin/sh", "-c", join(script.lines, "\n")};
  if (!path.empty()) command.environment = {{"PATH", path}};
  RealProcessRunner().run(command,
                          [&](Stream stream, std::string_view bytes) {
                            if (stream == Stream::out) out += bytes;
                          },
                          {}, {}, {});
  return out;
}

}  // namespace

TEST_CASE("what varies is in the first line, of an alphabet that no shell minds") {
  const std::vector<std::string> nasty{"a'b", "$(touch /x)", "`id`", "{{ssm:p}}", "x\ny\n", ""};
  const SsmScript script = relay_script("/no/agent", "00ff", "{\"s\": \"'\"}", nasty);
  const SsmScript other = relay_script("/other", "11", "", {"true"});
  REQUIRE(script.lines.size() == 3);
  CHECK(script.lines[1] == other.lines[1]);
  CHECK(script.lines[2] == other.lines[2]);
  CHECK(script.lines[0].find_first_not_of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= '") ==
        std::string::npos);
  for (const std::string& line : script.lines) CHECK(line.find("{{") == std::string::npos);
  CHECK_THROWS_AS(relay_script("/a", "00", "", {std::string("a\0b", 3)}), Error);
}

TEST_CASE("without an agent the shell answers, whatever the words are") {
  const SsmScript script = relay_script("/no/agent", "00ff", "",
                                        {"sh", "-c", "printf '%s|' \"$@\"; echo e >&2; exit 194",
                                         "sh", "a'b\"", "$(false) *", "x\n", ""});
  const auto answer = find_answer(printed_by(script), "00ff");
  REQUIRE(answer);
  CHECK(answer->kind == "shell");
  CHECK(answer->parts == std::vector<std::string>{"194", "a'b\"|$(false) *|x\n||", "e\n", "22"});
}

TEST_CASE("what is lost on the way from S3 is fetched again, but not for ever") {
  const TempDirectory folder(fs::temp_directory_path(), "fetch-");
  const auto program = [&](const std::string& name, const std::string& text) {
    write_file_atomically(folder.path() / name, "#!/bin/sh\n" + text);
    fs::permissions(folder.path() / name, fs::perms::owner_all);
  };
  const std::string here = folder.path().string();
  program("sleep", "");
  // Nothing, the half of it, and the whole.
  program("curl",
          "echo x >>" + here + "/tries; case $(wc -l <" + here + "/tries) in\n" +
              "1) echo 'curl: (52) Empty reply' >&2; exit 52;; 2) printf ha >\"$5\";; *) printf "
              "half >\"$5\";; esac\n");
  const std::string path = here + ":/usr/bin:/bin";
  const std::string sum = digest_of(DigestAlgorithm::sha256, "half");
  const SsmScript script = fetch_script("00ff", "https://x/", here + "/file", 0600, sum);
  CHECK(find_answer(printed_by(script, path), "00ff")->kind == "done");
  CHECK(read_file(here + "/file") == "half");

  program("curl", "echo 'curl: (52) Empty reply' >&2; exit 52\n");
  const auto failed = find_answer(printed_by(script, path), "00ff");
  CHECK(failed->kind == "unreachable");
  CHECK(failed->parts.at(0) == "curl: (52) Empty reply");
}

TEST_CASE("without an agent and words there is nothing to ask") {
  const auto answer = find_answer(printed_by(relay_script("/no/agent", "00ff", "{}", {})), "00ff");
  REQUIRE(answer);
  CHECK(answer->kind == "gone");
}

TEST_CASE("a file comes in pieces, in their order, and only as it was sent") {
  const TempDirectory folder(fs::temp_directory_path(), "pieces-");
  const std::string pieces = (folder.path() / "a file.d").string();
  const std::string path = (folder.path() / "a file").string();
  const std::string whole = std::string("one\0two\n", 8) + std::string(50000, 'x');
  const auto answer = [&](const SsmScript& script) {
    const auto found = find_answer(printed_by(script), "00ff");
    return found ? found->kind : "none";
  };
  CHECK(answer(piece_script("00ff", pieces, "00001", whole.substr(5))) == "done");
  CHECK(answer(piece_script("00ff", pieces, "00000", "in between")) == "done");
  CHECK(answer(piece_script("00ff", pieces, "00000", whole.substr(0, 5))) == "done");
  const std::string sum = digest_of(DigestAlgorithm::sha256, whole);
  CHECK(answer(join_script("00ff", pieces, false, path, 0640, sum)) == "done");
  CHECK(read_file(path) == whole);
  CHECK_FALSE(fs::exists(pieces));
  CHECK(answer(piece_script("00ff", pieces, "00000", "else")) == "done");
  CHECK(answer(join_script("00ff", pieces, false, path, 0640, sum)) == "failed");
  CHECK(read_file(path) == whole);
  CHECK_FALSE(fs::exists(pieces));
}
