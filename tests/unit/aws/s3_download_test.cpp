#include <fcntl.h>
#include <unistd.h>

#include <atomic>

#include "runner/aws/s3.hpp"
#include "runner/base/base64.hpp"
#include "runner/base/crc.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_s3.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

constexpr std::uint64_t part = 100;

std::string noise(std::size_t size, std::uint32_t state = 1) {
  std::string bytes;
  while (bytes.size() < size) {
    state = state * 1664525 + 1013904223;
    bytes += static_cast<char>(state >> 24);
  }
  return bytes;
}

std::string crc(CrcKind kind, std::string_view bytes) {
  Crc crc(kind);
  crc.update(bytes);
  return crc.bytes();
}

class Download {
 public:
  /// What is in the file when it is finished; throws what the store throws.
  std::string get(const std::string& key = "k") {
    const FileDescriptor file(
        ::open((folder.path() / "file").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    opened = finished = 0;
    s3.get({{{"b", key, owner},
             [&] {
               ++opened;
               return file.get();
             },
             [&] { ++finished; }}},
           {deadline, stop.get_token(), {}, [this](const std::string& text) {
              notes.push_back(text);
            }});
    return read_file(folder.path() / "file");
  }
  std::string failure(const std::string& key = "k") {
    try {
      get(key);
      return {};
    } catch (const Error& error) {
      CHECK(finished == 0);
      return error.full_message() + (error.hint().empty() ? "" : " (" + error.hint() + ")");
    }
  }
  FakeS3::Object& object() { return fake.objects["b/k"]; }

  FakeS3 fake;
  aws::S3 s3{fake.session(), part};
  TempDirectory folder{fs::temp_directory_path(), "toehold-test-"};
  std::string owner;
  Deadline deadline;
  std::stop_source stop;
  std::vector<std::string> notes;
  int opened = 0, finished = 0;
};

}  // namespace

TEST_CASE("a small object is one call") {
  const auto size = GENERATE(0u, 1u, 100u, 199u, 200u);
  Download test;
  test.object().content = noise(size);
  CHECK(test.get() == noise(size));
  CHECK(test.fake.calls() == std::vector<std::string>{"GET /b/k "});
  CHECK(test.fake.header("GET", "x-amz-checksum-mode") == "ENABLED");
  CHECK(test.opened == 1);
  CHECK(test.finished == 1);
}

TEST_CASE("a big object comes in ranges of what the first answer described") {
  Download test;
  test.object().content = noise(1234);
  CHECK(test.get() == noise(1234));
  CHECK(test.fake.calls().size() == 13);
  CHECK(test.fake.count("GET /b/k bytes=1200-1233") == 1);
  CHECK(test.fake.header("bytes=1200-1233", "If-Match") == "\"etag-1\"");
  CHECK(test.opened == 1);
  CHECK(test.finished == 1);
}

TEST_CASE("an object without an ETag is not taken in ranges") {
  Download test;
  test.object().content = noise(1234);
  test.object().etag = GENERATE("", "W/\"weak\"");
  CHECK(test.get() == noise(1234));
  CHECK(test.fake.calls().size() == 1);
}

TEST_CASE("a broken range is gone on with where it was cut") {
  Download test;
  test.object().content = noise(1000);
  test.fake.faults = {{.call = "bytes=500-599", .cut = 33}, {.call = "bytes=533-599", .cut = 7}};
  CHECK(test.get() == noise(1000));
  CHECK(test.fake.count("bytes=540-599") == 1);
  CHECK(test.notes.size() == 2);
  CHECK(test.notes.at(0) == "s3://b/k: transfer closed with bytes remaining; trying again");
}

TEST_CASE("a small object that breaks is gone on with, too") {
  Download test;
  test.object().content = noise(150);
  test.object().headers = {
      {"x-amz-checksum-crc32", base64_encode(crc(CrcKind::crc32, noise(150)))}};
  test.fake.faults = {{.call = "GET", .cut = 33}};
  CHECK(test.get() == noise(150));
  CHECK(test.fake.calls() == std::vector<std::string>{"GET /b/k ", "GET /b/k bytes=33-149"});
  CHECK(test.fake.header("bytes=33-149", "If-Match") == "\"etag-1\"");
}

TEST_CASE("a range that breaks too often ends the transfer") {
  Download test;
  test.object().content = noise(1000);
  test.fake.faults = {{.call = "-599", .times = 99, .cut = 0}};
  CHECK_THAT(test.failure(),
             ContainsSubstring("s3://b/k: transfer closed") && ContainsSubstring("in attempt 5"));
}

TEST_CASE("SlowDown and other throttling is waited out") {
  Download test;
  test.object().content = noise(1000);
  test.fake.faults = {
      {.call = "GET /b/k ",
       .times = 2,
       .status = 503,
       .body = "<Error><Code>SlowDown</Code></Error>"},
      {.call = "bytes=300-", .status = 500, .body = "<Error><Code>InternalError</Code></Error>"}};
  CHECK(test.get() == noise(1000));
  CHECK(test.notes.at(0) == "s3://b/k: SlowDown; trying again");
}

TEST_CASE("an object that is replaced meanwhile is begun anew, once") {
  Download test;
  test.object().content = noise(1000);
  const auto replace = [&](const std::string& content, const std::string& etag) {
    return [&, content, etag] { test.object() = {content, etag, {}, 0}; };
  };
  SECTION("it is the new one") {
    test.fake.faults = {{.call = "bytes=500-", .before = replace(noise(777, 2), "\"etag-2\"")}};
    CHECK(test.get() == noise(777, 2));
    CHECK(test.opened == 1);
    CHECK(test.notes == std::vector<std::string>{
                            "s3://b/k: it was changed while it was downloaded; starting over"});
  }
  SECTION("not twice") {
    // The second one is longer: only when it is fetched is there a range beyond the first.
    test.fake.faults = {{.call = "bytes=500-", .before = replace(noise(1400, 2), "\"etag-2\"")},
                        {.call = "bytes=1200-", .before = replace(noise(800, 3), "\"etag-3\"")}};
    CHECK_THAT(test.failure(), ContainsSubstring("was changed while it was downloaded, and again"));
  }
}

TEST_CASE("a shorter new object leaves nothing of the old one behind") {
  Download test;
  test.object().content = noise(1000);
  test.fake.faults = {{.call = "bytes=900-", .before = [&] {
                         test.object() = {"short", "\"etag-2\"", {}, 0};
                       }}};
  CHECK(test.get() == "short");
}

TEST_CASE("every checksum that S3 has is checked") {
  const std::size_t size = GENERATE(150u, 1234u);
  const std::string content = noise(size);
  const auto [header, value] = GENERATE_COPY(table<std::string, std::string>(
      {{"x-amz-checksum-crc64nvme", crc(CrcKind::crc64nvme, content)},
       {"x-amz-checksum-crc32c", crc(CrcKind::crc32c, content)},
       {"x-amz-checksum-crc32", crc(CrcKind::crc32, content)},
       {"x-amz-checksum-sha256", Digest(DigestAlgorithm::sha256).finish_bytes()},
       {"x-amz-checksum-sha1", ""}}));
  std::string expected = value;
  for (const auto& [name, algorithm] :
       {std::pair("sha256", DigestAlgorithm::sha256), std::pair("sha1", DigestAlgorithm::sha1)}) {
    if (header.find(name) == std::string::npos) continue;
    Digest digest(algorithm);
    digest.update(content);
    expected = digest.finish_bytes();
  }
  Download test;
  test.object().content = content;
  test.object().headers = {{header, base64_encode(expected)}};
  SECTION("right") {
    CHECK(test.get() == content);
  }
  SECTION("wrong") {
    test.fake.faults = {{.call = size == 150 ? "GET" : "bytes=300-", .flip = 5}};
    CHECK_THAT(test.failure(), ContainsSubstring("checksum of what came is") &&
                                   ContainsSubstring(", not " + hex_encode(expected)));
  }
}

TEST_CASE("an ETag that is an MD5 is checked, one that is none is not") {
  Download test;
  test.object().content = noise(300);
  test.object().etag = '"' + digest_of(DigestAlgorithm::md5, noise(300)) + '"';
  test.fake.faults = {{.call = "bytes=100-", .flip = 0}};
  SECTION("plain") {
    CHECK_THAT(test.failure(), ContainsSubstring("the MD5 checksum of what came is"));
  }
  SECTION("encrypted with a key of KMS") {
    test.object().headers = {{"x-amz-server-side-encryption", "aws:kms"}};
    CHECK(test.get().size() == 300);
  }
}

TEST_CASE("a composite checksum is that of the parts' checksums") {
  const std::string content = noise(1234);
  std::string sums;
  for (std::size_t at = 0; at < content.size(); at += 500) {
    sums += crc(CrcKind::crc32, std::string_view(content).substr(at, 500));
  }
  Download test;
  test.object().content = content;
  test.object().part_size = 500;
  test.object().headers = {
      {"x-amz-checksum-crc32", base64_encode(crc(CrcKind::crc32, sums)) + "-3"}};
  SECTION("right") {
    CHECK(test.get() == content);
    CHECK(test.fake.count("HEAD /b/k?partNumber=1") == 1);
  }
  SECTION("wrong") {
    test.fake.faults = {{.call = "bytes=300-", .flip = 5}};
    CHECK_THAT(test.failure(), ContainsSubstring("the CRC32 checksum of what came is"));
  }
  SECTION("parts of several sizes") {
    test.object().part_size = 100;
    CHECK(test.get() == content);
    CHECK_THAT(test.notes.at(0), ContainsSubstring("its parts are of several sizes"));
  }
}

TEST_CASE("a wrong length is no success") {
  Download test;
  test.object().content = noise(1000);
  test.fake.faults = {{.call = "bytes=300-", .length = 10}};
  CHECK_THAT(test.failure(), ContainsSubstring("only 90 of 100 bytes came"));
}

TEST_CASE("an answer that is not the range is refused") {
  Download test;
  test.object().content = noise(1000);
  test.fake.faults = {{.call = "bytes=300-", .status = 200, .body = noise(100)}};
  CHECK_THAT(test.failure(), ContainsSubstring("not the range that was asked for"));
}

TEST_CASE("what is not allowed is named, with the object and its owner") {
  Download test;
  test.owner = "012345678901";
  test.fake.faults = {{.call = "GET",
                       .status = 403,
                       .body = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"}};
  const std::string message = test.failure();
  CHECK_THAT(message, ContainsSubstring("s3:GetObject on s3://b/k of account 012345678901") &&
                          ContainsSubstring("AccessDenied: no") &&
                          ContainsSubstring("without s3:ListBucket"));
  CHECK(test.opened == 0);
  CHECK(test.fake.header("GET", "x-amz-expected-bucket-owner") == "012345678901");
}

TEST_CASE("an object that is not there is no file") {
  Download test;
  CHECK_THAT(test.failure("none"), ContainsSubstring("s3://b/none: NoSuchKey"));
  CHECK(test.opened == 0);
}

TEST_CASE("keys go over the wire as they are") {
  Download test;
  const std::string key = "a b/+%2F/\"ü\"/../x";
  test.fake.objects["b/" + key].content = "odd";
  CHECK(test.get(key) == "odd");
  CHECK(test.fake.calls().at(0) == "GET /b/a%20b/%2B%252F/%22%C3%BC%22/../x ");
}

TEST_CASE("a stop or a deadline in the middle ends the transfer") {
  Download test;
  test.object().content = noise(1000);
  SECTION("stop") {
    test.fake.faults = {{.call = "bytes=500-", .before = [&] { test.stop.request_stop(); }}};
    CHECK_THAT(test.failure(), ContainsSubstring("cancelled"));
  }
  SECTION("deadline") {
    test.deadline = Deadline(test.fake.clock.monotonic());
    test.fake.faults = {{.call = "bytes=500-", .cut = 3}};
    CHECK_THAT(test.failure(), ContainsSubstring("transfer closed"));
  }
}

TEST_CASE("what opens or finishes a file may end the transfer") {
  Download test;
  test.object().content = "x";
  const auto refuse = []() -> int { throw Error(Error::Kind::io, "the disk is full"); };
  CHECK_THROWS_WITH(test.s3.get({{{"b", "k", {}}, refuse, [] {}}}, {}), "the disk is full");
}

TEST_CASE("many objects are had at once") {
  Download test;
  std::vector<ObjectDownload> downloads;
  std::vector<FileDescriptor> files(200);
  std::atomic<int> finished = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string key = "many/" + std::to_string(i);
    test.fake.objects["b/" + key].content = noise(i, 7);
    downloads.push_back({{"b", key, {}},
                         [&, i] {
                           const std::string path = test.folder.path() / std::to_string(i);
                           files[i] = FileDescriptor(
                               ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
                           return files[i].get();
                         },
                         [&] { ++finished; }});
  }
  test.s3.get(downloads, {});
  CHECK(finished == 200);
  for (std::size_t i = 0; i < files.size(); ++i) {
    CHECK(read_file(test.folder.path() / std::to_string(i)) == noise(i, 7));
  }
}

TEST_CASE("a list goes on from page to page and stops at what was asked for") {
  Download test;
  test.fake.page = 3;
  for (int i = 0; i < 8; ++i) test.fake.objects["b/p/ü +%" + std::to_string(i)].content = "x";
  test.fake.objects["b/q"].content = "x";
  const auto all = test.s3.list({"b", "p/", "1"}, 100, {});
  CHECK(all.size() == 8);
  CHECK(all.at(7).key == "p/ü +%7");
  CHECK(all.at(7).size == 1);
  CHECK(test.fake.calls().size() == 3);
  CHECK(test.fake.header("GET", "x-amz-expected-bucket-owner") == "1");
  CHECK(test.s3.list({"b", "p/", {}}, 4, {}).size() == 4);
  CHECK(test.fake.calls().size() == 5);
}

TEST_CASE("a list that is not allowed names s3:ListBucket and the bucket") {
  Download test;
  test.fake.faults = {
      {.call = "GET", .status = 403, .body = "<Error><Code>AccessDenied</Code></Error>"}};
  CHECK_THROWS_WITH(test.s3.list({"b", "p/", {}}, 9, {}),
                    ContainsSubstring("s3:ListBucket on s3://b/"));
}
