#include "runner/controller/container_provider.hpp"

#include <algorithm>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/container_instance.hpp"
#include "runner/controller/container_snapshot.hpp"
#include "runner/controller/remote_documents.hpp"
#include "runner/controller/target_options.hpp"

namespace toehold {

namespace {

// The first whose `save` writes an OCI layout.
constexpr std::int64_t docker_with_oci = 25;

void warn_of_reboots(const DocumentRun& run, Diagnostics& diagnostics) {
  Diagnostics own(run.document->source);
  for (const Phase& phase : run.document->phases) {
    for (const Step& step : phase.steps) {
      if (step.action != "Reboot") continue;
      own.warning(codes::invalid_value, step.where,
                  "a container does not reboot: for step '" + step.name + "' it is restarted",
                  "its files stay and its processes end; a new kernel takes a VM or EC2");
    }
  }
  diagnostics.append(own);
}

class ContainerProvider final : public Provider {
 public:
  ProviderInfo info() const override {
    return {container_target,
            "A container of podman or docker, from any image",
            {"oci-archive", "rootfs"}};
  }

  void check(const Recipe& recipe, const std::vector<DocumentRun>& documents,
             Diagnostics& diagnostics) override {
    for (const DocumentRun& run : documents) warn_of_reboots(run, diagnostics);
    warn_of_unsent_documents(documents, diagnostics);
    if (diagnostics.has_errors()) return;
    RealProcessRunner processes;
    check_docker(recipe, *ContainerEngine::find(container_options(recipe).engine, processes, {}),
                 diagnostics);
  }

  std::unique_ptr<Instance> launch(const Recipe& recipe, const Snapshot* from,
                                   const BuildContext& context) override {
    const auto* snapshot = dynamic_cast<const ContainerSnapshot*>(from);
    return std::make_unique<ContainerInstance>(
        recipe, engine(recipe, context),
        snapshot ? snapshot->image() : container_options(recipe).image, snapshot != nullptr,
        context);
  }

  std::unique_ptr<Instance> find(const Recipe& recipe, bool of_test,
                                 const BuildContext& context) override {
    const std::vector<InventoryRecord> records = context.inventory.remaining();
    const bool there = std::any_of(records.begin(), records.end(), [](const auto& record) {
      return record.kind == "container" && record.state != "planned";
    });
    if (!there) {
      throw Error(Error::Kind::io, "nothing is left of build " + context.build_id,
                  "build it again with --on-failure=keep");
    }
    return std::make_unique<ContainerInstance>(recipe, engine(recipe, context), "", of_test,
                                               context);
  }

  bool is_withdrawn(const InventoryRecord& record) override { return record.kind == "name"; }

  bool remove(const InventoryRecord& record, ProcessRunner& processes) override {
    if (record.kind == "name") return unpublish(record.id, processes);
    const std::size_t slash = record.id.find('/');
    const ContainerEngine engine(record.id.substr(0, slash), processes);
    const std::string name = record.id.substr(slash + 1);
    engine.wait_for_others(name);
    return record.kind == "container" ? engine.remove_container(name) : engine.remove_image(name);
  }

 private:
  std::shared_ptr<ContainerEngine> engine(const Recipe& recipe, const BuildContext& context) {
    if (!engine_) {
      engine_ =
          ContainerEngine::find(container_options(recipe).engine, context.processes, context.stop);
    }
    return engine_;
  }

  static void check_docker(const Recipe& recipe, const ContainerEngine& engine,
                           Diagnostics& diagnostics) {
    if (engine.name() != "docker" || recipe.outputs.empty()) return;
    const auto version = engine.try_run({"version", "--format", "{{.Server.Version}}"}, {});
    const std::string major(trim(split(version.value_or(""), '.').front()));
    if (Value(major).as_int().value_or(0) >= docker_with_oci) return;
    for (const OutputSpec& output : recipe.outputs) {
      if (output.type != "oci-archive") continue;
      diagnostics.error(codes::invalid_value, output.where,
                        "docker " + major + " writes no OCI archives; docker 25 and podman do",
                        "write\noutputs:\n  - rootfs");
    }
  }

  std::shared_ptr<ContainerEngine> engine_;  // knows how containers start here
};

}  // namespace

std::unique_ptr<Provider> make_container_provider() {
  return std::make_unique<ContainerProvider>();
}

}  // namespace toehold
