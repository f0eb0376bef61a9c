// S3Upload: one file on its way into an object, a big one in parts over several connections. Made
// by S3 for each file of a transfer; its jobs run in the crew's threads. Sends a CRC64NVME with all
// that it sends, so that S3 refuses what was damaged on its way or changed while it was read.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "runner/aws/crew.hpp"
#include "runner/aws/s3_calls.hpp"
#include "runner/base/crc.hpp"

namespace toehold::aws {

class S3Upload {
 public:
  /// Source and crew outlive it, and it outlives the crew's work.
  S3Upload(const ObjectUpload& source, std::uint64_t least_part, Crew& crew);
  /// The first job; it adds the others.
  void start(Client& client);
  /// Removes the parts of an upload that did not come to its end; called when no job runs any more.
  /// Says what could not be removed, or nothing.
  std::string give_up(Client& client, Deadline deadline);

 private:
  struct Part {
    std::string etag;
    Crc crc{CrcKind::crc64nvme};
  };

  void put_whole(Client& client);
  void begin_parts(Client& client);
  void send_part(Client& client, std::size_t number);
  void complete(Client& client);
  Crc crc_of(std::uint64_t first, std::uint64_t end) const;
  HttpUpload piece(std::uint64_t first, std::uint64_t end) const;
  Call call_for(const char* operation, const char* method) const;
  std::size_t read(std::uint64_t offset, char* to, std::size_t most) const;

  const ObjectUpload& source_;
  const std::uint64_t least_part_;
  Crew& crew_;
  const Control control_;
  FileDescriptor file_;
  std::uint64_t size_ = 0;
  std::uint64_t part_ = 0;
  std::string upload_id_;  // empty: no parts are there
  std::vector<Part> parts_;
  std::atomic<std::size_t> open_parts_ = 0;
};

}  // namespace toehold::aws
