#include "runner/controller/machine_seed.hpp"

#include "runner/base/base64.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/base_cache.hpp"
#include "runner/controller/tar_writer.hpp"

namespace toehold {

namespace {

fs::path public_half(const fs::path& key) {
  return key.string() + ".pub";
}

/// JSON is YAML; so no text of a key has to be indented.
std::string user_data(const std::string& login, const std::string& host_private,
                      const std::string& host_public) {
  const Value settings = Value::object(
      {{"disable_root", false},
       {"ssh_authorized_keys", Value(Value::List{Value(login)})},
       {"ssh_keys",
        Value::object({{"ed25519_private", host_private}, {"ed25519_public", host_public}})}});
  return "#cloud-config\n" + to_json(settings) + "\n";
}

/// A line of tmpfiles.d that writes a file; the content is base64.
std::string file_line(const char* path, const char* mode, const std::string& content) {
  return std::string("f+~ ") + path + " " + mode + " root root - " + base64_encode(content) + "\n";
}

std::string credential(const std::string& login, const std::string& host_private,
                       const std::string& host_public) {
  const std::string lines = "d /root/.ssh 0700 root root -\n" +
                            file_line("/root/.ssh/authorized_keys", "0600", login + "\n") +
                            file_line("/etc/ssh/ssh_host_ed25519_key", "0600", host_private) +
                            file_line("/etc/ssh/ssh_host_ed25519_key.pub", "0644", host_public);
  return "io.systemd.credential.binary:tmpfiles.extra=" + base64_encode(lines);
}

}  // namespace

void make_ssh_key(const fs::path& path, ProcessRunner& processes, std::stop_token stop) {
  // Elsewhere: a ssh-keygen that is killed may leave an empty half.
  const TempDirectory work(path.parent_path(), "key-");
  const fs::path made = work.path() / "key";
  run_or_fail(
      {{"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "toehold", "-f", made.string()},
       "/",
       {}},
      processes, std::move(stop), "cannot make a key");
  write_file_atomically(path, read_file(made));
  write_file_atomically(public_half(path), read_file(public_half(made)));
}

MachineSeed make_machine_seed(const fs::path& folder, const std::string& instance_id,
                              ProcessRunner& processes, std::stop_token stop) {
  const MachineSeed seed(folder);
  make_ssh_key(seed.identity, processes, stop);
  make_ssh_key(seed.host_key, processes, stop);
  const std::string login(trim(read_file(public_half(seed.identity))));
  const std::string host_private = read_file(seed.host_key);
  const std::string host_public = read_file(public_half(seed.host_key));
  write_file_atomically(
      seed.cloud_init,
      iso_image("CIDATA", {{"meta-data", "instance-id: " + instance_id + "\n"},
                           {"user-data", user_data(login, host_private, host_public)}}));
  write_file_atomically(seed.smbios, credential(login, host_private, host_public));
  return seed;
}

void trust_host_key(const MachineSeed& seed, int port) {
  write_file_atomically(seed.known_hosts, "[127.0.0.1]:" + std::to_string(port) + " " +
                                              read_file(public_half(seed.host_key)));
}

}  // namespace toehold
