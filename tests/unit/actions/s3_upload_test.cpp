#include <unistd.h>

#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

class Uploads : public FileHarness {
 public:
  Uploads() {
    write("r/a.txt", "A");
    write("r/b.log", "BB");
    write("r/.hidden", "H");
    write("r/sub/c.txt", "C");
    write("r/sub/deep/d", "D");
    make_folder("r/empty");
  }
  Value item(const std::string& source, const std::string& to,
             std::initializer_list<std::pair<std::string, Value>> more = {}) {
    Value value = Value::object({{"source", at(source)}, {"destination", to}});
    for (const auto& [key, given] : more) value.set(key, given);
    return value;
  }
  Names put(const std::string& source, const std::string& to, bool recurse = false) {
    objects.objects.clear();
    does(s3_upload(), item(source, to, {{"recurse", Value(recurse ? "true" : "false")}}));
    Names names;
    for (const auto& [name, content] : objects.objects) names.push_back(name);
    return names;
  }
  std::string refusal(const std::string& source, const std::string& to) {
    return failure(s3_upload(), item(source, to));
  }
};

}  // namespace

TEST_CASE("S3Upload puts one file where it is told, or under its name below a prefix") {
  Uploads test;
  CHECK(test.put("r/a.txt", "s3://b/x/y.txt") == Names{"b/x/y.txt"});
  CHECK(test.objects.objects["b/x/y.txt"] == "A");
  CHECK(test.notes == Names{"S3Upload: " + test.at("r/a.txt") + " -> s3://b/x/y.txt (1 B)"});
  CHECK(test.put("r/a.txt", "s3://b/x/") == Names{"b/x/a.txt"});
  CHECK(test.put("r/a.txt", "s3://b/") == Names{"b/a.txt"});
  CHECK(test.put("r/a.txt", "s3://b") == Names{"b/a.txt"});
}

TEST_CASE("S3Upload with '*' takes the files of a folder") {
  Uploads test;
  CHECK(test.put("r/*", "s3://b/x/") == Names{"b/x/.hidden", "b/x/a.txt", "b/x/b.log"});
  CHECK(test.notes.back() == "S3Upload: " + test.at("r/*") + " -> s3://b/x/ (3 files, 4 B)");
  CHECK(test.put("r/*.txt", "s3://b/x/") == Names{"b/x/a.txt"});
  CHECK(test.put("r/*.txt", "s3://b/x") == Names{"b/x/a.txt"});  // several: always a prefix
}

TEST_CASE("S3Upload with recurse takes the folders below, too") {
  Uploads test;
  const Names all{"b/x/.hidden", "b/x/a.txt", "b/x/b.log", "b/x/sub/c.txt", "b/x/sub/deep/d"};
  CHECK(test.put("r/*", "s3://b/x/", true) == all);
  CHECK(test.put("r", "s3://b/x", true) == all);
  CHECK(test.put("r/", "s3://b/x/", true) == all);
  CHECK(test.put("r/s*", "s3://b", true) == Names{"b/sub/c.txt", "b/sub/deep/d"});
}

TEST_CASE("S3Upload says what it needs for a folder, and what it does not find") {
  Uploads test;
  CHECK(test.refusal("r", "s3://b/x/").find("recurse: true") != std::string::npos);
  CHECK(test.refusal("none", "s3://b/x/").find("cannot read") != std::string::npos);
  CHECK(test.refusal("r/*.zip", "s3://b/x/").find("no file fits") != std::string::npos);
  CHECK(test.refusal("none/*", "s3://b/x/").find("cannot open the folder") != std::string::npos);
  CHECK(test.refusal("*/a.txt", "s3://b/x/").find("only in the last part") != std::string::npos);
  CHECK(test.refusal("r/a.txt/", "s3://b/x/").find("names a folder") != std::string::npos);
  CHECK(test.refusal("r/a.txt", "b/x/").find("s3://BUCKET/KEY") != std::string::npos);
  CHECK(test.objects.calls.empty());
}

TEST_CASE("S3Upload follows links to files, and leaves out the rest with a word") {
  Uploads test;
  test.make_folder("s");
  test.link("s/to-file", test.at("r/a.txt"));
  test.link("s/to-folder", test.at("r"));
  test.link("s/to-nothing", "nowhere");
  ::mkfifo(test.at("s/pipe").c_str(), 0600);
  CHECK(test.put("s", "s3://b/x/", true) == Names{"b/x/to-file"});
  CHECK(test.objects.objects["b/x/to-file"] == "A");
  CHECK(test.notes.size() == 4);
  CHECK(test.notes[0].find("s/pipe is left out") != std::string::npos);
  CHECK(test.put("s/to-folder", "s3://b/x/", true).size() == 5);  // named by its own name
  CHECK(test.refusal("s/pipe", "s3://b/x").find("is a named pipe") != std::string::npos);
}

TEST_CASE("S3Upload refuses names that can be no key before anything goes up") {
  Uploads test;
  test.write("n/ok", "x");
  test.write("n/\xff", "x");
  CHECK(test.refusal("n/*", "s3://b/").find("not UTF-8") != std::string::npos);
  CHECK(test.refusal("r/a.txt", "s3://b/" + std::string(1025, 'k')).find("1,024") !=
        std::string::npos);
  CHECK(test.objects.objects.empty());
}

TEST_CASE("S3Upload names the account that must own the bucket") {
  Uploads test;
  test.does(s3_upload(), test.item("r/a.txt", "s3://b/", {{"expectedBucketOwner", "1"}}));
  CHECK(test.objects.calls == Names{"put b/a.txt 1"});
}

TEST_CASE("S3Upload keeps what went up before a failure") {
  Uploads test;
  test.objects.broken = "b/b.log";
  CHECK(test.refusal("r/*", "s3://b/").find("the connection broke") != std::string::npos);
  CHECK(test.objects.objects.size() == 2);
}
