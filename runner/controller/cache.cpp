#include <fcntl.h>
#include <sys/file.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "runner/agent/program.hpp"
#include "runner/agent/run_directory.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/commands.hpp"
#include "runner/controller/layer_store.hpp"
#include "runner/controller/rootless.hpp"
#include "runner/controller/sandbox_base.hpp"

namespace toehold {

namespace {

struct Prune {
  int older_than_days = 0;
  bool all = false;
  bool bases = false;
};

std::vector<LayerRecord> sorted_layers(const LayerStore& store) {
  std::vector<LayerRecord> layers = store.list();
  std::sort(layers.begin(), layers.end(),
            [](const auto& a, const auto& b) { return a.used > b.used; });
  return layers;
}

void show() {
  const LayerStore store(state_base() / "cache" / "layers");
  unsigned long long bytes = 0;
  const auto layers = sorted_layers(store);
  for (const LayerRecord& layer : layers) {
    bytes += static_cast<unsigned long long>(layer.bytes);
    std::printf("%.12s  %9s  %s  %-16s %s\n", layer.key.c_str(),
                format_size(static_cast<unsigned long long>(layer.bytes)).c_str(),
                rfc3339_utc(layer.used).c_str(), layer.action.c_str(), layer.step.c_str());
  }
  std::printf("%s, %s\n", count_of(layers.size(), "layer").c_str(), format_size(bytes).c_str());
}

void prune(const Prune& wanted, const CommandContext& context) {
  become_root(context);  // layers have files of several users
  LayerStore store(state_base() / "cache" / "layers");
  const CacheLock lock(CacheLock::Use::alone);
  SystemClock clock;
  const UnixMillis limit =
      clock.unix_millis() - UnixMillis(wanted.older_than_days) * 24 * 3600 * 1000;
  std::size_t count = 0;
  unsigned long long bytes = 0;
  for (const LayerRecord& layer : store.list()) {
    if (!wanted.all && layer.used > limit) continue;
    store.remove(layer.key);
    bytes += static_cast<unsigned long long>(layer.bytes);
    ++count;
  }
  store.remove_halves();
  std::error_code error;
  if (wanted.bases) fs::remove_all(state_base() / "cache" / "bases", error);
  std::printf("removed %s, %s\n", count_of(count, "layer").c_str(), format_size(bytes).c_str());
}

}  // namespace

void add_cache(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("cache", "Show or prune the layers of finished steps");
  command->callback([command] {
    if (command->get_subcommands().empty()) show();
  });
  auto wanted = std::make_shared<Prune>();
  CLI::App* pruning = command->add_subcommand("prune", "Remove layers that were not used lately");
  wanted->older_than_days = 14;
  pruning->add_option("--older-than", wanted->older_than_days, "Days since they were last used")
      ->capture_default_str();
  pruning->add_flag("--all", wanted->all, "All of them");
  pruning->add_flag("--bases", wanted->bases, "The unpacked bases, too");
  pruning->callback([wanted, &context] { prune(*wanted, context); });
}

}  // namespace toehold
