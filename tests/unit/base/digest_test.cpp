#include "runner/base/digest.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "runner/base/clock.hpp"
#include "runner/base/encoding.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/http.hpp"
#include "runner/base/pattern.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("published digests of abc") {
  CHECK(digest_of(DigestAlgorithm::md5, "abc") == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(digest_of(DigestAlgorithm::sha1, "abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(digest_of(DigestAlgorithm::sha256, "abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest_of(DigestAlgorithm::sha512, "abc").substr(0, 16) == "ddaf35a193617aba");
  CHECK(crc32c_hex("123456789") == "e3069283");
  CHECK(digest_algorithm("sha256") == DigestAlgorithm::sha256);
  CHECK_FALSE(digest_algorithm("sha3"));
  CHECK(random_hex(8).size() == 16);
  CHECK(random_hex(8) != random_hex(8));
}

TEST_CASE("encodings there and back, with the marks that files carry") {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
  for (const std::string& name : encoding_names()) {
    INFO(name);
    const Encoding encoding = *encoding_named(name);
    CHECK(decode_text(encode_text(text, encoding), encoding) == text);
  }
  CHECK(encode_text("a", Encoding::utf16_le) == std::string("a\0", 2));
  CHECK(encode_text("a", Encoding::utf16_be) == std::string("\0a", 2));
  CHECK(encode_text("a", Encoding::utf32_be) == std::string("\0\0\0a", 4));
  CHECK(decode_text("\xEF\xBB\xBF"
                    "a",
                    Encoding::utf8) == "a");
  CHECK(decode_text(std::string("\xFF\xFE"
                                "a\0",
                                4),
                    Encoding::utf16_le) == "a");
  CHECK(encoding_named("UTF-16-be") == Encoding::utf16_be);
  CHECK_FALSE(encoding_named("latin1"));
  CHECK_THROWS_AS(decode_text("\xFF", Encoding::utf8), Error);
  CHECK_THROWS_AS(decode_text("a", Encoding::utf16_le), Error);
  CHECK_THROWS_AS(decode_text(std::string("\x00\xD8", 2), Encoding::utf16_le), Error);
}

TEST_CASE("patterns are linear in whatever they are given") {
  std::string error;
  const auto pattern = Pattern::compile("(a+)+$", error);
  REQUIRE(pattern);
  CHECK_FALSE(pattern->matches(std::string(50'000, 'a') + "b"));
  CHECK_FALSE(Pattern::compile("(?=x)", error));
  CHECK_FALSE(error.empty());
}

TEST_CASE("a URL is shown without what may be secret") {
  CHECK(url_for_display("https://user:pw@host/a/b?X-Amz-Signature=1#f") == "https://host/a/b");
  CHECK(url_for_display("http://host/a@b") == "http://host/a@b");
}

TEST_CASE("files: whole or not at all, private, and locked by one") {
  const TempDirectory folder(fs::temp_directory_path(), "toehold-files-");
  const fs::path file = folder.path() / "f";
  write_file_atomically(file, "one");
  write_file_atomically(file, "two");
  CHECK(read_file(file) == "two");
  CHECK_THROWS_AS(read_file(file, 2), Error);
  CHECK_THROWS_WITH(read_file(folder.path() / "none"), ContainsSubstring("none"));
  CHECK_THROWS_AS(read_file(folder.path()), Error);
  CHECK_THROWS_AS(write_file_atomically(folder.path() / "no" / "f", "x"), Error);
  const FileLock lock(folder.path() / "lock");
  try {
    const FileLock second(folder.path() / "lock");
    FAIL("two holders");
  } catch (const Error& error) {
    CHECK(error.kind() == Error::Kind::busy);
    CHECK_THAT(error.what(), ContainsSubstring(std::to_string(::getpid())));
  }
}

TEST_CASE("a lock that a dying process has handed to its child for an instant is waited for") {
  const TempDirectory folder(fs::temp_directory_path(), "lock-");
  const fs::path path = folder.path() / "lock";
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  write_file_atomically(path, std::to_string(dead) + "\n");
  FileDescriptor held(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::flock(held.get(), LOCK_EX) == 0);
  std::thread child([&] {
    SystemClock().sleep_for(std::chrono::milliseconds(30), {});
    held.close();
  });
  CHECK_NOTHROW(FileLock(path));
  child.join();
}
