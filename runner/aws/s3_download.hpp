// S3Download: one object on its way into a file, in ranges over several connections where that
// pays. Made by S3 for each object of a transfer; its jobs run in the crew's threads.
// Never names a file, never leaves one in place that is not whole.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runner/aws/crew.hpp"
#include "runner/aws/s3_calls.hpp"
#include "runner/aws/s3_checksum.hpp"

namespace toehold::aws {

class S3Download {
 public:
  /// Target and crew outlive it, and it outlives the crew's work.
  S3Download(const ObjectDownload& target, std::uint64_t least_part, Crew& crew);
  /// The first job; it adds the others.
  void start(Client& client);

 private:
  /// Bytes of the object that one call asks for, and how far they have come.
  struct Range {
    std::uint64_t first = 0, end = 0, at = 0;
    std::optional<Crc> crc;
    bool is_whole() const { return at == end; }
  };

  void learn(const HttpResponse& head);
  Range range_of(std::size_t number) const;
  void begin_ranges();
  void fetch_range(Client& client, std::size_t number);
  Call ranged_call(Range& range);
  bool take(Range& range, std::string_view bytes);
  void settle(Client& client, const Call& call, const Answer& answer, const Range& range);
  void end_range(Client& client);
  void start_over();
  void check_sum(Client& client);
  std::optional<std::uint64_t> size_of_parts(Client& client);
  void write(std::uint64_t offset, std::string_view bytes) const;
  [[noreturn]] void fail(const std::string& what, const std::string& hint = {}) const;

  const ObjectDownload& target_;
  const std::uint64_t least_part_;
  Crew& crew_;
  const std::string resource_;
  const Control control_;
  int file_ = -1;
  bool has_started_over_ = false;
  // Of the object as the first answer has it.
  std::uint64_t size_ = 0;
  std::uint64_t part_ = 0;
  std::string etag_;
  std::optional<ObjectChecksum> checksum_;
  std::vector<std::optional<Crc>> crcs_;  // of the ranges
  std::atomic<std::size_t> open_ranges_ = 0;
  std::atomic<bool> has_changed_ = false;
};

}  // namespace toehold::aws
