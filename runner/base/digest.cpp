#include "runner/base/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <array>
#include <fstream>

#include "runner/base/base64.hpp"
#include "runner/base/crc.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

const EVP_MD* method(DigestAlgorithm algorithm) {
  switch (algorithm) {
    case DigestAlgorithm::md5:
      return EVP_md5();
    case DigestAlgorithm::sha1:
      return EVP_sha1();
    case DigestAlgorithm::sha256:
      return EVP_sha256();
    case DigestAlgorithm::sha512:
      return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

struct Digest::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

std::optional<DigestAlgorithm> digest_algorithm(std::string_view name) {
  if (equals_ignoring_case(name, "MD5")) return DigestAlgorithm::md5;
  if (equals_ignoring_case(name, "SHA1")) return DigestAlgorithm::sha1;
  if (equals_ignoring_case(name, "SHA256")) return DigestAlgorithm::sha256;
  if (equals_ignoring_case(name, "SHA512")) return DigestAlgorithm::sha512;
  return std::nullopt;
}

Digest::Digest(DigestAlgorithm algorithm) : state_(std::make_unique<State>()) {
  if (!state_->context || EVP_DigestInit_ex(state_->context, method(algorithm), nullptr) != 1) {
    // FIPS configurations of OpenSSL leave out MD5.
    throw Error(Error::Kind::unsupported, "this machine's OpenSSL does not offer the checksum");
  }
}

Digest::~Digest() = default;

void Digest::update(std::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

std::string Digest::finish_bytes() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> result{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context, result.data(), &size);
  return {reinterpret_cast<const char*>(result.data()), size};
}

std::string Digest::finish() {
  return hex_encode(finish_bytes());
}

std::string digest_of(DigestAlgorithm algorithm, std::string_view bytes) {
  Digest digest(algorithm);
  digest.update(bytes);
  return digest.finish();
}

namespace {

std::string hmac(const EVP_MD* algorithm, std::string_view key, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> result{};
  unsigned int size = 0;
  HMAC(algorithm, key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), result.data(), &size);
  return {reinterpret_cast<const char*>(result.data()), size};
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  return hmac(EVP_sha256(), key, bytes);
}

std::string hmac_sha1(std::string_view key, std::string_view bytes) {
  return hmac(EVP_sha1(), key, bytes);
}

std::string digest_of_file(DigestAlgorithm algorithm, const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error::from_errno("cannot read " + path.string(), errno);
  Digest digest(algorithm);
  std::string buffer(1 << 18, '\0');
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.update(std::string_view(buffer).substr(0, static_cast<std::size_t>(file.gcount())));
  }
  if (file.bad()) throw Error::from_errno("cannot read " + path.string(), errno);
  return digest.finish();
}

std::string crc32c_hex(std::string_view bytes) {
  Crc crc(CrcKind::crc32c);
  crc.update(bytes);
  return hex_encode(crc.bytes());
}

std::string random_hex(std::size_t count) {
  std::string bytes(count, '\0');
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Error::from_errno("no random bytes", errno);
  }
  return hex_encode(bytes);
}

}  // namespace toehold
