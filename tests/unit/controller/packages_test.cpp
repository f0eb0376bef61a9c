#include "runner/controller/packages.hpp"

#include "tests/support/layer_folders.hpp"

using namespace toehold;

namespace {

struct Machine {
  TempDirectory scratch{"/tmp", "toehold-test-"};
  LayerFolder root{scratch.path() / "root"};
  LayerFolder layer{scratch.path() / "layer"};

  std::string packages(bool with_layer = false) const {
    OverlayStack stack{root.path(), {}, true};
    if (with_layer) stack.layers.push_back(layer.path());
    RealProcessRunner processes;
    const PackageList list = installed_packages(stack, processes, {});
    std::string text = list.manager + ":";
    for (const Package& package : list.packages) {
      text += " " + package.name + "/" + package.version + "/" + package.architecture;
    }
    return text + list.note;
  }
};

}  // namespace

TEST_CASE("packages of dpkg are those whose files are there") {
  Machine machine;
  machine.root.file("var/lib/dpkg/status",
                    "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\n"
                    "Description: x\n more: of it\n Version: 9\nVersion: 1:1.2.13\n\n"
                    "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\n"
                    "Package: half\nStatus: install ok half-configured\nVersion: 2\n"
                    "Architecture: all\n");
  CHECK(machine.packages() == "dpkg: half/2/all zlib1g/1:1.2.13/amd64");
  machine.layer.file("var/lib/dpkg/status", "Package: a\nVersion: 1\nArchitecture: all\n");
  CHECK(machine.packages(true) == "dpkg: a/1/all");
}

TEST_CASE("packages of images without dpkg are one file each") {
  Machine machine;
  machine.root.file("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12\n");
  machine.root.file("var/lib/dpkg/status.d/base.md5sums", "0  x\n");
  machine.layer.file("var/lib/dpkg/status.d/tz", "Package: tzdata\nVersion: 2024a\n");
  CHECK(machine.packages(true) == "dpkg: base-files/12/ tzdata/2024a/");
}

TEST_CASE("packages of apk are read through a link to usr") {
  Machine machine;
  machine.root.file("usr/lib/apk/db/installed",
                    "C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\nT:the C library\n\nP:busybox\nV:1.36\n"
                    "A:x86_64\nF:bin\nR:busybox\n");
  machine.root.symlink("lib", "usr/lib");
  CHECK(machine.packages() == "apk: busybox/1.36/x86_64 musl/1.2.5-r0/x86_64");
}

TEST_CASE("a machine without a package manager has no packages") {
  CHECK(Machine().packages() == ":");
}

TEST_CASE("a database of rpm is told even if nobody can read it") {
  Machine machine;
  machine.root.file("usr/lib/sysimage/rpm/rpmdb.sqlite", "no database");
  CHECK_THAT(machine.packages(), StartsWith("rpm:"));
  CHECK(machine.packages() != "rpm:");
}
