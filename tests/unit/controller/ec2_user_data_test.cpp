#include "runner/controller/ec2_user_data.hpp"

#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

Ec2UserData both() {
  Ec2UserData data;
  data.lease = std::chrono::minutes(60);
  data.host_private = "-----BEGIN\nkey\n";
  data.host_public = "ssh-ed25519 AAAA toehold\n";
  return data;
}

}  // namespace

TEST_CASE("the user data arms the lease at every boot and brings the host key along") {
  const std::string text = user_data_text(both());
  REQUIRE(text.starts_with("#cloud-config\n"));
  const Value settings = parse_json(text.substr(text.find('\n')));
  const Value& command = settings.find("bootcmd")->list().at(0);
  CHECK(command.list().at(0).text() == "sh");
  CHECK(command.list().back().text() == "3600");
  CHECK(settings.find("ssh_keys")->find("ed25519_private")->text() == "-----BEGIN\nkey\n");
  CHECK(settings.find("ssh_deletekeys")->as_bool() == true);
}

TEST_CASE("where the launch brings a key of the user's, ours comes with the user data") {
  Ec2UserData data = both();
  data.login = "ssh-ed25519 BBBB toehold";
  const std::string text = user_data_text(data);
  const Value settings = parse_json(text.substr(text.find('\n')));
  CHECK(settings.find("ssh_authorized_keys")->list().at(0).text() == data.login);
  CHECK_THAT(user_data_text(both()), !ContainsSubstring("authorized"));
}

TEST_CASE("without SSH there is no host key in it") {
  Ec2UserData data;
  data.lease = std::chrono::minutes(10);
  CHECK_THAT(user_data_text(data), !ContainsSubstring("ssh_"));
}

TEST_CASE("the recipe's own user data goes along with ours") {
  Ec2UserData data = both();
  data.own = "#!/bin/sh\necho mine";
  const std::string text = user_data_text(data);
  CHECK(text.starts_with("Content-Type: multipart/mixed; boundary="));
  CHECK_THAT(text, ContainsSubstring("Content-Type: text/cloud-config;"));
  CHECK_THAT(text, ContainsSubstring("Content-Type: text/x-shellscript;"));
  CHECK_THAT(text, ContainsSubstring("\n\n#!/bin/sh\necho mine\n--"));
}

TEST_CASE("user data that cannot go along, or is too long, is refused") {
  Ec2UserData data = both();
  data.own = "plain words";
  CHECK_THROWS_WITH(user_data_text(data), ContainsSubstring("does not go together"));
  data.own = "#!/bin/sh\n" + std::string(16 << 10, '#');
  CHECK_THROWS_WITH(user_data_text(data), ContainsSubstring("EC2 takes 16384"));
}
