// S3: the ObjectStore that is Amazon S3. Made by the composition root; does nothing, and costs
// nothing, until it is first asked. Transfers use several connections, buffers of bounded size, and
// the checksums that S3 knows of.
#pragma once

#include "runner/aws/session.hpp"
#include "runner/base/object_store.hpp"

namespace toehold::aws {

class S3 final : public ObjectStore {
 public:
  /// The session outlives it. Objects of more than two parts go over several connections.
  explicit S3(Session& session, std::uint64_t least_part = 8u << 20)
      : session_(session), least_part_(least_part) {}

  std::vector<ObjectInfo> list(const ObjectAddress& address, std::size_t most,
                               const TransferControl& control) override;
  /// An object that is replaced meanwhile is begun anew once.
  void get(const std::vector<ObjectDownload>& downloads, const TransferControl& control) override;
  /// Parts of an upload that fails or is stopped are removed again, which may take 10 s.
  void put(const std::vector<ObjectUpload>& uploads, const TransferControl& control) override;

 private:
  Session& session_;
  std::uint64_t least_part_;
};

}  // namespace toehold::aws
