// What a program prints on another machine, on its way to us in numbered chunks: as objects of a
// store, as events of a log, or cut anywhere out of one stream. Written by the agent's `relay`,
// read by the SSM transport; a chunk counts when it is whole, and once. Knows no network and no
// program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/base/process.hpp"
#include "runner/engine/remote_action.hpp"

namespace toehold {

/// What a chunk may have at most, its head included.
inline constexpr std::size_t most_chunk_bytes = 2u << 20;
/// A relay that has nothing to send sends an empty chunk after this time, as a sign of life.
inline constexpr std::chrono::seconds relay_heartbeat{15};

/// "toehold-chunk NUMBER BYTES CRC32C\n", then `frames`.
std::string encode_chunk(std::uint64_t number, std::string_view frames);
/// "00000007": the last part of an object's key.
std::string chunk_name(std::uint64_t number);

/// A chunk as the text of a log event: its name, a blank, and the chunk in base64.
std::string encode_log_event(std::uint64_t number, std::string_view chunk);

/// How a program ended, as the payload of the last frame, `Frame::outcome`.
std::string encode_end(const ProcessResult& result);
/// Throws Error(document).
ProcessResult decode_end(const std::string& text);

/// Takes chunks in bytes as they come and hands on their frames, in order, each once: a chunk that
/// was there already is left out.
class ChunkReader {
 public:
  explicit ChunkReader(FrameReader::OnFrame on_frame) : frames_(std::move(on_frame)) {}
  /// Throws Error(network) for what is no chunk, or is damaged, or when one is missing.
  void take(std::string_view bytes);
  /// The same for bytes that are one whole chunk; throws, and has taken nothing, when it is cut.
  void take_whole(std::string_view chunk);
  /// The same for what encode_log_event() has made; false, and nothing is taken, while one before
  /// it is missing.
  bool take_log_event(std::string_view text);
  /// The number of the chunk to come.
  std::uint64_t next() const { return next_; }

 private:
  /// Takes the chunk at the beginning; returns its length, or 0 when it is not all there.
  std::size_t take_one(std::string_view bytes, bool is_all);

  FrameReader frames_;
  std::string buffer_;
  std::uint64_t next_ = 0;
};

/// What `relay` is asked on its standard input.
struct RelayRequest {
  std::string work;  // "run", "read", "renew" or "stop"
  std::string mark;  // in the answer: told from everything else that is printed
  std::string id;    // of the relay: hex digits
  /// With "run" and "renew": where chunks are posted to, how their keys begin, for how long.
  std::string url;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string key_prefix;
  std::int64_t valid_seconds = 0;
  /// With "run": where events of a log go to if nothing reaches that; empty: nowhere.
  std::string log_group;
  std::string log_stream;
  std::string region;
  std::int64_t offset = 0;  // with "read": what has arrived
  bool packed = false;      // with "read": the answer may be "gzip" instead of "bytes"
};
std::string encode_relay_request(const RelayRequest& request);
/// Throws Error(document).
RelayRequest decode_relay_request(const std::string& text);

/// The line that a command on the machine answers with, amid anything else: "toehold-MARK KIND",
/// the parts in base64 and a full stop at its end.
struct RelayAnswer {
  std::string kind;
  std::vector<std::string> parts;
};
std::string encode_answer(const std::string& mark, const RelayAnswer& answer);
/// nullopt: there is none, or it is cut off.
std::optional<RelayAnswer> find_answer(std::string_view printed, const std::string& mark);

}  // namespace toehold
