#include "runner/controller/sandbox_provider.hpp"

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/rootless.hpp"
#include "runner/controller/sandbox_instance.hpp"

namespace toehold {

namespace {

void warn_of_whole_root(const Recipe& recipe, Diagnostics& diagnostics) {
  for (const OutputSpec& output : recipe.outputs) {
    if (output.type == "changes") continue;
    diagnostics.warning(codes::invalid_value, output.where,
                        output.type + " of the base host holds all of this machine's root",
                        "take the output changes, or a base of its own: mmdebstrap:bookworm");
  }
}

/// Whether there is a file or folder of that name.
void check_sandbox_base(const Recipe& recipe, Diagnostics& diagnostics) {
  const std::string base = sandbox_options(recipe).base;
  std::error_code error;
  if (!base.starts_with('/') || fs::is_regular_file(base, error) || fs::is_directory(base, error))
    return;
  diagnostics.error(codes::invalid_value, recipe.target.base_where,
                    fs::exists(base, error) ? base + " is neither a folder nor a tarball"
                                            : base + " is not there to start from",
                    "`base` of target 'sandbox' is host, mmdebstrap:bookworm, or a folder or a "
                    "tarball of a root file system; a relative path starts at the recipe's folder");
}

void check_binds(const Recipe& recipe, Diagnostics& diagnostics) {
  const Value* binds = recipe.target.options.find("bind");
  if (!binds) return;
  for (const Value& item : binds->list()) {
    const auto bind = parse_bind(std::string(item.text()));
    std::error_code error;
    if (!bind || fs::is_directory(bind->source, error)) continue;
    diagnostics.error(
        codes::invalid_value, item.where,
        bind->source + (fs::exists(bind->source, error) ? " is no folder"
                                                        : " is not there to show in the sandbox"),
        "make it before the build; a relative path starts at the recipe's folder");
  }
}

class SandboxProvider final : public Provider {
 public:
  ProviderInfo info() const override {
    return {sandbox_target,
            "Namespaces and an overlay over this machine's root, a folder or a tarball",
            {"changes", "oci-archive", "rootfs"},
            false,
            true};
  }

  void check_recipe(const Recipe& recipe, Diagnostics& diagnostics) override {
    check_sandbox_base(recipe, diagnostics);
    check_binds(recipe, diagnostics);
    if (sandbox_options(recipe).base == "host") warn_of_whole_root(recipe, diagnostics);
  }

  void check(const Recipe& recipe, const std::vector<DocumentRun>& documents,
             Diagnostics& diagnostics) override {
    if (!fs::exists("/proc/self/ns/pid")) {
      throw Error(Error::Kind::unsupported, "this machine has no namespaces",
                  "take the target container or ssh");
    }
    check_rootless(recipe, diagnostics);
    for (const DocumentRun& run : documents) {
      for (const Phase& phase : run.document->phases) {
        for (const Step& step : phase.steps) {
          if (step.action != "Reboot") continue;
          diagnostics.warning(codes::invalid_value, step.where,
                              "a sandbox does not reboot: step '" + step.name + "' of " + run.path +
                                  " will be passed over",
                              "each step begins with new processes; take a VM or EC2 to boot");
        }
      }
    }
  }

  std::unique_ptr<Instance> launch(const Recipe& recipe, const Snapshot* from,
                                   const BuildContext& context) override {
    return std::make_unique<SandboxInstance>(recipe, context,
                                             dynamic_cast<const SandboxSnapshot*>(from));
  }

  std::optional<std::vector<StepForecast>> forecast(const Recipe& recipe,
                                                    const std::vector<Stage>& stages,
                                                    const BuildContext& context) override {
    std::vector<StepForecast> rows;
    bool reached = base_is_made(sandbox_options(recipe).base);
    std::string why = "the base has to be made first";
    std::unique_ptr<SandboxInstance> instance;
    for (const Stage& stage : stages) {
      std::vector<StepForecast> more;
      if (reached) {
        const auto below = instance ? instance->snapshot() : nullptr;
        instance = std::make_unique<SandboxInstance>(
            recipe, context, dynamic_cast<const SandboxSnapshot*>(below.get()));
        more = instance->forecast(stage, reached);
        why = "the image is made anew";
      } else {
        more = forecast_all_run(stage, why);
      }
      rows.insert(rows.end(), more.begin(), more.end());
    }
    return rows;
  }

  std::unique_ptr<Instance> find(const Recipe& recipe, bool, const BuildContext& context) override {
    std::error_code error;
    if (!fs::is_directory(context.directory / "sandbox", error)) {
      throw Error(Error::Kind::io, "nothing is left of build " + context.build_id,
                  "build it again with --on-failure=keep");
    }
    return std::make_unique<SandboxInstance>(recipe, context, nullptr);
  }

  bool remove(const InventoryRecord& record, ProcessRunner&) override {
    std::error_code error;
    fs::remove_all(record.id, error);
    return !fs::exists(record.id, error);
  }
};

}  // namespace

std::unique_ptr<Provider> make_sandbox_provider() {
  return std::make_unique<SandboxProvider>();
}

}  // namespace toehold
