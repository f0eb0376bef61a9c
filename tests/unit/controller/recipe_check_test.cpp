#include "runner/controller/recipe_check.hpp"

#include <fstream>

#include "runner/base/files.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

/// A recipe in a folder of its own, with what its lines name.
class Checked {
 public:
  std::string problems(const std::string& lines, const std::string& components = "[a.yaml]") const {
    const auto source = std::make_shared<SourceText>(
        "recipe.yaml", "name: web\ncomponents: " + components + "\n" + lines);
    LoadedRecipes loaded = read_recipe(source, folder_.path());
    REQUIRE(loaded.diagnostics.items().empty());
    check_recipes(loaded);
    std::string text;
    for (const Diagnostic& item : loaded.diagnostics.items()) {
      text += std::to_string(item.where.line) + ":" + std::to_string(item.where.column) + " " +
              (item.severity == Severity::error ? "error: " : "warning: ") + item.message + " | " +
              item.hint + "\n";
    }
    return text;
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() / name) << text;
  }
  void write_component(const std::string& parameters) const {
    write("a.yaml", "schemaVersion: 1.0\nparameters: " + parameters + "\nphases: []\n");
  }

 private:
  TempDirectory folder_{"/tmp", "toehold-test-"};
};

}  // namespace

TEST_CASE("a target says which outputs it cannot write, each at its place") {
  const Checked recipe;
  CHECK(recipe.problems("target: {type: container, image: debian}\noutputs: [changes, qcow2]\n") ==
        "4:11 error: target 'container' cannot write 'changes' | it writes oci-archive, rootfs\n"
        "4:20 error: target 'container' cannot write 'qcow2' | it writes oci-archive, rootfs\n");
  CHECK(recipe.problems("target: qemu\noutputs:\n  - changes\n") ==
        "5:5 error: target 'qemu' cannot write 'changes' | it writes qcow2, raw\n");
  CHECK(recipe.problems("target: {type: ssh, host: web1}\noutputs: [rootfs]\n") ==
        "4:11 error: target 'ssh' changes a machine and writes no image | "
        "leave 'outputs' out, or take the target sandbox or container\n");
  CHECK(recipe.problems(
            "target: {type: ec2, base: ami-0123456789abcdef0, connect: ssh, region: eu-west-1}\n"
            "outputs: [qcow2]\n") ==
        "4:11 error: target 'ec2' makes a machine image and writes no "
        "files | leave 'outputs' out\n");
  CHECK(recipe.problems("target: sandbox\noutputs: [changes]\n").empty());
}

TEST_CASE("a mistake that all builds of a matrix have is told once") {
  const Checked recipe;
  const std::string told = recipe.problems(
      "matrix: {SUITE: [bookworm, trixie]}\n"
      "target: {type: qemu, base: \"mmdebstrap:{{ matrix.SUITE }}\"}\n"
      "outputs: [changes]\n");
  CHECK(told == "5:11 error: target 'qemu' cannot write 'changes' | it writes qcow2, raw\n");
}

TEST_CASE("what a target starts from has to be there") {
  const Checked recipe;
  CHECK_THAT(recipe.problems("target: {type: sandbox, base: root.tar}\n"),
             StartsWith("3:31 error: " + recipe.path("root.tar") + " is not there to start from"));
  CHECK_THAT(recipe.problems("target: {type: qemu, base: disk.qcow2}\n"),
             StartsWith("3:28 error: " + recipe.path("disk.qcow2") + " is not there to boot from"));
  CHECK_THAT(recipe.problems("target: qemu\nparentImage: disk.qcow2\n"),
             StartsWith("4:14 error: " + recipe.path("disk.qcow2")));
  CHECK_THAT(recipe.problems("parentImage: root.tar\n"),
             StartsWith("3:14 error: " + recipe.path("root.tar")));
  recipe.write("disk.qcow2", "noise");
  CHECK_THAT(recipe.problems("target: {type: qemu, base: disk.qcow2}\n"),
             StartsWith("3:28 error: " + recipe.path("disk.qcow2") + " is no qcow2 image"));
  recipe.write("disk.qcow2", "QFI\xfb and so on");
  CHECK(recipe.problems("target: {type: qemu, base: disk.qcow2}\n").empty());
  recipe.write("root.tar", "");
  CHECK(recipe.problems("target: {type: sandbox, base: root.tar}\n").empty());
  CHECK_THAT(recipe.problems("target: {type: sandbox, base: /dev/null}\n"),
             StartsWith("3:31 error: /dev/null is neither a folder nor a tarball"));
  CHECK(recipe.problems("target: {type: sandbox, base: .}\n").empty());
  CHECK(recipe.problems("target: {type: qemu, base: .}\n").empty());
}

TEST_CASE("distributions are for a target that makes machine images") {
  const Checked recipe;
  CHECK(recipe.problems("distributions: [{region: eu-west-1}]\n") ==
        "3:17 warning: 'distributions' mean nothing to target 'sandbox' | "
        "a machine image of target 'ec2' is what they bring to regions and accounts\n");
  CHECK(recipe
            .problems("target: {type: ec2, base: ami-0123456789abcdef0, connect: ssh, "
                      "region: eu-west-1}\ndistributions: [{region: eu-west-1}]\n")
            .empty());
}

TEST_CASE("a parameter that no component has is told") {
  const Checked recipe;
  const std::string port = "parameters:\n  - {name: Prt, value: 80}\n";
  CHECK(recipe.problems(port).empty());  // a component that is not here may have it
  recipe.write_component("[{Port: {type: string}}, {Name: {type: string}}]");
  CHECK(recipe.problems(port) ==
        "4:12 warning: no component has a parameter 'Prt' | did you mean 'Port'?\n");
  CHECK(recipe.problems("parameters:\n  - {name: Port, value: 80}\n").empty());
  CHECK(recipe.problems("", "[{path: a.yaml, parameters: [{name: Color, value: red}]}]") ==
        "2:49 warning: component a.yaml has no parameter 'Color' | "
        "the parameters are: Port, Name\n");
  recipe.write_component("[]");
  CHECK(recipe.problems(port) ==
        "4:12 warning: no component has a parameter 'Prt' | "
        "leave it out: there are no parameters\n");
}
