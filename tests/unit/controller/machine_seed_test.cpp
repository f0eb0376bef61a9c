#include "runner/controller/machine_seed.hpp"

#include "runner/base/base64.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/machine_base.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("a machine learns its keys in both ways, and they are private") {
  const TempDirectory folder("/tmp", "toehold-test-");
  RealProcessRunner processes;
  const MachineSeed seed = make_machine_seed(folder.path(), "toehold-x", processes, {});
  for (const fs::path& file : {seed.identity, seed.host_key, seed.cloud_init, seed.smbios}) {
    CHECK((fs::status(file).permissions() & fs::perms::mask) == fs::perms(0600));
  }
  const std::string login(trim(read_file(seed.identity.string() + ".pub")));
  CHECK(login.starts_with("ssh-ed25519 "));

  // ISO 9660: the label is in the primary volume descriptor, in sector 16.
  const std::string iso = read_file(seed.cloud_init);
  REQUIRE(iso.size() > 40 * 2048);
  CHECK(iso.substr(16 * 2048 + 1, 5) == "CD001");
  CHECK(trim(iso.substr(16 * 2048 + 40, 32)) == "CIDATA");
  CHECK(iso.find("#cloud-config\n{") != std::string::npos);
  CHECK(iso.find("instance-id: toehold-x\n") != std::string::npos);
  CHECK(iso.find(login) != std::string::npos);

  const std::string told = read_file(seed.smbios);
  const std::string prefix = "io.systemd.credential.binary:tmpfiles.extra=";
  REQUIRE(told.starts_with(prefix));
  const std::string lines = base64_decode(told.substr(prefix.size())).value();
  CHECK(lines.find("f+~ /root/.ssh/authorized_keys 0600 root root - " +
                   base64_encode(login + "\n")) != std::string::npos);
  CHECK(lines.find("f+~ /etc/ssh/ssh_host_ed25519_key 0600 root root - " +
                   base64_encode(read_file(seed.host_key))) != std::string::npos);

  trust_host_key(seed, 2222);
  CHECK(read_file(seed.known_hosts) ==
        "[127.0.0.1]:2222 " + read_file(seed.host_key.string() + ".pub"));
}

TEST_CASE("a disk is told by its name and its first bytes") {
  const TempDirectory folder("/tmp", "toehold-test-");
  const auto format = [&](const char* name, const std::string& content) {
    write_file_atomically(folder.path() / name, content);
    return disk_format(folder.path() / name);
  };
  CHECK(format("a.qcow2", "QFI\xfb and so on") == "qcow2");
  CHECK(format("image", "QFI\xfb and so on") == "qcow2");
  CHECK(format("b.qcow2", "something else") == "");
  CHECK(format("root.tar", "etc/") == "");
  // Whatever a guest has written into its first bytes.
  CHECK(format("c.raw", "QFI\xfb and so on") == "raw");
  CHECK(format("d.IMG", "") == "raw");
  CHECK_THROWS_AS(disk_format(folder.path() / "none"), Error);
}
