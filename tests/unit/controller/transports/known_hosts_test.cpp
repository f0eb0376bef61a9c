#include "runner/controller/transports/known_hosts.hpp"

#include "runner/base/base64.hpp"
#include "runner/base/digest.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

HostKey key(const std::string& type, const std::string& rest) {
  std::string blob(3, '\0');
  blob += static_cast<char>(type.size());
  return make_host_key(blob + type + rest);
}

const HostKey one = key("ssh-ed25519", "one");
const HostKey two = key("ecdsa-sha2-nistp256", "two");

std::string text(const HostKey& key) {
  return key.type + " " + base64_encode(key.blob);
}

std::vector<HostKey> keys(const std::string& lines, const std::string& host, int port = 22) {
  KnownHosts known;
  known.read(lines);
  return known.keys_of(host, port);
}

const std::vector<HostKey> none;

}  // namespace

TEST_CASE("a host's keys are found by its name") {
  const std::string lines = "# comment\n\nbuild.example,10.0.0.1 " + text(one) + " alice@laptop\n" +
                            "build.example " + text(two) + "\r\n";
  CHECK(keys(lines, "build.example") == std::vector{one, two});
  CHECK(keys(lines, "BUILD.example") == std::vector{one, two});
  CHECK(keys(lines, "10.0.0.1") == std::vector{one});
  CHECK(keys(lines, "10.0.0.11") == none);
  CHECK(keys(lines, "build.example", 2222) == none);
}

TEST_CASE("another port is part of the name") {
  const std::string lines = "[build.example]:2222 " + text(one) + "\n";
  CHECK(keys(lines, "build.example", 2222) == std::vector{one});
  CHECK(keys(lines, "build.example", 2223) == none);
  CHECK(keys(lines, "build.example") == none);
}

TEST_CASE("patterns and negations count") {
  const std::string lines = "*.example,!bad.example " + text(one) + "\nhost? " + text(two) + "\n";
  CHECK(keys(lines, "good.example") == std::vector{one});
  CHECK(keys(lines, "bad.example") == none);
  CHECK(keys(lines, "example") == none);
  CHECK(keys(lines, "host1") == std::vector{two});
  CHECK(keys(lines, "host") == none);
}

TEST_CASE("a hashed name is found") {
  const std::string salt = "0123456789abcdefghij";
  const std::string hashed =
      "|1|" + base64_encode(salt) + "|" + base64_encode(hmac_sha1(salt, "[build.example]:22022"));
  CHECK(keys(hashed + " " + text(one), "build.example", 22022) == std::vector{one});
  CHECK(keys(hashed + " " + text(one), "build.example") == none);
  // ssh-keygen -H of OpenSSH 9.2, for h.example.
  const std::string made =
      "|1|NPyo69N9JhLOaX/ML8j0PZnRXhY=|f9z4ldyo+PqnTAy/2+ysi9T1NHM= ssh-ed25519 "
      "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
  CHECK(keys(made, "h.example").size() == 1);
  CHECK(keys(made, "g.example") == none);
}

TEST_CASE("markers are not hosts") {
  KnownHosts known;
  known.read("@revoked * " + text(one) + "\n@cert-authority *.example " + text(two) + "\n");
  CHECK(known.keys_of("build.example", 22) == none);
  CHECK(known.is_revoked(one));
  CHECK_FALSE(known.is_revoked(two));
}

TEST_CASE("lines that are none are left out") {
  const std::string blob = base64_encode(one.blob);
  for (const std::string& line :
       {std::string("host"), std::string("host ssh-ed25519"), "host ssh-ed25519 " + blob + "!",
        "host ssh-rsa " + blob, std::string("host ssh-ed25519 AAAA"), "|1|x|y " + text(one),
        std::string("@revoked"), std::string("host  "), std::string(1000, '*')}) {
    INFO(line);
    CHECK(keys(line, "host") == none);
  }
}

TEST_CASE("a fingerprint is that of ssh-keygen -l") {
  const auto blob =
      base64_decode("AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f");
  REQUIRE(blob);
  const HostKey made = make_host_key(*blob);
  CHECK(made.type == "ssh-ed25519");
  CHECK(fingerprint_of(made) == "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA");
}
