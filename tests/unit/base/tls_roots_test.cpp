#include "runner/base/tls_roots.hpp"

#include "runner/base/files.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("the bundle of certificates is found where a distribution keeps it") {
  const TempDirectory root(fs::temp_directory_path(), "roots-");
  CHECK(find_tls_roots(root.path()).empty());
  const auto place = [&](const char* path) {
    const fs::path file = root.path() / path;
    fs::create_directories(file.parent_path());
    write_file_atomically(file, "certificates", 0644);
    return file.string();
  };
  const std::string suse = place("var/lib/ca-certificates/ca-bundle.pem");
  CHECK(find_tls_roots(root.path()) == suse);
  const std::string red_hat = place("etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem");
  CHECK(find_tls_roots(root.path()) == red_hat);
  const std::string debian = place("etc/ssl/certs/ca-certificates.crt");
  CHECK(find_tls_roots(root.path()) == debian);
}
