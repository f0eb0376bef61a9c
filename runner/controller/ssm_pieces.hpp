// A file for an instance that has no way to S3: in pieces, each inside a command. Called by the SSM
// transport when S3 was tried; slow, and so only for what an agent needs.
#pragma once

#include <filesystem>
#include <string>

#include "runner/base/process.hpp"
#include "runner/controller/ssm_channel.hpp"

namespace toehold {

struct PiecesUpload {
  std::filesystem::path from;
  std::string to;  // absolute
  unsigned mode = 0600;
  std::string sha256;
};
/// Packs it by `gzip`, where there is one, sends it piece by piece and tells on stderr how far it
/// is. The file is there whole, or not at all. Throws Error(unsupported) for one that is too large
/// even so, and as SsmChannel::ask.
void upload_in_pieces(SsmChannel& channel, ProcessRunner& processes, const PiecesUpload& upload,
                      const SsmWait& wait);

/// What `gzip -dc` makes of `packed`. Throws Error(network) when it is damaged, or more than
/// `most`.
std::string unpacked(ProcessRunner& processes, const std::string& packed, std::size_t most,
                     const SsmWait& wait);

}  // namespace toehold
