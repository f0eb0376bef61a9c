#include <fcntl.h>
#include <unistd.h>

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

std::string bytes_of(std::size_t size) {
  std::string bytes;
  while (bytes.size() < size) bytes += std::to_string(bytes.size()) + ",";
  bytes.resize(size);
  return bytes;
}

std::string crc64(std::string_view bytes) {
  Crc crc(CrcKind::crc64nvme);
  crc.update(bytes);
  return base64_encode(crc.bytes());
}

class Upload {
 public:
  void put(const std::string& content, const std::string& key = "k") {
    const fs::path path = folder.path() / "file";
    write_file_atomically(path, content);
    s3.put({{{"b", key, {}},
             [path] { return FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); },
             "the file"}},
           {{}, stop.get_token(), {}, [this](const std::string& text) { notes.push_back(text); }});
  }
  std::string failure(const std::string& content) {
    try {
      put(content);
      return {};
    } catch (const Error& error) {
      return error.full_message();
    }
  }

  FakeS3 fake;
  aws::S3 s3{fake.session(), part};
  TempDirectory folder{fs::temp_directory_path(), "toehold-test-"};
  std::stop_source stop;
  std::vector<std::string> notes;
};

}  // namespace

TEST_CASE("a small file is put in one call, with its checksum") {
  const auto size = GENERATE(0u, 1u, 200u);
  Upload test;
  test.put(bytes_of(size));
  CHECK(test.fake.objects.at("b/k").content == bytes_of(size));
  CHECK(test.fake.calls() == std::vector<std::string>{"PUT /b/k "});
  CHECK(test.fake.header("PUT", "x-amz-checksum-crc64nvme") == crc64(bytes_of(size)));
  CHECK(test.fake.header("PUT", "x-amz-content-sha256") == "UNSIGNED-PAYLOAD");
}

TEST_CASE("a big file goes up in parts, and S3 can check the whole") {
  Upload test;
  test.put(bytes_of(1234));
  CHECK(test.fake.objects.at("b/k").content == bytes_of(1234));
  CHECK(test.fake.count("PUT /b/k?partNumber=") == 13);
  CHECK(test.fake.open_uploads() == 0);
  CHECK(test.fake.header("POST /b/k?uploads=", "x-amz-checksum-type") == "FULL_OBJECT");
  CHECK(test.fake.header("partNumber=13", "x-amz-checksum-crc64nvme") ==
        crc64(bytes_of(1234).substr(1200)));
  const std::string complete = "POST /b/k?uploadId=";
  CHECK(test.fake.header(complete, "x-amz-checksum-crc64nvme") == crc64(bytes_of(1234)));
  CHECK(test.fake.header(complete, "x-amz-mp-object-size") == "1234");
}

TEST_CASE("a part that fails in passing is sent again") {
  Upload test;
  test.fake.faults = {
      {.call = "partNumber=5", .cut = 0},
      {.call = "partNumber=7", .status = 503, .body = "<Error><Code>SlowDown</Code></Error>"}};
  test.put(bytes_of(1000));
  CHECK(test.fake.objects.at("b/k").content == bytes_of(1000));
  CHECK(test.notes.size() == 2);
}

TEST_CASE("no part of an upload that fails stays") {
  Upload test;
  const std::string denied = "<Error><Code>AccessDenied</Code></Error>";
  SECTION("at a part") {
    test.fake.faults = {{.call = "partNumber=5", .status = 403, .body = denied}};
    CHECK_THAT(test.failure(bytes_of(1000)), ContainsSubstring("s3:PutObject on s3://b/k"));
  }
  SECTION("at the end, in the body of a success") {
    test.fake.faults = {{.call = "POST /b/k?uploadId", .status = 200, .body = denied}};
    CHECK_THAT(test.failure(bytes_of(1000)), ContainsSubstring("AccessDenied"));
  }
  SECTION("by a stop") {
    test.fake.faults = {{.call = "partNumber=5", .before = [&] { test.stop.request_stop(); }}};
    CHECK_THAT(test.failure(bytes_of(1000)), ContainsSubstring("cancelled"));
  }
  CHECK(test.fake.count("DELETE /b/k?uploadId=") == 1);
  CHECK(test.fake.open_uploads() == 0);
  CHECK(test.fake.objects.empty());
}

TEST_CASE("parts that cannot be removed are told of") {
  Upload test;
  test.fake.faults = {
      {.call = "partNumber=5", .status = 403, .body = "<Error><Code>AccessDenied</Code></Error>"},
      {.call = "DELETE", .status = 403, .body = "<Error><Code>AccessDenied</Code></Error>"}};
  CHECK_FALSE(test.failure(bytes_of(1000)).empty());
  CHECK_THAT(test.notes.back(), ContainsSubstring("are still there: s3:AbortMultipartUpload"));
}

TEST_CASE("an end that S3 could not reach is asked for again") {
  Upload test;
  test.fake.faults = {{.call = "POST /b/k?uploadId",
                       .times = 2,
                       .status = 200,
                       .body = "<Error><Code>InternalError</Code></Error>"}};
  test.put(bytes_of(1000));
  CHECK(test.fake.objects.at("b/k").content == bytes_of(1000));
}

TEST_CASE("a file that becomes shorter while it is read is said to") {
  Upload test;
  const fs::path path = test.folder.path() / "file";
  test.fake.faults = {{.call = "POST /b/k?uploads", .before = [&] { fs::resize_file(path, 250); }}};
  CHECK_THAT(test.failure(bytes_of(1000)), ContainsSubstring("the file became shorter"));
  CHECK(test.fake.open_uploads() == 0);
}
