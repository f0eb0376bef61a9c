#include "runner/report/relayed_output.hpp"

#include <algorithm>
#include <cstdio>

#include "runner/base/base64.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/json_record.hpp"
#include "runner/base/number.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr std::string_view chunk_word = "toehold-chunk ";
constexpr std::size_t most_head_bytes = 80;

struct FlatEnd {
  std::optional<std::int64_t> exit_code;
  std::int64_t signal = 0;
  bool cancelled = false;
  std::string start_error;
};

const Fields<FlatEnd>& end_fields() {
  // clang-format off
  static const Fields<FlatEnd> fields = Fields<FlatEnd>{}
      .optional("exitCode", &FlatEnd::exit_code, "Of the program.")
      .optional("signal", &FlatEnd::signal, "That ended it.")
      .optional("cancelled", &FlatEnd::cancelled, "It was stopped.")
      .optional("startError", &FlatEnd::start_error, "Why it did not start.");
  // clang-format on
  return fields;
}

const Fields<RelayRequest>& request_fields() {
  // clang-format off
  static const Fields<RelayRequest> fields = Fields<RelayRequest>{}
      .required("work", &RelayRequest::work, "run, read, renew or stop.")
      .required("mark", &RelayRequest::mark, "In the answer.")
      .required("id", &RelayRequest::id, "Of the relay.")
      .optional("url", &RelayRequest::url, "Where chunks are posted to.")
      .optional("fields", &RelayRequest::fields, "Of the form.")
      .optional("keyPrefix", &RelayRequest::key_prefix, "Of the chunks.")
      .optional("validSeconds", &RelayRequest::valid_seconds, "How long chunks are taken there.")
      .optional("logGroup", &RelayRequest::log_group, "Where chunks go to as log events.")
      .optional("logStream", &RelayRequest::log_stream, "In the group.")
      .optional("region", &RelayRequest::region, "Of the group.")
      .optional("offset", &RelayRequest::offset, "Bytes that have arrived.")
      .optional("packed", &RelayRequest::packed, "The answer may be packed.");
  // clang-format on
  return fields;
}

[[noreturn]] void refuse(const std::string& why) {
  throw Error(Error::Kind::network, "the relayed output is damaged: " + why);
}

}  // namespace

std::string encode_chunk(std::uint64_t number, std::string_view frames) {
  return std::string(chunk_word) + std::to_string(number) + " " + std::to_string(frames.size()) +
         " " + crc32c_hex(frames) + "\n" + std::string(frames);
}

std::string chunk_name(std::uint64_t number) {
  char name[24];
  std::snprintf(name, sizeof name, "%08llu", static_cast<unsigned long long>(number));
  return name;
}

std::string encode_log_event(std::uint64_t number, std::string_view chunk) {
  return chunk_name(number) + " " + base64_encode(chunk);
}

std::string encode_end(const ProcessResult& result) {
  FlatEnd flat;
  if (result.exit_code) flat.exit_code = *result.exit_code;
  flat.signal = result.signal;
  flat.cancelled = result.cancelled;
  flat.start_error = result.start_error;
  return to_json(end_fields().encode(flat));
}

ProcessResult decode_end(const std::string& text) {
  const FlatEnd flat = decode_json(end_fields(), text, "the end of the program");
  ProcessResult result;
  if (flat.exit_code) result.exit_code = static_cast<int>(*flat.exit_code);
  result.signal = static_cast<int>(flat.signal);
  result.cancelled = flat.cancelled;
  result.start_error = flat.start_error;
  return result;
}

void ChunkReader::take(std::string_view bytes) {
  buffer_ += bytes;
  std::size_t at = 0;
  while (const std::size_t length = take_one(std::string_view(buffer_).substr(at), false)) {
    at += length;
  }
  buffer_.erase(0, at);
}

void ChunkReader::take_whole(std::string_view chunk) {
  if (take_one(chunk, true) == 0) refuse("a chunk is cut off");
}

bool ChunkReader::take_log_event(std::string_view text) {
  const std::size_t blank = std::min(text.find(' '), text.size());
  const auto number = parse_number(text.substr(0, blank));
  if (!number) refuse("there is no number of a chunk");
  if (*number != next_) return *number < next_;
  const auto chunk = base64_decode(text.substr(std::min(blank + 1, text.size())));
  if (!chunk) refuse("a chunk is no base64");
  take_whole(*chunk);
  return true;
}

std::size_t ChunkReader::take_one(std::string_view bytes, bool is_all) {
  const std::size_t end = bytes.substr(0, most_head_bytes).find('\n');
  if (end == std::string_view::npos) {
    if (bytes.size() >= most_head_bytes) refuse("there is no head of a chunk");
    return 0;
  }
  const std::string_view head = bytes.substr(0, end);
  if (!head.starts_with(chunk_word)) refuse("there is no head of a chunk");
  const auto words = split(head.substr(chunk_word.size()), ' ');
  if (words.size() != 3) refuse("the head of a chunk is none");
  const auto number = parse_number(words[0]);
  const auto size = parse_number(words[1]);
  if (!number || !size || *size > most_chunk_bytes) refuse("the head of a chunk is none");
  if (bytes.size() - end - 1 < *size) return 0;
  if (is_all && bytes.size() - end - 1 > *size) refuse("there is something behind a chunk");
  const std::string_view frames = bytes.substr(end + 1, *size);
  if (crc32c_hex(frames) != words[2]) refuse("the checksum of a chunk is wrong");
  if (*number > next_) refuse("chunk " + std::to_string(next_) + " is missing");
  if (*number == next_) {
    ++next_;
    frames_.take(frames);
    if (!frames_.is_between_frames()) refuse("a chunk ends within a frame");
  }
  return end + 1 + *size;
}

std::string encode_relay_request(const RelayRequest& request) {
  return to_json(request_fields().encode(request));
}

RelayRequest decode_relay_request(const std::string& text) {
  return decode_json(request_fields(), text, "the request");
}

std::string encode_answer(const std::string& mark, const RelayAnswer& answer) {
  std::string line = "\ntoehold-" + mark + " " + answer.kind;
  for (const std::string& part : answer.parts) line += " =" + base64_encode(part);
  return line + " .\n";
}

std::optional<RelayAnswer> find_answer(std::string_view printed, const std::string& mark) {
  const std::string begin = "toehold-" + mark + " ";
  const std::size_t at = printed.rfind(begin);
  if (at == std::string_view::npos || (at > 0 && printed[at - 1] != '\n')) return std::nullopt;
  printed.remove_prefix(at + begin.size());
  const auto words = split(trim(printed.substr(0, printed.find('\n'))), ' ');
  if (words.size() < 2 || words.back() != ".") return std::nullopt;
  RelayAnswer answer{words.front(), {}};
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    const auto part = words[i].starts_with('=') ? base64_decode(words[i].substr(1)) : std::nullopt;
    if (!part) return std::nullopt;
    answer.parts.push_back(*part);
  }
  return answer;
}

}  // namespace toehold
