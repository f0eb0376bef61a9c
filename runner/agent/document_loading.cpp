#include "runner/agent/document_loading.hpp"

#include "runner/agent/document_source.hpp"
#include "runner/agent/remote_text.hpp"
#include "runner/base/error.hpp"
#include "runner/base/stop.hpp"
#include "runner/base/text.hpp"
#include "runner/document/codes.hpp"

namespace toehold {

LoadedDocument load_document_at(const std::string& path, const std::string& bucket_owner,
                                AwsReach& aws, const ActionCatalogue& actions,
                                const ValidationOptions& options) {
  const SignalsEndAtOnce nothing_is_under_way;
  try {
    return load_document(read_document_source(path, bucket_owner, aws), actions, options);
  } catch (const Error& error) {
    const auto name =
        std::make_shared<SourceText>(path == "-" ? "<stdin>" : document_for_display(path), "");
    LoadedDocument unreadable{nullptr, Diagnostics(name)};
    unreadable.diagnostics.error(codes::unreadable, {}, error.full_message(), error.hint());
    return unreadable;
  }
}

std::vector<std::string> parse_blocked_actions(const std::string& list,
                                               const ActionCatalogue& actions) {
  std::vector<std::string> known;
  for (const ActionInfo* info : actions.all_infos()) known.push_back(info->name);
  std::vector<std::string> blocked;
  for (const std::string& item : split(list, ',')) {
    std::string name(trim(item));
    if (name.empty()) continue;
    if (!actions.find_info(name)) {
      const std::string hint = did_you_mean(name, known);
      throw Error(Error::Kind::usage, "--blocked-action-modules: there is no action '" + name + "'",
                  hint.empty() ? "'describe' lists the actions" : hint);
    }
    blocked.push_back(std::move(name));
  }
  return blocked;
}

std::vector<std::string> parse_phases(const std::string& list) {
  if (list.empty()) return {};
  std::vector<std::string> phases = split(list, ',');
  for (std::string& phase : phases) phase = std::string(trim(phase));
  return phases;
}

}  // namespace toehold
