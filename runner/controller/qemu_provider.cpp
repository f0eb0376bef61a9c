#include "runner/controller/qemu_provider.hpp"

#include <algorithm>

#include "runner/base/error.hpp"
#include "runner/base/platform.hpp"
#include "runner/controller/machine_base.hpp"
#include "runner/controller/qemu_instance.hpp"
#include "runner/controller/remote_documents.hpp"
#include "runner/controller/rootless_disk.hpp"

namespace toehold {

namespace {

void require_program(const char* name, const char* package) {
  if (find_in_path(name)) return;
  throw Error(Error::Kind::unsupported, std::string("the target qemu needs ") + name,
              std::string("apt-get install ") + package);
}

class QemuProvider final : public Provider {
 public:
  ProviderInfo info() const override {
    ProviderInfo info{
        qemu_target, "A virtual machine of QEMU, which boots and reboots", {"qcow2", "raw"}, true};
    info.default_output = "qcow2";
    return info;
  }

  void check_recipe(const Recipe& recipe, Diagnostics& diagnostics) override {
    const std::string wrong = why_no_machine_base(qemu_options(recipe).base);
    if (wrong.empty()) return;
    diagnostics.error(
        codes::invalid_value, recipe.target.base_where, wrong,
        "`base` of target 'qemu' is mmdebstrap:bookworm, a disk image (qcow2; raw if it is named "
        ".raw or .img), or a folder or a tarball of a root file system; a relative path starts at "
        "the recipe's folder");
  }

  void check(const Recipe& recipe, const std::vector<DocumentRun>& documents,
             Diagnostics& diagnostics) override {
    warn_of_unsent_documents(documents, diagnostics);
    require_program(qemu_system, "qemu-system-x86");
    require_program("qemu-img", "qemu-utils");
    require_program("ssh-keygen", "openssh-client");
    check_machine_base(qemu_options(recipe));
    check_base_for_user(qemu_options(recipe));
  }

  std::unique_ptr<Instance> launch(const Recipe& recipe, const Snapshot* from,
                                   const BuildContext& context) override {
    return std::make_unique<QemuInstance>(recipe, dynamic_cast<const QemuSnapshot*>(from),
                                          from != nullptr, context);
  }

  std::unique_ptr<Instance> find(const Recipe& recipe, bool of_test,
                                 const BuildContext& context) override {
    const std::vector<InventoryRecord> records = context.inventory.remaining();
    const bool there = std::any_of(records.begin(), records.end(), [](const auto& record) {
      return record.kind == "machine" && record.state != "planned";
    });
    if (!there) {
      throw Error(Error::Kind::io, "nothing is left of build " + context.build_id,
                  "build it again with --on-failure=keep");
    }
    return std::make_unique<QemuInstance>(recipe, nullptr, of_test, context);
  }

  bool remove(const InventoryRecord& record, ProcessRunner&) override {
    return remove_qemu_record(record);
  }
};

}  // namespace

std::unique_ptr<Provider> make_qemu_provider() {
  return std::make_unique<QemuProvider>();
}

}  // namespace toehold
