#include "runner/controller/outputs.hpp"

#include <cstdlib>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/process.hpp"
#include "tests/support/layer_folders.hpp"

using namespace toehold;

namespace {

constexpr std::int64_t epoch = 1'700'000'000;

struct Output {
  TempDirectory scratch{"/tmp", "toehold-test-"};
  LayerFolder base{scratch.path() / "base"};
  LayerFolder layer{scratch.path() / "layer"};

  OverlayStack stack() const { return {base.path(), {layer.path()}, true}; }

  std::string write(const std::string& type, const std::string& name) const {
    return write(type, name, stack());
  }
  std::string write(const std::string& type, const std::string& name,
                    const OverlayStack& from) const {
    ImageConfig config;
    config.reference = "web:1.0.0";
    config.architecture = "amd64";
    config.labels = {{"team", "web"}};
    const fs::path path = scratch.path() / name;
    const WrittenOutput written = write_output(type, from, config, epoch, path, {});
    CHECK(written.size == static_cast<std::int64_t>(fs::file_size(path)));
    CHECK(written.sha256 == digest_of_file(DigestAlgorithm::sha256, path));
    return path.string();
  }
};

/// What GNU tar thinks of it.
std::string tar(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "tar");
  std::string text;
  const auto keep = [&](Stream, std::string_view bytes) { text += bytes; };
  const ProcessResult result = RealProcessRunner().run(
      {arguments, "", {{"LC_ALL", "C"}, {"TZ", "UTC"}}}, keep, nullptr, Deadline(), {});
  INFO(text);
  CHECK(result.succeeded());
  return text;
}

}  // namespace

TEST_CASE("a root file system as a tarball has everything that tar can hold") {
  Output output;
  output.base.file("bin/su", "old", 04755).file("etc/conf", "base", 0640);
  output.base.hard_link("bin/zu", "bin/su").symlink("lib", "usr/lib");
  output.base.attribute("etc/conf", "user.note", "kept");
  output.layer.file("etc/new", "made now", 0600, 1'800'000'000).whiteout("gone");
  REQUIRE(::mkfifo((output.layer.path() / "pipe").c_str(), 0600) == 0);
  for (const char* folder : {"", "bin", "etc"}) {
    LayerFolder::set_time(output.base.path() / folder, 1'600'000'000);
  }
  const std::string path = output.write("rootfs", "root.tar");
  const std::string list = tar({"--numeric-owner", "--full-time", "-tvf", path});
  INFO(list);
  const std::string me = std::to_string(::geteuid()) + "/" + std::to_string(::getegid());
  CHECK_THAT(list, StartsWith("drwxr-xr-x "));
  CHECK_THAT(list, ContainsSubstring("-rwsr-xr-x " + me + " "));
  CHECK_THAT(list, ContainsSubstring(" 3 2020-09-13 12:26:40 bin/su\n"));
  CHECK_THAT(list, ContainsSubstring("bin/zu link to bin/su\n"));
  CHECK_THAT(list, ContainsSubstring("lib -> usr/lib\n"));
  CHECK_THAT(list, ContainsSubstring("2023-11-14 22:13:20 etc/new\n"));  // the epoch
  CHECK_THAT(list, ContainsSubstring("prw-------"));
  CHECK(list.find("gone") == std::string::npos);
  const fs::path unpacked = output.scratch.path() / "unpacked";
  fs::create_directory(unpacked);
  tar({"--xattrs", "--xattrs-include=*", "-C", unpacked.string(), "-xpf", path});
  CHECK(read_file(unpacked / "etc/new") == "made now");
  char note[8] = {};
  CHECK(::getxattr((unpacked / "etc/conf").c_str(), "user.note", note, sizeof note) == 4);
  CHECK(std::string(note) == "kept");
}

TEST_CASE("the changes as a tarball name what is gone as OCI layers do") {
  Output output;
  output.base.file("etc/a", "").file("etc/b", "").file("d/x", "");
  output.layer.file("etc/a", "new").whiteout("etc/b").directory("d", true);
  CHECK(tar({"-tzf", output.write("changes", "changes.tar.gz")}) ==
        "d/\nd/.wh..wh..opq\netc/\netc/a\netc/.wh.b\n");
}

TEST_CASE("the same files give the same bytes, wherever and whenever they were made") {
  const auto make = [](Output& output, bool backwards) {
    const std::vector<std::string> names{"a", "b", "c", "d"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      output.base.file("etc/" + names[backwards ? names.size() - 1 - i : i], "x");
    }
    output.layer.file("now", "made by the build", 0644, backwards ? 1'900'000'000 : 1'800'000'000);
    output.layer.attribute("now", backwards ? "user.b" : "user.a", "1");
    output.layer.attribute("now", backwards ? "user.a" : "user.b", "1");
    for (const char* folder : {"", "etc"}) {
      LayerFolder::set_time(output.base.path() / folder, backwards ? 1'900'000'001 : 1'800'000'001);
    }
  };
  Output first, second;
  make(first, false);
  make(second, true);
  for (const char* type : {"rootfs", "changes", "oci-archive"}) {
    for (const char* name : {"out.tar", "out.tar.gz"}) {
      CHECK(read_file(first.write(type, name)) == read_file(second.write(type, name)));
    }
  }
}

TEST_CASE("names of any bytes and of any length survive") {
  Output output;
  const std::string long_name(200, 'n');
  const std::string deep = std::string(100, 'd') + "/" + std::string(100, 'e') + "/" + long_name;
  for (const std::string& name :
       {std::string("Gr\xC3\xBC\xC3\x9F"
                    "e"),
        std::string("latin-\xFC"), std::string("new\nline"), long_name, deep}) {
    output.base.file(name, name);
  }
  const fs::path unpacked = output.scratch.path() / "unpacked";
  fs::create_directory(unpacked);
  tar({"-C", unpacked.string(), "-xf", output.write("rootfs", "root.tar")});
  CHECK(read_file(unpacked / "Gr\xC3\xBC\xC3\x9F"
                             "e") ==
        "Gr\xC3\xBC\xC3\x9F"
        "e");
  CHECK(read_file(unpacked / "latin-\xFC") == "latin-\xFC");
  CHECK(read_file(unpacked / "new\nline") == "new\nline");
  CHECK(read_file(unpacked / deep) == deep);
}

TEST_CASE("holes stay holes") {
  Output output;
  const fs::path file = output.base.path() / "sparse";
  output.base.file("sparse", "begin");
  REQUIRE(::truncate(file.c_str(), 64 << 20) == 0);
  const FileDescriptor fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE(::pwrite(fd.get(), "middle", 6, (32 << 20) + 100) == 6);
  REQUIRE(::truncate((output.base.path() / "hole").c_str(), 0) == -1);
  output.base.file("hole", "");
  REQUIRE(::truncate((output.base.path() / "hole").c_str(), 8 << 20) == 0);
  const std::string path = output.write("rootfs", "root.tar");
  CHECK(fs::file_size(path) < 100'000);
  const fs::path unpacked = output.scratch.path() / "unpacked";
  fs::create_directory(unpacked);
  tar({"-C", unpacked.string(), "-xf", path});
  CHECK(read_file(unpacked / "sparse") == read_file(file));
  CHECK(fs::file_size(unpacked / "hole") == 8 << 20);
}

TEST_CASE("an OCI archive has a layer of the base and one of the changes") {
  Output output;
  output.base.file("etc/a", "base");
  output.layer.file("etc/b", "layer").whiteout("etc/a");
  const std::string path = output.write("oci-archive", "web.tar");
  const std::string index = tar({"-xOf", path, "index.json"});
  CHECK_THAT(index, ContainsSubstring("\"org.opencontainers.image.ref.name\":\"web:1.0.0\""));
  CHECK_THAT(tar({"-xOf", path, "manifest.json"}),
             ContainsSubstring("\"RepoTags\":[\"web:1.0.0\"]"));
  const std::size_t digest = index.find("\"digest\":\"sha256:") + 17;
  const std::string manifest = tar({"-xOf", path, "blobs/sha256/" + index.substr(digest, 64)});
  INFO(manifest);
  std::size_t layers = 0;
  for (std::size_t at = 0; (at = manifest.find("tar+gzip", at)) != std::string::npos; ++at)
    ++layers;
  CHECK(layers == 2);
  OverlayStack changes_only = output.stack();
  changes_only.base.clear();
  CHECK(tar({"-tf", output.write("oci-archive", "changes.tar", changes_only)}).size() <
        tar({"-tf", path}).size());
}

TEST_CASE("an output that fails leaves nothing behind") {
  Output output;
  output.base.file("a", "x");
  output.layer.attribute("", "user.overlay.redirect", "x").directory("d");
  output.layer.attribute("d", "user.overlay.redirect", "/old");
  CHECK_THROWS_AS(output.write("oci-archive", "web.tar"), Error);
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(write_output("rootfs", {output.base.path(), {}, true}, {}, epoch,
                               output.scratch.path() / "x.tar", stop.get_token()),
                  Error);
  std::size_t left = 0;
  for (const auto& item : fs::directory_iterator(output.scratch.path())) {
    (void)item;
    ++left;
  }
  CHECK(left == 2);  // the two folders
}

TEST_CASE("the epoch is that of the environment, else of the base") {
  Output output;
  output.base.file("a", "", 0644, 1'500'000'000);
  LayerFolder::set_time(output.base.path(), 1'400'000'000);
  CHECK(output_epoch(output.stack(), {}) == 1'500'000'000);
  CHECK(output_epoch({{}, {output.layer.path()}, true}, {}) == 315'532'800);
  REQUIRE(::setenv("SOURCE_DATE_EPOCH", "1234", 1) == 0);
  CHECK(output_epoch(output.stack(), {}) == 1234);
  REQUIRE(::setenv("SOURCE_DATE_EPOCH", "yesterday", 1) == 0);
  CHECK_THROWS_AS(output_epoch(output.stack(), {}), Error);
  REQUIRE(::unsetenv("SOURCE_DATE_EPOCH") == 0);
}

TEST_CASE("an image is called as podman and docker want it") {
  Recipe recipe;
  recipe.name = "My Web_Server--2";
  recipe.version = "1.2.3";
  recipe.tags = {{"team", "web"}};
  const ImageConfig config = image_config(recipe);
  CHECK(config.reference == "my-web-server-2:1.2.3");
  CHECK(config.labels.back() == std::pair<std::string, std::string>{"team", "web"});
}
