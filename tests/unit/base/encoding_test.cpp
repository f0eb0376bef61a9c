#include "runner/base/encoding.hpp"

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace std::string_literals;

namespace {

const std::string text = "a\u00e9\u20ac\U0001f600";  // one to four bytes of UTF-8

std::string message(const std::string& bytes, Encoding encoding) {
  try {
    decode_text(bytes, encoding);
  } catch (const Error& error) {
    return error.what() + (error.hint().empty() ? "" : " | " + error.hint());
  }
  return "";
}

}  // namespace

TEST_CASE("encoding names: every spelling, in any case") {
  CHECK(encoding_names().size() == 14);
  for (const std::string& name : encoding_names()) CHECK(encoding_named(name));
  CHECK(encoding_named("UTF-8") == Encoding::utf8);
  CHECK(encoding_named("utf16") == Encoding::utf16_le);
  CHECK(encoding_named("Utf-16-le") == Encoding::utf16_le);
  CHECK(encoding_named("utf16-BE") == Encoding::utf16_be);
  CHECK(encoding_named("UTF-32") == Encoding::utf32_le);
  CHECK(encoding_named("utf32-be") == Encoding::utf32_be);
  CHECK_FALSE(encoding_named("latin1"));
  CHECK_FALSE(encoding_named(""));
}

TEST_CASE("encodings: bytes as the standard has them, without a mark") {
  CHECK(encode_text(text, Encoding::utf8) == text);
  CHECK(encode_text(text, Encoding::utf16_le) == "a\0\xe9\0\xac\x20\x3d\xd8\x00\xde"s);
  CHECK(encode_text(text, Encoding::utf16_be) == "\0a\0\xe9\x20\xac\xd8\x3d\xde\x00"s);
  CHECK(encode_text(text, Encoding::utf32_le) == "a\0\0\0\xe9\0\0\0\xac\x20\0\0\x00\xf6\x01\x00"s);
  CHECK(encode_text(text, Encoding::utf32_be) == "\0\0\0a\0\0\0\xe9\0\0\x20\xac\x00\x01\xf6\x00"s);
}

TEST_CASE("encodings: what was written is read again, with a mark or without") {
  for (const Encoding encoding : {Encoding::utf8, Encoding::utf16_le, Encoding::utf16_be,
                                  Encoding::utf32_le, Encoding::utf32_be}) {
    CHECK(decode_text(encode_text(text, encoding), encoding) == text);
    CHECK(decode_text(encode_text("\ufeff" + text, encoding), encoding) == text);
    CHECK(decode_text("", encoding).empty());
    // Only the first one is a mark.
    CHECK(decode_text(encode_text("\ufeff\ufeff", encoding), encoding) == "\ufeff");
  }
}

TEST_CASE("encodings: malformed text is refused with its offset") {
  CHECK(message("ab\xff", Encoding::utf8) == "the text is malformed at byte 2");
  CHECK(message("\xef\xbb\xbf\xff", Encoding::utf8) == "the text is malformed at byte 3");
  CHECK(message("\xc0\xaf", Encoding::utf8) == "the text is malformed at byte 0");  // overlong
  CHECK(message("a\xed\xa0\x80", Encoding::utf8) ==
        "the text is malformed at byte 1");  // surrogate
  CHECK(message("a\0b"s, Encoding::utf16_le) == "the text is malformed at byte 2");
  CHECK(message("\xff\xfe\x3d\xd8"s, Encoding::utf16_le) == "the text is malformed at byte 2");
  CHECK(message("a\0\0\0\0\0\x11\0"s, Encoding::utf32_le) == "the text is malformed at byte 4");
  CHECK_THROWS_WITH(encode_text("x\x80", Encoding::utf16_be), "the text is malformed at byte 1");
}

TEST_CASE("encodings: a mark of the other byte order says which encoding it is") {
  CHECK_THAT(message("\xfe\xff\0a"s, Encoding::utf16_le), ContainsSubstring("add -BE"));
  CHECK_THAT(message("\xff\xfe"
                     "a\0"s,
                     Encoding::utf16_be),
             ContainsSubstring("add -LE"));
  CHECK_THAT(message("\0\0\xfe\xff"s, Encoding::utf32_le), ContainsSubstring("add -BE"));
}
