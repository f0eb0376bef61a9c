#include <fstream>

#include "actions/builtin_actions.hpp"
#include "runner/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

Names list(FileHarness& harness, const std::string& folder,
           std::vector<std::pair<std::string, Value>> more = {}) {
  Value input = Value::object({{"path", harness.at(folder)}});
  for (auto& [key, value] : more) input.set(key, std::move(value));
  const std::string files = harness.does(list_files(), input).find("files")->text();
  Names names;
  if (files.empty()) return names;
  for (const std::string& path : split(files, ',')) {
    names.push_back(path.substr(harness.folder.path().string().size() + 1));
  }
  return names;
}

}  // namespace

TEST_CASE("ListFiles: files and links to them, sorted; no folders") {
  FileHarness harness;
  for (const char* name : {"d/b", "d/.a", "d/c d", "d/sub/x", "d/s*r/y"}) harness.write(name, "");
  harness.link("d/link", "b");
  harness.link("d/dangling", "nowhere");
  harness.link("d/folder-link", "sub");
  CHECK(list(harness, "d") == Names{"d/.a", "d/b", "d/c d", "d/dangling", "d/link"});
  CHECK(list(harness, "d/") == list(harness, "d"));
  CHECK(list(harness, "d", {{"recursive", "true"}}) ==
        Names{"d/.a", "d/b", "d/c d", "d/dangling", "d/link", "d/s*r/y", "d/sub/x"});
}

TEST_CASE("ListFiles: a pattern fits whole names") {
  FileHarness harness;
  for (const char* name : {"a.deb", ".b.deb", "c.deb.txt", "sub/d.deb", "sub.deb/e"}) {
    harness.write(name, "");
  }
  CHECK(list(harness, ".", {{"fileNamePattern", "*.deb"}}).size() == 2);
  CHECK(list(harness, ".", {{"fileNamePattern", "*.deb"}, {"recursive", true}}).size() == 3);
  CHECK(list(harness, ".", {{"fileNamePattern", "a.deb"}}).size() == 1);
  CHECK(list(harness, ".", {{"fileNamePattern", "sub*"}}).empty());
  CHECK(list(harness, ".", {{"fileNamePattern", "*d*b*"}}).size() == 3);
  CHECK(list(harness, ".", {{"fileNamePattern", "[ac].deb"}}).empty());
}

TEST_CASE("ListFiles: folder loops end, big folders are whole") {
  FileHarness harness;
  harness.make_folder("d/sub");
  harness.link("d/sub/up", "..");
  for (int i = 0; i < 200; ++i) std::ofstream(harness.at("d/sub/f" + std::to_string(i)));
  CHECK(list(harness, "d", {{"recursive", true}}).size() == 200);
}

TEST_CASE("ListFiles: no folder is an error, an empty one is not") {
  FileHarness harness;
  harness.make_folder("empty");
  harness.write("f", "");
  harness.link("link", "empty");
  CHECK(list(harness, "empty").empty());
  CHECK(list(harness, "link").empty());
  const auto why = [&](const std::string& name) {
    return harness.failure(list_files(), Value::object({{"path", harness.at(name)}}));
  };
  CHECK_THAT(why("none"), ContainsSubstring("No such file"));
  CHECK_THAT(why("f"), ContainsSubstring("Not a directory"));
  CHECK_THAT(harness.failure(list_files(), Value::object({{"path", harness.at("empty")},
                                                          {"fileNamePattern", "../*"}})),
             ContainsSubstring("for names, not for paths"));
}

TEST_CASE("ListFiles: one output a listed folder") {
  FileHarness harness;
  harness.write("a/x", "");
  harness.write("b/y", "");
  const Outcome outcome =
      harness.run(list_files(), Value(Value::List{Value::object({{"path", harness.at("a")}}),
                                                  Value::object({{"path", harness.at("b")}})}));
  const auto& outputs = std::get<Succeeded>(outcome).outputs;
  REQUIRE(outputs.size() == 2);
  CHECK(outputs[1].find("files")->text() == harness.at("b/y"));
  CHECK(check_findings(list_files(), Value::object({{"path", "/x"}, {"fileNamePattern", "a/*"}}))
            .size() == 1);
}
