#include "runner/controller/recipe.hpp"

#include <cstdlib>
#include <fstream>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/controller/ec2_options.hpp"
#include "runner/controller/target_options.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

namespace {

LoadedRecipes read(const std::string& text, const RecipeSettings& settings = {}) {
  return read_recipe(std::make_shared<SourceText>("recipe.yaml", text), "/recipes", settings);
}

std::string problems(const LoadedRecipes& loaded) {
  std::string text;
  for (const Diagnostic& item : loaded.diagnostics.items()) {
    text += std::to_string(item.where.line) + ":" + std::to_string(item.where.column) + " " +
            item.code + ": " + item.message + " | " + item.hint + "\n";
  }
  return text;
}

/// The one recipe of a text without mistakes.
Recipe good(const std::string& text, const RecipeSettings& settings = {}) {
  const LoadedRecipes loaded = read(text, settings);
  INFO(problems(loaded));
  REQUIRE(loaded.diagnostics.items().empty());
  REQUIRE(loaded.builds.size() == 1);
  return loaded.builds.front();
}

/// One mistake, in a recipe that is right but for `lines`, which begin on line 3.
void check_mistake(const std::string& lines, const std::string& problem) {
  const LoadedRecipes loaded = read("name: web\ncomponents: [a.yaml]\n" + lines);
  INFO(problems(loaded));
  CHECK(loaded.diagnostics.found() == 1);
  CHECK_THAT(problems(loaded), ContainsSubstring(problem));
}

}  // namespace

TEST_CASE("a recipe with everything in it") {
  const Recipe recipe = good(R"(name: web server
semanticVersion: 1.2.3
description: serves
parentImage: ami-0123
workingDirectory: /tmp
components:
  - install.yaml
  - s3://bucket/key.yaml
  - component: ../more.yaml
    parameters:
      - {name: Port, value: 0080}
      - {name: Names, value: [a, b]}
  - componentArn: arn:aws:imagebuilder:eu-west-1:aws:component/update-linux/x.x.x
parameters: [{name: Owner, value: ops}]
tags: {team: web, stage: 1.10}
amiTags: {Name: web}
blockDeviceMappings:
  - deviceName: /dev/xvda
    ebs: {volumeSize: 20, volumeType: gp3, encrypted: true}
additionalInstanceConfiguration:
  systemsManagerAgent: {uninstallAfterBuild: true}
  userDataOverride: aGk=
imageTestsConfiguration: {imageTestsEnabled: false, timeoutMinutes: 90}
target:
  type: sandbox
  base: bases/debian.tar.gz
  offline: true
  bind: [cache, "/srv:/mnt:rw"]
outputs:
  - oci-archive
  - {type: rootfs, path: out/web.tar.gz}
)");
  CHECK(recipe.name == "web server");
  CHECK(recipe.version == "1.2.3");
  CHECK(recipe.parent_image == "ami-0123");
  REQUIRE(recipe.components.size() == 4);
  CHECK(recipe.components[0].document == "/recipes/install.yaml");
  CHECK(recipe.components[1].document == "s3://bucket/key.yaml");
  CHECK(recipe.components[2].document == "/more.yaml");
  CHECK(recipe.components[2].parameters == Parameters{{"Port", "0080"}, {"Names", "a,b"}});
  CHECK(recipe.components[3].document.starts_with("arn:"));
  CHECK(recipe.components[3].where == SourceLocation{13, 19});
  CHECK(recipe.parameters == Parameters{{"Owner", "ops"}});
  CHECK(recipe.tags == Parameters{{"team", "web"}, {"stage", "1.10"}});
  CHECK_FALSE(recipe.tests_enabled);
  CHECK(recipe.test_timeout_minutes == 90);
  const SandboxOptions sandbox = sandbox_options(recipe);
  CHECK(sandbox.base == "/recipes/bases/debian.tar.gz");
  CHECK(sandbox.offline);
  CHECK(sandbox.bind == std::vector<std::string>{"/recipes/cache:/recipes/cache", "/srv:/mnt:rw"});
  CHECK(parse_bind(sandbox.bind[1])->writable);
  CHECK_FALSE(parse_bind(sandbox.bind[0])->writable);
  REQUIRE(recipe.outputs.size() == 2);
  CHECK(recipe.outputs[0].type == "oci-archive");
  CHECK(recipe.outputs[0].path.empty());
  CHECK(recipe.outputs[1].path == "/recipes/out/web.tar.gz");
}

TEST_CASE("what a recipe does not say has a default") {
  const Recipe recipe = good("{\"name\": \"web\", \"components\": [\"a.yaml\"]}");
  CHECK(recipe.version == "1.0.0");
  CHECK(recipe.target.type == "sandbox");
  CHECK(sandbox_options(recipe).base == "host");
  CHECK(recipe.tests_enabled);
  CHECK(recipe.outputs.empty());
}

TEST_CASE("the parent image is the target's base unless the target has one") {
  CHECK(
      sandbox_options(good("name: web\ncomponents: [a]\nparentImage: mmdebstrap:trixie\n")).base ==
      "mmdebstrap:trixie");
  CHECK(container_options(
            good("name: web\ncomponents: [a]\nparentImage: debian:12\ntarget: container\n"))
            .image == "debian:12");
  const Recipe ssh = good(
      "name: web\ncomponents: [a]\ntarget: {type: ssh, host: box, identityFile: ~/.ssh/key}\n");
  CHECK(ssh_options(ssh).port == 22);
  const Recipe machine = good("name: web\ncomponents: [a]\ntarget: qemu\n");
  CHECK(qemu_options(machine).base == "mmdebstrap:bookworm");
  CHECK(qemu_options(machine).record_files);
  CHECK(qemu_options(good("name: web\ncomponents: [a]\ntarget: {type: qemu, base: /d.qcow2}\n"))
            .base == "/d.qcow2");
  CHECK(ssh_options(ssh).identity_file == std::string(std::getenv("HOME")) + "/.ssh/key");
}

TEST_CASE("each mistake in a recipe is told with its place and what to write") {
  check_mistake("verison: 1.0.0\n",
                "3:1 unknown-key: the recipe does not know the key 'verison' | "
                "did you mean 'version'?");
  check_mistake("version: 1.0\n", "3:10 invalid-value: '1.0' is no version of a recipe");
  check_mistake("version: 1.0.0\nsemanticVersion: 1.0.1\n", "4:18 invalid-value");
  check_mistake("parentImage: ami-1\n", "3:14 invalid-value: a sandbox cannot start from 'ami-1'");
  check_mistake("target: container\nparentImage: ami-1\n",
                "4:14 invalid-value: a container cannot start from 'ami-1'");
  check_mistake("target: qemu\nparentImage: mmdebstrap:--help\n", "4:14 invalid-value");
  check_mistake("parentImage: mmdebstrap:--help\n", "names no suite");
  check_mistake("workingDirectory: tmp\n", "no absolute path: tmp");
  check_mistake("target: sandbx\n",
                "3:9 invalid-value: there is no target 'sandbx' | did you mean "
                "'sandbox'?");
  check_mistake("target: {base: host}\n", "3:9 missing-key: 'target' of the recipe needs 'type'");
  check_mistake("target: [sandbox]\n", "takes a text or a map, not a list");
  check_mistake("target: {type: sandbox, ofline: true}\n",
                "3:25 unknown-key: target 'sandbox' does not know the key 'ofline' | did you mean "
                "'offline'?");
  check_mistake("target: {type: sandbox, bind: ['a:b']}\n", "cannot be 'a:b'");
  check_mistake("target: container\n", "needs an image to start from");
  check_mistake("target: {type: container, image: x, engine: dockr}\n",
                "write one of: auto, podman");
  check_mistake("target: {type: ssh}\n", "3:9 missing-key: target 'ssh' needs 'host'");
  check_mistake("target: {type: ssh, host: -oProxyCommand=x}\n",
                "'host' of target 'ssh' cannot be");
  check_mistake("target: {type: ssh, host: a, user: -x}\n",
                "write the name of a user there, such as root");
  check_mistake("target: {type: ssh, host: a, jump: 'a b'}\n",
                "3:36 invalid-value: 'jump' of target 'ssh' cannot be 'a b' | write "
                "[USER@]HOST[:PORT]");
  check_mistake("target: {type: ssh, host: a, port: 70000}\n", "a number from 1 to 65535");
  check_mistake("target: {type: qemu, base: ami-1}\n",
                "a virtual machine here cannot boot 'ami-1'");
  check_mistake("target: {type: qemu, cpu: 'host,x=y'}\n", "no name of a CPU model");
  check_mistake("target: {type: qemu, memory: 1}\n", "a number from 64 to");
  check_mistake("outputs: oci-archive\n", "'outputs' of the recipe takes a list, not text");
  check_mistake("outputs: [oci]\n", "3:11 invalid-value: 'type' of an output cannot be 'oci'");
  check_mistake("outputs: [rootfs, rootfs]\n",
                "the output 'rootfs' is there twice | leave one out");
  check_mistake("parameters: {a: b}\n", "write\nparameters:\n  - {name: ..., value: ...}");
  check_mistake("parameters: [{name: A, value: {b: c}}]\n", "takes text or a list of texts");
  check_mistake("parameters: [{name: A, value: 1}, {name: A, value: 2}]\n", "'A' twice");
  check_mistake("tags: {'aws:x': 1}\n", "'aws:x' of 'tags' cannot be a tag");
  check_mistake("blockDeviceMappings: [{ebs: {volumeSize: 0}}]\n", "a number from 1 to 16000");
  check_mistake("additionalInstanceConfiguration: {userDataOverride: '#!/bin/sh'}\n", "base64");
  check_mistake("imageTestsConfiguration: {timeoutMinutes: soon}\n", "takes a whole number");
}

TEST_CASE("mistakes in components are told") {
  const auto told = [](const std::string& components, const std::string& problem) {
    const LoadedRecipes loaded = read("name: web\ncomponents: " + components + "\n");
    INFO(problems(loaded));
    CHECK(loaded.diagnostics.found() == 1);
    CHECK_THAT(problems(loaded), ContainsSubstring(problem));
  };
  told("a.yaml", "takes a list, not text | write\ncomponents:\n  - install.yaml");
  told("[]", "not an empty list");
  told("[{parameters: []}]", "2:14 missing-key: a component names no document");
  told("[{path: a, component: b}]", "names more than one document");
  told("[{component: a, paramters: []}]", "did you mean 'parameters'?");
  told("[{component: a, parameters: [{name: B}]}]",
       "an item of 'parameters' of a component needs 'value'");
  const LoadedRecipes many = read("nme: web\nversion: x\ntarget: vm\n");
  CHECK(many.diagnostics.error_count() == 4);  // all at once
}

TEST_CASE("a mistake in the shape of a recipe hides no other") {
  const LoadedRecipes loaded = read(R"(name: web
components: [{path: [a], parameters: [{name: A, value: {b: c}}]}]
imageTestsConfiguration: {timeoutMinutes: soon}
outputs: [{type: rootfs, pth: a}, rootfs, tar]
target: {type: sandbox, base: ami-1, offline: perhaps, bind: ['a:b', [c]], cleanup: no}
)");
  INFO(problems(loaded));
  const char* told[] = {"2:21 wrong-type",    "2:56 wrong-type",     "3:43 wrong-type",
                        "4:26 unknown-key",   "4:35 duplicate-name", "4:43 invalid-value",
                        "5:31 invalid-value", "5:47 wrong-type",     "5:63 invalid-value",
                        "5:70 wrong-type",    "5:85 invalid-value"};
  for (const char* one : told) CHECK_THAT(problems(loaded), ContainsSubstring(one));
  CHECK(loaded.diagnostics.found() == std::size(told));
  CHECK(loaded.builds.front().outputs.size() == 2);  // the third is none, for who looks at them
}

TEST_CASE("a matrix makes a build of each combination") {
  const LoadedRecipes loaded = read(R"(name: web-{{ matrix.SUITE }}
components: [{component: a.yaml, parameters: [{name: Edition, value: '{{matrix.EDITION}}'}]}]
target: {type: sandbox, base: 'mmdebstrap:{{ matrix.SUITE }}'}
matrix: {SUITE: [bookworm, trixie], EDITION: [small, large]}
)");
  INFO(problems(loaded));
  REQUIRE(loaded.diagnostics.items().empty());
  REQUIRE(loaded.builds.size() == 4);
  CHECK(loaded.builds[1].name == "web-bookworm");
  CHECK(loaded.builds[1].components[0].parameters == Parameters{{"Edition", "large"}});
  CHECK(matrix_label(loaded.builds[1]) == "SUITE=bookworm, EDITION=large");
  CHECK(sandbox_options(loaded.builds[2]).base == "mmdebstrap:trixie");
  CHECK(matrix_label(loaded.builds[2]) == "SUITE=trixie, EDITION=small");
}

TEST_CASE("mistakes with a matrix are told once") {
  check_mistake("matrix: {SUITE: [a, b]}\ndescription: '{{ matrix.SUIT }}'\n",
                "4:15 unknown-reference: the matrix has no 'SUIT' | did you mean 'SUITE'?");
  check_mistake("matrix: {SUITE: [a, b]}\ndescription: '{{ SUITE }}'\n",
                "{{ SUITE }} stays as it is | for a value of the matrix, write {{ matrix.SUITE }}");
  check_mistake("description: 'x {{ matrix.SUITE }}'\n",
                "the matrix has no 'SUITE' | write\nmatrix:");
  check_mistake("matrix: {SUITE: [a, a]}\n", "has 'a' twice");
  check_mistake("matrix: {SUITE: bookworm}\n", "takes a list of texts, not text");
  check_mistake("matrix: [SUITE]\n", "takes a map of lists, not a list");
  check_mistake(
      "matrix: {S: [a, b]}\noutputs: [{type: rootfs, path: x.tar}]\n",
      "the builds of the matrix all write /recipes/x.tar | put a value of the matrix into "
      "the path: {{ matrix.S }}");
  check_mistake("matrix: {S: [a, b]}\nversion: one\n", "4:10 invalid-value");
  std::string wide = "matrix: {";
  for (const char* key : {"A: ", "B: ", "C: "}) wide += std::string(key) + "[1,2,3,4,5,6,7,8], ";
  check_mistake(wide + "}\n", "limit: the matrix makes more than 256 builds");
}

TEST_CASE("settings of the command line change the recipe") {
  const std::string text = "name: web\ncomponents: [a]\ntarget: sandbox\nmatrix: {S: [a, b, c]}\n";
  CHECK(read(text, {{"S", "b,c"}}).builds.size() == 2);
  CHECK(matrix_label(good(text, {{"S", "x"}})) == "S=x");
  const Recipe recipe =
      good("name: web\ncomponents: [a]\ntarget: sandbox\n",
           {{"target.base", "/srv/root"}, {"version", "2.0.0"}, {"outputs", "rootfs,changes"}});
  CHECK(sandbox_options(recipe).base == "/srv/root");
  CHECK(recipe.version == "2.0.0");
  CHECK(recipe.outputs.size() == 2);
  // Whichever of the settings says which target it is.
  const Recipe on_ec2 =
      good("name: web\ncomponents: [a]\n", {{"target.market", "spot,on-demand"},
                                            {"target.connect", "ssh"},
                                            {"target.type", "ec2"},
                                            {"target.base", "ami-0123456789abcdef0"}});
  CHECK(ec2_options(on_ec2).market == std::vector<std::string>{"spot", "on-demand"});
  CHECK(sandbox_options(good("name: web\ncomponents: [a]\n", {{"target.bind", "/srv, /opt:/mnt"}}))
            .bind == std::vector<std::string>{"/srv:/srv", "/opt:/mnt"});
  CHECK(sandbox_options(good("name: web\ncomponents: [a]\ntarget: {type: sandbox, bind: [/a]}\n",
                             {{"target.bind", ""}}))
            .bind.empty());
  CHECK_THROWS_WITH(read(text, {{"SS", "x"}}), ContainsSubstring("has 'SS'"));
  CHECK_THROWS_AS(read(text, {{"name.first", "x"}}), Error);
}

TEST_CASE("a component is a recipe for itself") {
  const TempDirectory folder("/tmp", "toehold-test-");
  const auto path = folder.path() / "my.hello.yml";
  std::ofstream(path) << "schemaVersion: 1.0\nphases: [{name: build, steps: []}]\n";
  const LoadedRecipes loaded = load_recipe(path, {{"target.offline", "true"}});
  INFO(problems(loaded));
  REQUIRE(loaded.builds.size() == 1);
  CHECK(loaded.diagnostics.items().empty());
  CHECK(loaded.builds[0].name == "my-hello");
  CHECK(loaded.builds[0].components[0].document == path.string());
  CHECK(sandbox_options(loaded.builds[0]).offline);
  CHECK(sandbox_options(recipe_from_component(path)).base == "host");
}

TEST_CASE("a file is taken for what it means to be, though a key is misspelt") {
  const TempDirectory folder("/tmp", "toehold-test-");
  const auto is_recipe = [&](const std::string& text) {
    std::ofstream(folder.path() / "file.yaml") << text;
    return is_recipe_file(folder.path() / "file.yaml");
  };
  CHECK(is_recipe("{name: web, components: [a]}"));
  CHECK(is_recipe("{name: web, componets: [a]}"));
  CHECK(is_recipe("{name: web, target: sandbox}"));
  CHECK(is_recipe("{parentImage: ami-0123}"));
  CHECK_FALSE(is_recipe("{name: web, schemaVersion: 1.0, phase: []}"));
  CHECK_FALSE(is_recipe("{name: web, schemaVersion: 1.0, componets: [a]}"));
  CHECK_FALSE(is_recipe("{name: web, phases: [], target: sandbox}"));
  CHECK_FALSE(is_recipe("{name: web, description: x, parameters: [], phase: []}"));
  CHECK_FALSE(is_recipe("[components]"));
  CHECK_FALSE(is_recipe(""));
  // `build` of a document without phases says what the document lacks.
  CHECK(read("schemaVersion: 1.0\nphase: []\n").diagnostics.items().empty());
  CHECK_THAT(problems(read("name: web\ncomponets: [a]\n")),
             ContainsSubstring("did you mean 'components'?"));
}

TEST_CASE("files that are not there are told") {
  const TempDirectory folder("/tmp", "toehold-test-");
  const auto path = folder.path() / "recipe.yaml";
  CHECK(load_recipe(path).diagnostics.items().front().code == "unreadable");
  std::ofstream(path) << "name: web\ncomponents:\n  - gone.yaml\n  - https://example.org/x.yaml\n";
  const LoadedRecipes loaded = load_recipe(path);
  CHECK(problems(loaded) == "3:5 unreadable: there is no component " +
                                (folder.path() / "gone.yaml").string() +
                                " | a relative path starts at the recipe's folder\n");
}
