#include "runner/controller/ssh_provider.hpp"

#include <algorithm>
#include <cstdio>

#include "runner/base/error.hpp"
#include "runner/controller/remote_documents.hpp"
#include "runner/controller/ssh_instance.hpp"

namespace toehold {

namespace {

bool has_test(const std::vector<DocumentRun>& documents) {
  return std::any_of(documents.begin(), documents.end(), [](const DocumentRun& run) {
    const auto& phases = run.document->phases;
    return std::any_of(phases.begin(), phases.end(),
                       [](const Phase& phase) { return phase.name == "test"; });
  });
}

void warn_of_reboots(const DocumentRun& run, const std::string& host, Diagnostics& diagnostics) {
  Diagnostics own(run.document->source);
  for (const Phase& phase : run.document->phases) {
    for (const Step& step : phase.steps) {
      if (step.action != "Reboot") continue;
      own.warning(codes::invalid_value, step.where,
                  "step '" + step.name + "' reboots the machine " + host);
    }
  }
  diagnostics.append(own);
}

class SshProvider final : public Provider {
 public:
  ProviderInfo info() const override {
    return {ssh_target, "A machine that is there already, over SSH", {}, true, false, false};
  }

  void check_recipe(const Recipe& recipe, Diagnostics& diagnostics) override {
    for (const OutputSpec& output : recipe.outputs) {
      diagnostics.error(codes::invalid_value, output.where,
                        "target 'ssh' changes a machine and writes no image",
                        "leave 'outputs' out, or take the target sandbox or container");
    }
  }

  void check(const Recipe& recipe, const std::vector<DocumentRun>& documents,
             Diagnostics& diagnostics) override {
    const std::string host = ssh_options(recipe).host;
    const bool tests = recipe.tests_enabled && has_test(documents);
    diagnostics.warning(codes::invalid_value, recipe.target.where,
                        "no image is made: the steps change " + host + " itself, for good" +
                            (tests ? ", and the phase test runs there, too" : ""));
    for (const DocumentRun& run : documents) warn_of_reboots(run, host, diagnostics);
    warn_of_unsent_documents(documents, diagnostics);
  }

  std::unique_ptr<Instance> launch(const Recipe& recipe, const Snapshot* from,
                                   const BuildContext& context) override {
    return std::make_unique<SshInstance>(recipe, settings(recipe), from != nullptr, context);
  }

  std::unique_ptr<Instance> find(const Recipe& recipe, bool of_test,
                                 const BuildContext& context) override {
    const std::vector<InventoryRecord> records = context.inventory.remaining();
    const bool there = std::any_of(records.begin(), records.end(), [](const auto& record) {
      return record.provider == ssh_target && record.state != "planned";
    });
    if (!there) {
      throw Error(Error::Kind::io, "nothing is left of build " + context.build_id,
                  "build it again with --on-failure=keep");
    }
    return std::make_unique<SshInstance>(recipe, settings(recipe), of_test, context);
  }

  bool remove(const InventoryRecord& record, ProcessRunner&) override {
    const SshPlace place = ssh_place(record.id);
    SystemClock clock;
    try {
      SshTransport transport(ssh_settings(place.options));
      transport.connect({});
      return RemoteAgent(transport, clock, place.folder, {}).remove();
    } catch (const Error& error) {
      std::fprintf(stderr, "%s\n", error.full_message().c_str());
      return false;
    }
  }

 private:
  /// Read once: a person is not asked for a password at every stage.
  const SshSettings& settings(const Recipe& recipe) {
    if (!settings_) settings_ = ssh_settings(ssh_options(recipe));
    return *settings_;
  }

  std::optional<SshSettings> settings_;
};

}  // namespace

std::unique_ptr<Provider> make_ssh_provider() {
  return std::make_unique<SshProvider>();
}

}  // namespace toehold
