#include "actions/builtin_actions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/file_harness.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

class Downloads : public FileHarness {
 public:
  Downloads() {
    make_folder("to");
    objects.objects = {{"b/one", "the one"}, {"b/p/a", "A"}, {"b/p/sub/c", "C"}, {"b/pp", "no"}};
  }
  Value item(const std::string& source, const std::string& to,
             std::initializer_list<std::pair<std::string, Value>> more = {}) {
    Value value = Value::object({{"source", source}, {"destination", at(to)}});
    for (const auto& [key, given] : more) value.set(key, given);
    return value;
  }
  void get(const std::string& source, const std::string& to) {
    does(s3_download(), item(source, to));
  }
  std::string refusal(const std::string& source, const std::string& to,
                      std::initializer_list<std::pair<std::string, Value>> more = {}) {
    return failure(s3_download(), item(source, to, more));
  }
};

}  // namespace

TEST_CASE("S3Download puts one object into one file") {
  Downloads test;
  test.get("s3://b/one", "to/file");
  CHECK(test.read("to/file") == "the one");
  CHECK(test.mode("to/file") == (0666 & ~caller_umask()));
  CHECK(test.below() == Names{"to", "to/file"});
  CHECK(test.objects.calls == Names{"get b/one"});
  CHECK(test.notes == Names{"S3Download: s3://b/one -> " + test.at("to/file") + " (7 B)"});
}

TEST_CASE("S3Download with a '/' at the end of the destination keeps the key's name") {
  Downloads test;
  test.get("s3://b/p/sub/c", "to/");
  CHECK(test.read("to/c") == "C");
}

TEST_CASE("S3Download names the account that must own the bucket, in every call") {
  Downloads test;
  test.does(s3_download(),
            test.item("s3://b/p/*", "to/", {{"expectedBucketOwner", "012345678901"}}));
  CHECK(test.objects.calls ==
        Names{"list b/p/ 012345678901", "get b/p/a 012345678901", "get b/p/sub/c 012345678901"});
}

TEST_CASE("S3Download replaces a file as a whole and keeps its mode") {
  Downloads test;
  test.write("to/file", "the old one, which is longer", 0640);
  test.get("s3://b/one", "to/file");
  CHECK(test.read("to/file") == "the one");
  CHECK(test.mode("to/file") == 0640);
}

TEST_CASE("S3Download writes to what a link points to, and not over devices and folders") {
  Downloads test;
  test.write("real", "old");
  test.link("to/link", test.at("real"));
  test.get("s3://b/one", "to/link");
  CHECK(test.read("real") == "the one");
  CHECK(test.refusal("s3://b/one", "to").find("is a folder, not a file") != std::string::npos);
  CHECK(test.objects.calls.size() == 1);
}

TEST_CASE("S3Download fails before anything is asked when the folder is missing") {
  Downloads test;
  CHECK(test.refusal("s3://b/one", "none/file").find("cannot open the folder") !=
        std::string::npos);
  CHECK(test.refusal("s3://b/p/*", "none/").find("CreateFolder") != std::string::npos);
  CHECK(test.objects.calls.empty());
}

TEST_CASE("S3Download with overwrite false leaves a file that exists") {
  Downloads test;
  test.write("to/file", "mine");
  test.write("to/sub/c", "mine");
  const std::string wanted = " exists and overwrite is false";
  CHECK(test.refusal("s3://b/one", "to/file", {{"overwrite", Value("false")}}).find(wanted) !=
        std::string::npos);
  CHECK(
      test.refusal("s3://b/p/*", "to", {{"overwrite", Value("false")}}).find("to/sub/c" + wanted) !=
      std::string::npos);
  CHECK(test.objects.calls == Names{"list b/p/"});
  CHECK(test.read("to/file") == "mine");
  CHECK_FALSE(test.there("to/a"));
}

TEST_CASE("S3Download recreates the folders below a prefix") {
  Downloads test;
  test.objects.objects["b/p/"] = "";
  test.objects.objects["b/p/empty/"] = "";
  test.get("s3://b/p/*", "to/");
  CHECK(test.below("to") == Names{"a", "empty", "sub", "sub/c"});
  CHECK(test.read("to/sub/c") == "C");
  CHECK(test.mode("to/sub") == (0777 & ~caller_umask()));
  CHECK(test.notes == Names{"S3Download: s3://b/p/* -> " + test.at("to") + "/ (2 objects, 2 B)"});
}

TEST_CASE("S3Download takes a whole bucket") {
  Downloads test;
  test.get("s3://b/*", "to");
  CHECK(test.below("to") == Names{"one", "p", "p/a", "p/sub", "p/sub/c", "pp"});
}

TEST_CASE("S3Download refuses keys that lead out of the folder, and names them") {
  const auto [key, why] =
      GENERATE(table<std::string, std::string>({{"p/../x", "there is a '..' in its key"},
                                                {"p/a/../../x", "there is a '..' in its key"},
                                                {"p/..", "there is a '..' in its key"},
                                                {"p/./x", "there is a '.' in its key"},
                                                {"p//etc/x", "there is a '/' too many"},
                                                {"p/a//x", "there is a '/' too many"},
                                                {"p/x/", "its key ends in '/'"}}));
  Downloads test;
  test.objects.objects["b/" + key] = "evil";
  const std::string message = test.refusal("s3://b/p/*", "to/");
  CHECK(message.find("s3://b/" + key) != std::string::npos);
  CHECK(message.find(why) != std::string::npos);
  CHECK(test.below() == Names{"to"});  // nothing of it, and nothing else
}

TEST_CASE("S3Download refuses a NUL in a key") {
  Downloads test;
  test.objects.objects[std::string("b/p/x\0y", 7)] = "evil";
  CHECK(test.refusal("s3://b/p/*", "to/").find("NUL") != std::string::npos);
  CHECK(test.below() == Names{"to"});
}

TEST_CASE("S3Download takes keys that only look dangerous as they are") {
  Downloads test;
  test.objects.objects = {{"b/p/%2e%2e", "1"}, {"b/p/..x", "2"}, {"b/p/a\\..\\b", "3"}};
  test.get("s3://b/p/*", "to/");
  CHECK(test.below("to") == Names{"%2e%2e", "..x", "a\\..\\b"});
}

TEST_CASE("S3Download does not follow a link inside of the destination") {
  Downloads test;
  test.make_folder("outside");
  test.link("to/sub", test.at("outside"));
  CHECK(test.refusal("s3://b/p/*", "to/").find("to/sub is in the way of a folder") !=
        std::string::npos);
  CHECK(test.below("outside") == Names{});
}

TEST_CASE("S3Download of a prefix replaces a link, and not what it points to") {
  Downloads test;
  test.write("target", "old");
  test.link("to/a", test.at("target"));
  test.get("s3://b/p/*", "to/");
  CHECK(test.read("to/a") == "A");
  CHECK(test.read("target") == "old");
}

TEST_CASE("S3Download refuses an object that others stand below") {
  Downloads test;
  test.objects.objects["b/p/sub"] = "a file";
  CHECK(test.refusal("s3://b/p/*", "to/").find("cannot be a file and a folder") !=
        std::string::npos);
  CHECK(test.below("to") == Names{});
}

TEST_CASE("S3Download takes 1,000 objects and refuses one more before it begins") {
  Downloads test;
  test.objects.objects.clear();
  for (int i = 0; i < 1000; ++i) test.objects.objects["b/many/" + std::to_string(i)] = "x";
  test.get("s3://b/many/*", "to/");
  CHECK(test.below("to").size() == 1000);
  test.make_folder("again");
  test.objects.objects["b/many/1000"] = "x";
  CHECK(test.refusal("s3://b/many/*", "again/").find("more than 1000 objects below s3://b/many/") !=
        std::string::npos);
  CHECK(test.below("again") == Names{});
}

TEST_CASE("S3Download says when there is nothing below a prefix") {
  Downloads test;
  CHECK(test.refusal("s3://b/nothing/*", "to/") == "there is no object below s3://b/nothing/");
}

TEST_CASE("S3Download leaves no part of a file, and keeps what came before") {
  Downloads test;
  test.objects.broken = "b/p/sub/c";
  CHECK(test.refusal("s3://b/p/*", "to/").find("the connection broke") != std::string::npos);
  CHECK(test.below("to") == Names{"a", "sub"});
  test.objects.broken = "b/one";
  CHECK_FALSE(test.refusal("s3://b/one", "to/file").empty());
  CHECK_FALSE(test.there("to/file"));
}

TEST_CASE("S3Download says what is wrong with a resolved address") {
  Downloads test;
  CHECK(test.refusal("https://b/one", "to/file").find("is no address of an object") !=
        std::string::npos);
  CHECK(test.refusal("s3://b", "to/file").find("s3://BUCKET/KEY") != std::string::npos);
}
