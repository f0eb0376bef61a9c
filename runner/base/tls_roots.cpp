#include "runner/base/tls_roots.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>

namespace toehold {

namespace {

constexpr std::array places{
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Red Hat, Fedora, Amazon Linux
    "/etc/pki/tls/certs/ca-bundle.crt",                   // their older releases
    "/var/lib/ca-certificates/ca-bundle.pem",             // SUSE
    "/etc/ssl/ca-bundle.pem",                             // its older releases
    "/etc/ssl/cert.pem",                                  // Alpine without ca-certificates
};

}  // namespace

std::string find_tls_roots(const std::string& root) {
  for (const char* place : places) {
    std::string path = root + place;
    if (::access(path.c_str(), R_OK) == 0) return path;
  }
  return {};
}

std::string tls_roots() {
  if (const char* chosen = std::getenv("SSL_CERT_FILE"); chosen && *chosen) return chosen;
#ifdef TOEHOLD_STATIC
  return find_tls_roots("");
#else
  return {};
#endif
}

}  // namespace toehold
