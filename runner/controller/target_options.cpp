#include "runner/controller/target_options.hpp"

#include <algorithm>
#include <cstdlib>

#include "runner/base/text.hpp"
#include "runner/controller/ec2_options.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

// clang-format off
const Fields<SandboxOptions>& sandbox_table() {
  static const Fields<SandboxOptions> table = Fields<SandboxOptions>{}
      .optional("base", &SandboxOptions::base, "What it starts from: `host` (this machine's root, read-only), a folder, a tarball, or `mmdebstrap:SUITE`, a Debian or Ubuntu made on first use.", "`parentImage`, else `host`")
      .optional("offline", &SandboxOptions::offline, "No network but loopback.", "false")
      .optional("bind", &SandboxOptions::bind, "Folders of this machine to show in it: `FOLDER`, `FOLDER:PLACE`, and `FOLDER:PLACE:rw` where steps may write.")
      .optional("cleanup", &SandboxOptions::cleanup, "Whether what belongs to one machine (host keys, machine-id, logs and the like) is left out of the image, as by Image Builder.", "auto: unless the base is `host`").choices({"auto", "always", "never"});
  return table;
}

const Fields<ContainerOptions>& container_table() {
  static const Fields<ContainerOptions> table = Fields<ContainerOptions>{}
      .optional("image", &ContainerOptions::image, "Image to start from, as the engine names it.", "`parentImage`")
      .optional("engine", &ContainerOptions::engine, "Which program runs it.", "auto: podman, else docker").choices({"auto", "podman", "docker"})
      .optional("recordFiles", &ContainerOptions::record_files, "Whether the manifest says which files each step changed; the files of the container are looked through after each.", "true");
  return table;
}

const Fields<SshOptions>& ssh_table() {
  static const Fields<SshOptions> table = Fields<SshOptions>{}
      .required("host", &SshOptions::host, "Name or address of the machine.")
      .optional("port", &SshOptions::port, "Port of its SSH server.", "22").range(1, 65535)
      .optional("user", &SshOptions::user, "Whom to log in as.", "root")
      .optional("identityFile", &SshOptions::identity_file, "Private key.", "those of the SSH agent and the usual files")
      .optional("knownHosts", &SshOptions::known_hosts, "File of the host keys to trust.", "`~/.ssh/known_hosts`")
      .optional("passwordFrom", &SshOptions::password_from, "Where the password is, if keys do not let us in: `ask` (on the terminal), `env:NAME`, or `file:PATH`, a file that nobody else can read.", "no password")
      .optional("jump", &SshOptions::jump, "Machine to go through: `[USER@]HOST[:PORT]`.")
      .optional("sudo", &SshOptions::sudo, "Become root there with `sudo -n`.", "false")
      .optional("recordFiles", &SshOptions::record_files, "Whether the manifest says which files each step changed; the files of the machine are looked through after each.", "false");
  return table;
}

const Fields<QemuOptions>& qemu_table() {
  static const Fields<QemuOptions> table = Fields<QemuOptions>{}
      .optional("base", &QemuOptions::base, "What it boots: a disk image (qcow2, raw), `mmdebstrap:SUITE`, a Debian made on first use, or a root file system with kernel and sshd, as a folder or a tarball.", "`parentImage`, else `mmdebstrap:bookworm`")
      .optional("memory", &QemuOptions::memory, "Its memory, in MiB.", "1024").range(64, 1 << 20)
      .optional("cpus", &QemuOptions::cpus, "How many CPUs it has.", "2").range(1, 255)
      .optional("diskSize", &QemuOptions::disk_size, "Size of its disk, in GiB; a disk image grows to it, its file systems are for cloud-init or a step.", "that of the disk image, 8 for other bases").range(0, 16384)
      .optional("bootTimeout", &QemuOptions::boot_timeout, "Seconds until it can be reached over SSH.", "300").range(5, 86400)
      .optional("accelerator", &QemuOptions::accelerator, "What runs its CPUs: `kvm`, or `tcg`, which emulates them and is ten times slower.", "auto: `kvm` where a machine is seen to boot with it").choices({"auto", "kvm", "tcg"})
      .optional("cpu", &QemuOptions::cpu, "CPU model, as QEMU names it.", "`host` with `kvm`, `Nehalem` with `tcg`")
      .optional("offline", &QemuOptions::offline, "No network but to us.", "false")
      .optional("cleanup", &QemuOptions::cleanup, "Whether what belongs to one machine is left out of the image, as by Image Builder.", "always").choices({"always", "never"})
      .optional("recordFiles", &QemuOptions::record_files, "Whether the manifest says which files each step changed; the files of the machine are looked through after each.", "true");
  return table;
}
// clang-format on

/// The forms of `parentImage` that name a machine image of AWS.
bool names_machine_image(const std::string& parent) {
  for (const char* prefix : {"ami-", "arn:", "ssm:", "prod-"}) {
    if (parent.starts_with(prefix)) return true;
  }
  return false;
}

bool is_suite_name(std::string_view suite) {
  return !suite.empty() && suite.front() != '-' &&
         suite.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") ==
             std::string_view::npos;
}

void complete_bind(std::string& bind, SourceLocation where, const fs::path& folder,
                   Diagnostics& diagnostics) {
  std::vector<std::string> parts = split(bind, ':');
  parts[0] = path_in_recipe(parts[0], folder);
  if (parts.size() == 1) parts.push_back(parts[0]);
  const std::string complete = join(parts, ":");
  if (parse_bind(complete)) {
    bind = complete;
    return;
  }
  diagnostics.error(codes::invalid_value, where,
                    "'bind' of target 'sandbox' cannot be '" + bind + "'",
                    "write FOLDER, FOLDER:/PLACE, or FOLDER:/PLACE:rw where steps may write");
}

void complete_base(SandboxOptions& sandbox, const Recipe& recipe, const fs::path& folder,
                   Diagnostics& diagnostics) {
  if (sandbox.base.empty())
    sandbox.base = recipe.parent_image.empty() ? "host" : recipe.parent_image;
  if (names_machine_image(sandbox.base)) {
    diagnostics.error(codes::invalid_value, recipe.target.base_where,
                      "a sandbox cannot start from '" + sandbox.base + "', a machine image of AWS",
                      "write\ntarget:\n  type: sandbox\n  base: mmdebstrap:bookworm");
  } else if (sandbox.base.starts_with("mmdebstrap:")) {
    if (is_suite_name(std::string_view(sandbox.base).substr(11))) return;
    diagnostics.error(codes::invalid_value, recipe.target.base_where,
                      "'" + sandbox.base + "' names no suite of Debian or Ubuntu",
                      "write mmdebstrap:bookworm, for example");
  } else if (sandbox.base != "host") {
    sandbox.base = path_in_recipe(sandbox.base, folder);
  }
}

Value complete_sandbox(const Value& options, const Recipe& recipe, const fs::path& folder,
                       Diagnostics& diagnostics) {
  const GoodMembers good =
      good_members(sandbox_table().info(), options, "target 'sandbox'", diagnostics);
  SandboxOptions sandbox = sandbox_table().decode_good(good.map);
  if (!good.is_spoilt("base")) complete_base(sandbox, recipe, folder, diagnostics);
  for (std::size_t i = 0; i < sandbox.bind.size(); ++i) {
    const Value& item = good.map.find("bind")->list()[i];
    complete_bind(sandbox.bind[i], item.where, folder, diagnostics);
  }
  Value complete = sandbox_table().encode(sandbox);
  // Whether they are there is asked by the target, which tells it at their places.
  for (std::size_t i = 0; i < sandbox.bind.size(); ++i) {
    complete.find("bind")->list()[i].where = good.map.find("bind")->list()[i].where;
  }
  return complete;
}

void complete_image(ContainerOptions& container, const Recipe& recipe, Diagnostics& diagnostics) {
  std::string& image = container.image;
  const SourceLocation where = recipe.target.base_where;
  const char* example = "write\ntarget:\n  type: container\n  image: docker.io/library/debian:12";
  if (image.empty()) image = recipe.parent_image;
  if (image.empty()) {
    diagnostics.error(codes::missing_key, where, "target 'container' needs an image to start from",
                      "add 'image:' to the target, or 'parentImage:' to the recipe");
  } else if (names_machine_image(image)) {
    diagnostics.error(codes::invalid_value, where,
                      "a container cannot start from '" + image + "', a machine image of AWS",
                      example);
  } else if (image.front() == '-') {
    diagnostics.error(codes::invalid_value, where, "'" + image + "' is no name of an image",
                      example);
  }
}

Value complete_container(const Value& options, const Recipe& recipe, const fs::path&,
                         Diagnostics& diagnostics) {
  const GoodMembers good =
      good_members(container_table().info(), options, "target 'container'", diagnostics);
  ContainerOptions container = container_table().decode_good(good.map);
  if (!good.is_spoilt("image")) complete_image(container, recipe, diagnostics);
  return container_table().encode(container);
}

void check_names(const Value& good, Diagnostics& diagnostics) {
  struct Name {
    const char* key;
    const char* hint;
  };
  for (const auto& [key, hint] : {Name{"host", "write the name or address of a machine"},
                                  Name{"user", "write the name of a user there, such as root"},
                                  Name{"jump", "write [USER@]HOST[:PORT]"}}) {
    const Value* value = good.find(key);
    if (!value || value->is_null()) continue;
    const std::string& text = value->text();
    const bool blank = text.find_first_of(" \t\n") != std::string::npos;
    const bool missing = text.empty() && key != std::string_view("jump");
    if (!blank && !missing && !text.starts_with('-')) continue;
    diagnostics.error(codes::invalid_value, value->where,
                      std::string("'") + key + "' of target 'ssh' cannot be '" + text + "'", hint);
  }
}

Value complete_ssh(const Value& options, const Recipe&, const fs::path& folder,
                   Diagnostics& diagnostics) {
  const GoodMembers good = good_members(ssh_table().info(), options, "target 'ssh'", diagnostics);
  SshOptions ssh = ssh_table().decode_good(good.map);
  check_names(good.map, diagnostics);
  std::string& password = ssh.password_from;
  if (password.starts_with("file:") && password.size() > 5) {
    password = "file:" + path_in_recipe(password.substr(5), folder);
  } else if (!password.empty() && password != "ask" &&
             !(password.starts_with("env:") && password.size() > 4)) {
    // What was written may be the password itself: it is not shown.
    diagnostics.error(codes::invalid_value, good.map.find("passwordFrom")->where,
                      "'passwordFrom' of target 'ssh' says where the password is, not what it is",
                      "write ask, env:NAME or file:PATH");
    password.clear();
  }
  for (std::string* path : {&ssh.identity_file, &ssh.known_hosts}) {
    if (!path->empty()) *path = path_in_recipe(*path, folder);
  }
  return ssh_table().encode(ssh);
}

/// Whether it can be one of the names that QEMU gives, alone.
bool is_model_name(const std::string& cpu) {
  return cpu.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string::npos &&
         !cpu.starts_with('-');
}

void complete_base(QemuOptions& qemu, const Recipe& recipe, const fs::path& folder,
                   Diagnostics& diagnostics) {
  if (qemu.base.empty()) qemu.base = recipe.parent_image;
  if (qemu.base.empty()) qemu.base = "mmdebstrap:bookworm";
  if (names_machine_image(qemu.base)) {
    diagnostics.error(
        codes::invalid_value, recipe.target.base_where,
        "a virtual machine here cannot boot '" + qemu.base + "', a machine image of AWS",
        "write\ntarget:\n  type: qemu\n  base: mmdebstrap:bookworm");
  } else if (!qemu.base.starts_with("mmdebstrap:")) {
    qemu.base = path_in_recipe(qemu.base, folder);
  } else if (!is_suite_name(std::string_view(qemu.base).substr(11))) {
    diagnostics.error(codes::invalid_value, recipe.target.base_where,
                      "'" + qemu.base + "' names no suite of Debian",
                      "write mmdebstrap:bookworm, for example");
  }
}

Value complete_qemu(const Value& options, const Recipe& recipe, const fs::path& folder,
                    Diagnostics& diagnostics) {
  const GoodMembers good = good_members(qemu_table().info(), options, "target 'qemu'", diagnostics);
  QemuOptions qemu = qemu_table().decode_good(good.map);
  if (!good.is_spoilt("base")) complete_base(qemu, recipe, folder, diagnostics);
  if (!is_model_name(qemu.cpu)) {
    diagnostics.error(codes::invalid_value, good.map.find("cpu")->where,
                      "'" + qemu.cpu + "' is no name of a CPU model",
                      "`qemu-system-x86_64 -cpu help` lists them");
  }
  return qemu_table().encode(qemu);
}

template <class T>
T decoded(const Fields<T>& table, const Recipe& recipe) {
  Diagnostics none(nullptr);
  return table.decode(recipe.target.options, "the target", none).value_or(T{});
}

}  // namespace

const std::vector<TargetType>& target_types() {
  static const std::vector<TargetType> types{
      {"sandbox", "A throw-away machine on this one: namespaces, and an overlay over the base.",
       sandbox_table().info(), complete_sandbox},
      {"container", "A container of podman or docker.", container_table().info(),
       complete_container},
      {"ssh", "A machine that exists, over SSH. It is changed for good.", ssh_table().info(),
       complete_ssh},
      {"qemu", "A virtual machine of QEMU on this one; it boots, and it reboots.",
       qemu_table().info(), complete_qemu},
      {"ec2", "An instance of EC2, and a machine image (AMI) of it.", ec2_fields().info(),
       complete_ec2}};
  return types;
}

SandboxOptions sandbox_options(const Recipe& recipe) {
  return decoded(sandbox_table(), recipe);
}
ContainerOptions container_options(const Recipe& recipe) {
  return decoded(container_table(), recipe);
}
SshOptions ssh_options(const Recipe& recipe) {
  return decoded(ssh_table(), recipe);
}

bool records_files(const Recipe& recipe) {
  const Value* wanted = recipe.target.options.find("recordFiles");
  return wanted && wanted->as_bool().value_or(false);
}

QemuOptions qemu_options(const Recipe& recipe) {
  return decoded(qemu_table(), recipe);
}

std::optional<BindMount> parse_bind(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  const bool three = parts.size() == 3;
  if (parts.size() > 3 || (three && parts[2] != "rw" && parts[2] != "ro")) return std::nullopt;
  BindMount mount;
  mount.source = parts[0];
  mount.place = parts.size() > 1 ? parts[1] : parts[0];
  mount.writable = three && parts[2] == "rw";
  for (const std::string& path : {mount.source, mount.place}) {
    if (!path.starts_with('/') || fs::path(path).lexically_normal() == "/") return std::nullopt;
  }
  return mount;
}

std::string path_in_recipe(const std::string& path, const fs::path& folder) {
  const char* home = std::getenv("HOME");
  fs::path whole = path.starts_with("~/") && home && *home == '/' ? fs::path(home) / path.substr(2)
                                                                  : folder / path;
  std::error_code ignored;
  whole = fs::absolute(whole, ignored).lexically_normal();
  return whole.has_filename() || whole == "/" ? whole.string() : whole.parent_path().string();
}

}  // namespace toehold
