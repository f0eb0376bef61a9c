// Checksums of bytes and files. Called by WebDownload, conditions, the journal and the controller.
// The only file that includes OpenSSL is digest.cpp.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace toehold {

enum class DigestAlgorithm { md5, sha1, sha256, sha512 };

/// "MD5", "SHA1", "SHA256", "SHA512", in any case.
std::optional<DigestAlgorithm> digest_algorithm(std::string_view name);

class Digest {
 public:
  explicit Digest(DigestAlgorithm algorithm);
  ~Digest();
  void update(std::string_view bytes);
  /// Lower-case hex; the object is used up.
  std::string finish();
  /// The same, not as text.
  std::string finish_bytes();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string digest_of(DigestAlgorithm algorithm, std::string_view bytes);
/// 32 bytes, not as text.
std::string hmac_sha256(std::string_view key, std::string_view bytes);
/// 20 bytes; what OpenSSH hides the names in known_hosts with.
std::string hmac_sha1(std::string_view key, std::string_view bytes);
/// Throws Error(io) when the file cannot be read.
std::string digest_of_file(DigestAlgorithm algorithm, const std::filesystem::path& path);
/// CRC-32C as 8 lower-case hex digits: for journal records.
std::string crc32c_hex(std::string_view bytes);
/// `count` random bytes of the kernel, as lower-case hex.
std::string random_hex(std::size_t count);

}  // namespace toehold
