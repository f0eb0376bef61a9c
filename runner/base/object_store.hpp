// ObjectStore: objects in buckets, as actions and the agent see them. A seam: runner/aws/s3 stands
// behind it, tests have a fake. Many objects at once, so that the store may use several
// connections; it never makes, names or removes a file.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/clock.hpp"
#include "runner/base/files.hpp"

namespace toehold {

struct ObjectAddress {
  std::string bucket;
  std::string key;             // or a prefix
  std::string expected_owner;  // account id; empty: whoever owns it
};
/// "s3://bucket/key"
std::string to_string(const ObjectAddress& address);
/// The same read; the key may be empty. nullopt without the scheme or a bucket.
std::optional<ObjectAddress> parse_object_address(std::string_view text);

struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;
};

struct TransferControl {
  Deadline deadline;
  std::stop_token stop;
  /// Called now and then from the calling thread, for a screen; may be empty.
  std::function<void()> heartbeat;
  /// "s3://b/k: SlowDown; trying again": from the calling thread; may be empty.
  std::function<void(const std::string&)> note;
};

/// `open` is called once the object is known to be there and readable, before its first byte: an
/// empty file to write to. `finish`: all of it is written and its checksum is right. Each is called
/// at most once an object, from any thread, also for several objects at a time; what they throw
/// ends the transfer.
struct ObjectDownload {
  ObjectAddress address;
  std::function<int()> open;
  std::function<void()> finish;
};
/// `open` gives a regular file, which is closed when it has been read; it is called like that of a
/// download, and only when its turn has come.
struct ObjectUpload {
  ObjectAddress address;
  std::function<FileDescriptor()> open;
  std::string name;  // the file, for messages
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// The objects whose keys begin with `address.key`, in the order of keys; no more than `most`.
  virtual std::vector<ObjectInfo> list(const ObjectAddress& address, std::size_t most,
                                       const TransferControl& control) = 0;
  /// All, or Error(aws, network, io, timeout, cancelled) of the first that cannot be had; what was
  /// finished stays.
  virtual void get(const std::vector<ObjectDownload>& downloads,
                   const TransferControl& control) = 0;
  /// Likewise; what was uploaded before stays, a part of an object never does.
  virtual void put(const std::vector<ObjectUpload>& uploads, const TransferControl& control) = 0;
};

}  // namespace toehold
