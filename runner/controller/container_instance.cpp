#include "runner/controller/container_instance.hpp"

#include <sys/stat.h>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/agent_binary.hpp"
#include "runner/controller/container_snapshot.hpp"
#include "runner/controller/remote_packages.hpp"
#include "runner/controller/target_options.hpp"

namespace toehold {

namespace {

// A connection to a container breaks only when the container does.
constexpr std::chrono::seconds patience{10};

/// As `uname -m` calls it.
std::string machine_of(const Value& config) {
  const Value* architecture = config.find("Architecture");
  const std::string name = architecture ? architecture->text() : "amd64";
  return name == "amd64" ? "x86_64" : name == "arm64" ? "aarch64" : name;
}

/// A folder with the agent in it, as it is to be in the container.
void make_agent_folder(const fs::path& folder, const fs::path& agent) {
  make_private_directory(folder);
  fs::copy_file(agent, folder / "toehold-agent");
  if (::chmod((folder / "toehold-agent").c_str(), 0700) != 0) {
    throw Error::from_errno("cannot write " + folder.string(), errno);
  }
}

}  // namespace

std::string container_record_id(const ContainerEngine& engine, const std::string& name) {
  return engine.name() + "/" + name;
}

ContainerInstance::ContainerInstance(const Recipe& recipe, std::shared_ptr<ContainerEngine> engine,
                                     const std::string& image, bool for_test,
                                     const BuildContext& context)
    : recipe_(recipe),
      engine_(std::move(engine)),
      context_(context),
      for_test_(for_test),
      name_("toehold-" + context.build_id + (for_test ? "-test" : "")),
      folder_("/.toehold-" + context.build_id),
      config_file_(context.directory / (for_test ? "test-image.json" : "image.json")),
      transport_({engine_->name()}, name_, context.processes),
      agent_(transport_, context.clock, folder_,
             {[this](std::stop_token stop) { restart(stop); },
              patience,
              {},
              working_directories(recipe),
              records_files(recipe) && !for_test,
              &context.command.actions}),
      stages_(agent_, context) {
  const InventoryRecord record = context.inventory.plan_again(container_target, "container",
                                                              container_record_id(*engine_, name_));
  record_ = record.number;
  engine_->wait_for_others(name_);
  if (record.state != "planned") {
    attach();
    return;
  }
  try {
    create(image);
  } catch (...) {
    if (engine_->remove_container(name_)) context_.inventory.set_state(record_, "removed");
    throw;
  }
  context_.inventory.set_state(record_, "created");
}

void ContainerInstance::attach() {
  if (engine_->try_run({"start", name_}, context_.stop)) return;
  throw Error(Error::Kind::io, "the container " + name_ + " is gone",
              "remove what is left: toehold cleanup " + context_.build_id);
}

void ContainerInstance::create(const std::string& image) {
  begin_stage_anew(context_, for_test_);
  engine_->remove_container(name_);  // what an earlier process has begun
  const Value config = engine_->image(image, context_.stop);
  write_file_atomically(config_file_, to_json(config));
  const AgentBinary agent = find_agent_binary(machine_of(config));
  const TempDirectory temporary(context_.directory, "agent-");
  const fs::path folder = temporary.path() / folder_.substr(1);
  make_agent_folder(folder, agent.path);
  std::vector<std::string> reasons;
  for (const std::vector<std::string>& way : engine_->ways_to_create()) {
    std::string reason;
    if (!create_with(way, image, folder, reason)) {
      reasons.push_back(reason);
      continue;
    }
    engine_->remember(way);
    transport_.check(agent_.agent_path(), agent.sha256, {}, context_.stop);
    if (for_test_) return;
    const PackageList packages =
        remote_packages(transport_, context_.directory, context_.processes, context_.stop);
    write_file_atomically(packages_file(), to_json(to_value(packages)));
    return;
  }
  throw Error(Error::Kind::process, "no container starts from " + image + ": " + reasons.front(),
              "does `" + engine_->name() + " run --rm " + image + " true` work?");
}

bool ContainerInstance::create_with(const std::vector<std::string>& way, const std::string& image,
                                    const fs::path& agent, std::string& reason) {
  std::vector<std::string> words{"create",       "--name",           name_, "--user", "0",
                                 "--entrypoint", agent_.agent_path()};
  words.insert(words.end(), way.begin(), way.end());
  words.insert(words.end(), {image, "hold"});
  try {
    engine_->run(words, context_.stop);
    engine_->run({"cp", agent.string(), name_ + ":/"}, context_.stop);
    engine_->run({"start", name_}, context_.stop);
    return true;
  } catch (const Error& error) {
    if (error.kind() != Error::Kind::process) throw;
    reason = error.what();
    engine_->remove_container(name_);
    return false;
  }
}

void ContainerInstance::restart(std::stop_token stop) {
  std::fprintf(stderr, "restarting the container\n");
  engine_->run({"restart", "--time", "2", name_}, stop);
}

int ContainerInstance::shell(const std::vector<std::string>& command) {
  return agent_.shell(for_test_ ? "test" : "build", command, context_.stop);
}

std::unique_ptr<Snapshot> ContainerInstance::snapshot() {
  PackageList after =
      remote_packages(transport_, context_.directory, context_.processes, context_.stop);
  const std::string image = "localhost/toehold-build:" + context_.build_id;
  const Value config = parse_json(read_file(config_file_));
  const InventoryRecord record = context_.inventory.plan_again(
      container_target, "image", container_record_id(*engine_, image));
  auto snapshot =
      std::make_unique<ContainerSnapshot>(recipe_, engine_, context_, record.number, image, config);
  snapshot->packages(packages_from(parse_json(read_file(packages_file())), packages_file()),
                     std::move(after));
  if (snapshot->is_there()) return snapshot;
  if (!agent_.remove()) {
    throw Error(Error::Kind::process, "the agent cannot be taken out of the container " + name_,
                "does a program of a step still use it? toehold shell " + context_.build_id);
  }
  snapshot->commit(name_);
  return snapshot;
}

ContainerInstance::~ContainerInstance() {
  if (kept_) {
    context_.inventory.set_state(record_, "kept");
  } else if (engine_->remove_container(name_)) {
    context_.inventory.set_state(record_, "removed");
  }
}

}  // namespace toehold
