#include "runner/report/relayed_output.hpp"

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

struct Reader {
  std::string out, err, end;
  ChunkReader chunks{[this](Frame kind, std::string_view payload) {
    (kind == Frame::out ? out : kind == Frame::err ? err : end) += payload;
  }};
};

std::string every_byte() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

}  // namespace

TEST_CASE("chunks that are cut anywhere give each byte once") {
  const std::string bytes = every_byte() + "toehold-chunk 0 1 00000000\n";
  const std::string all =
      encode_chunk(0, encode_frame(Frame::out, bytes) + encode_frame(Frame::err, "e")) +
      encode_chunk(1, "") + encode_chunk(2, encode_frame(Frame::out, bytes));
  for (std::size_t piece = 1; piece < 90; piece += 7) {
    Reader reader;
    for (std::size_t at = 0; at < all.size(); at += piece) {
      reader.chunks.take(std::string_view(all).substr(at, piece));
    }
    CHECK(reader.out == bytes + bytes);
    CHECK(reader.err == "e");
    CHECK(reader.chunks.next() == 3);
  }
}

TEST_CASE("a chunk that comes again is taken once") {
  Reader reader;
  const std::string first = encode_chunk(0, encode_frame(Frame::out, "a"));
  reader.chunks.take_whole(first);
  reader.chunks.take(first + encode_chunk(1, encode_frame(Frame::out, "b")));
  CHECK(reader.out == "ab");
}

TEST_CASE("a log event is taken by its number: once, and not before those that are missing") {
  Reader reader;
  std::vector<std::string> texts;
  for (std::uint64_t i = 0; i < 3; ++i) {
    const std::string text(1, static_cast<char>('a' + i));
    texts.push_back(encode_log_event(i, encode_chunk(i, encode_frame(Frame::out, text))));
  }
  CHECK(texts[2].starts_with("00000002 "));
  CHECK_FALSE(reader.chunks.take_log_event(texts[1]));
  CHECK(reader.chunks.take_log_event(texts[0]));
  CHECK(reader.chunks.take_log_event(texts[1]));
  CHECK(reader.chunks.take_log_event(texts[0]));
  CHECK(reader.chunks.take_log_event(texts[2]));
  CHECK(reader.out == "abc");
  for (const char* bad : {"", "x", "00000003", "00000003 ", "00000003 ?", "00000003 YQ==", "3"}) {
    CHECK_THROWS_AS(reader.chunks.take_log_event(bad), Error);
  }
}

TEST_CASE("a chunk that is cut, damaged or missing is refused, and nothing of it taken") {
  Reader reader;
  const std::string chunk = encode_chunk(0, encode_frame(Frame::out, "abc"));
  std::string damaged = chunk;
  damaged.back() = 'x';
  for (const std::string& bad :
       {std::string(), chunk.substr(0, chunk.size() - 1), chunk + "x", damaged,
        encode_chunk(1, encode_frame(Frame::out, "abc")), std::string(100, 'x'),
        std::string("toehold-chunk 0 99999999999 00000000\n"), std::string("<Error/>\n")}) {
    CHECK_THROWS_AS(reader.chunks.take_whole(bad), Error);
    CHECK(reader.out == "");
  }
  reader.chunks.take_whole(chunk);
  CHECK(reader.out == "abc");
}

TEST_CASE("an answer is found amid noise, and not when it is cut") {
  const std::string line = encode_answer("5a", {"inline", {every_byte(), ""}});
  const auto found = find_answer("motd: welcome" + line + "bye\n", "5a");
  REQUIRE(found);
  CHECK(found->kind == "inline");
  CHECK(found->parts == std::vector<std::string>{every_byte(), ""});
  CHECK_FALSE(find_answer(line, "5b"));
  CHECK_FALSE(find_answer("x toehold-5a inline .\n", "5a"));
  for (std::size_t length = 1; length + 1 < line.size(); ++length) {
    CHECK_FALSE(find_answer(line.substr(0, length), "5a"));
  }
}

TEST_CASE("the end of a program survives the way") {
  ProcessResult result;
  result.exit_code = 3;
  CHECK(decode_end(encode_end(result)).exit_code == 3);
  result = {};
  result.signal = 9;
  CHECK(decode_end(encode_end(result)).signal == 9);
  CHECK_FALSE(decode_end(encode_end(result)).exit_code);
}
