#include "runner/controller/cleanup_layer.hpp"

#include "runner/base/text.hpp"
#include "tests/support/layer_folders.hpp"

using namespace toehold;

namespace {

struct Guest {
  TempDirectory scratch{"/tmp", "toehold-test-"};
  LayerFolder base{scratch.path() / "base"};
  LayerFolder layer{scratch.path() / "layer"};

  OverlayStack stack() const { return {base.path(), {layer.path()}, true}; }
  std::string found(const std::string& work = {}) const {
    std::vector<std::string> lines;
    for (const CleanupItem& item : find_for_cleanup(stack(), work)) {
      lines.push_back((item.only_emptied ? "0" : "") + item.path);
    }
    return join(lines, " ");
  }
};

}  // namespace

TEST_CASE("what belongs to one machine is found, and nothing beside it") {
  Guest guest;
  guest.base.file("etc/machine-id", "4f").file("etc/hostname", "builder").file("etc/hosts", "x");
  guest.base.file("etc/ssh/ssh_host_ed25519_key", "k").file("etc/ssh/sshd_config", "c");
  guest.layer.file("home/ann/.ssh/authorized_keys", "k").file("home/ann/.ssh/config", "c");
  guest.layer.file("tmp/TOE_1/console.log", "l").file("tmp/other", "o");
  CHECK(guest.found() ==
        "etc/hostname 0etc/machine-id tmp/TOE_1 home/ann/.ssh/authorized_keys "
        "etc/ssh/ssh_host_ed25519_key");
  guest.layer.file("etc/machine-id", "").whiteout("etc/hostname");
  CHECK(guest.found("/opt/work") == "home/ann/.ssh/authorized_keys etc/ssh/ssh_host_ed25519_key");
}

TEST_CASE("sshd's own keys go last, and before them all by which somebody gets in") {
  Guest guest;
  guest.base.file("etc/ssh/ssh_host_ed25519_key", "k")
      .file("etc/ssh/ssh_host_ed25519_key.pub", "p");
  guest.base.file("etc/sudoers.d/90-cloud-init-users", "s").file("root/.ssh/authorized_keys", "k");
  guest.base.file("var/tmp/x", "x").file("tmp/TOE_1/console.log", "l");
  CHECK(guest.found() ==
        "etc/ssh/ssh_host_ed25519_key.pub tmp/TOE_1 var/tmp/x etc/sudoers.d/90-cloud-init-users "
        "root/.ssh/authorized_keys etc/ssh/ssh_host_ed25519_key");
}

TEST_CASE("a file in the working directory keeps a kind of them") {
  Guest guest;
  guest.base.file("etc/ssh/ssh_host_rsa_key", "k").file("etc/hostname", "h");
  guest.layer.file("work/skip_cleanup_ssh_files", "");
  CHECK(guest.found("/work") == "etc/hostname work/skip_cleanup_ssh_files");
  CHECK(guest.found() == "etc/hostname etc/ssh/ssh_host_rsa_key");
}

TEST_CASE("the layer of a clean-up hides and empties, and leaves folders as they are") {
  Guest guest;
  guest.base.file("etc/machine-id", "4f", 0444).file("etc/hosts", "x");
  guest.base.file("real/tmp/a", "a").symlink("var/tmp", "../real/tmp");
  LayerFolder::set_time(guest.base.path() / "etc", 1'500'000'000);
  OverlayStack stack = guest.stack();
  const auto items = find_for_cleanup(stack, {});
  REQUIRE(items.size() == 2);
  write_cleanup_layer(stack, items, guest.scratch.path() / "cleaned");
  stack.layers.push_back(guest.scratch.path() / "cleaned");
  const auto id = find_in_tree(stack, "etc/machine-id");
  REQUIRE(id);
  CHECK(id->status.st_size == 0);
  CHECK((id->status.st_mode & 07777) == 0444);
  CHECK(find_in_tree(stack, "etc")->status.st_mtim.tv_sec == 1'500'000'000);
  CHECK_FALSE(find_in_tree(stack, "real/tmp/a"));
  CHECK(names_in_tree(stack, "real/tmp").empty());
  CHECK(find_in_tree(stack, "etc/hosts"));
  CHECK(S_ISLNK(find_in_tree(stack, "var")->status.st_mode) == false);
  CHECK(find_for_cleanup(stack, {}).empty());
}
