#include "runner/controller/elsewhere.hpp"

#include <cstdio>

#include "runner/agent/aws_reach.hpp"
#include "runner/agent/run_directory.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/aws_share.hpp"
#include "runner/controller/build_sources.hpp"
#include "runner/controller/image_draft.hpp"
#include "runner/controller/state_copy.hpp"

namespace toehold {

namespace {

/// S3 says of any region where a bucket is, so which one is asked first does not matter.
std::unique_ptr<AwsReach> reach_for(const std::string& region, std::stop_token stop,
                                    AwsShare* share = nullptr) {
  const auto reach_in = [&](const std::string& name) {
    return share ? std::make_unique<AwsReach>(stop, share->region(name).session)
                 : std::make_unique<AwsReach>(stop, name);
  };
  auto reach = reach_in(region);
  if (!region.empty()) return reach;
  try {
    const aws::Control limits = reach->control();
    reach->session().region(limits.deadline, limits.stop);
  } catch (const Error&) {
    reach = reach_in("us-east-1");
  }
  return reach;
}

std::unique_ptr<StateCopy> copy_for(AwsReach& reach, BuildFolder& folder, const std::string& copy) {
  SystemClock clock;
  StateHolder self = holder_here(clock.unix_millis());
  self.id = folder.own_id();
  return std::make_unique<StateCopy>(reach.session(), state_address(copy), folder.path(), self);
}

void must_be_free(const StateHolder& holder, std::chrono::seconds silent, const std::string& what,
                  const OpenOptions& options) {
  if (holder.released) return;
  const std::string who = printable(to_string(holder));
  const std::string heard = "last heard of " + std::to_string(silent.count()) + " s ago";
  if (options.take_over || silent >= StateCopy::patience) {
    std::fprintf(stderr, "taken over from %s, %s\n", who.c_str(), heard.c_str());
    return;
  }
  throw Error(
      Error::Kind::busy,
      "the build is driven by " + who + " since " + rfc3339_utc(holder.since) + ", " + heard,
      "if that is gone, wait " + std::to_string((StateCopy::patience - silent).count()) +
          " s, or take it over at once: toehold " + options.command + " " + what + " --take-over");
}

/// Half-written images of another machine's store are not to be looked for in ours.
void forget_foreign_drafts(Inventory& inventory) {
  for (const InventoryRecord& record : inventory.remaining()) {
    if (!ImageDraft::is_draft(record)) continue;
    std::error_code error;
    const fs::path folder = record.id;
    const bool here = folder.parent_path() == state_base() / "images" && fs::exists(folder, error);
    if (!here) inventory.set_state(record.number, "removed");
  }
}

/// False when there is no copy.
bool take_hold(BuildFolder& folder, const std::string& copy, const std::string& what,
               const OpenOptions& options, std::stop_token stop) {
  auto reach = reach_for({}, stop);
  auto state = copy_for(*reach, folder, copy);
  const auto found = state->find();
  if (!found) return false;
  const StateHolder& holder = found->state.holder;
  // Our own folder is locked, so that process is gone, and here is all that it knew.
  const bool ours = holder.id == folder.own_id() && folder.is_whole();
  if (!ours) must_be_free(holder, found->silent, what, options);
  state->take(*found);
  if (!ours) {
    FolderFiles files = found->state.files;
    files[fetched_mark] = "";
    folder.refill(files);
    forget_foreign_drafts(folder.inventory());
    state->fetch_logs();
  }
  state->keep_alive();
  folder.attach(std::move(reach), std::move(state), std::move(stop));
  return true;
}

/// When nothing was fetched into it.
void remove_unless_whole(const BuildFolder& folder) {
  std::error_code error;
  if (!folder.is_whole()) fs::remove_all(folder.path(), error);
}

BuildFolder open_address(const std::string& what, const OpenOptions& options,
                         std::stop_token stop) {
  state_address(what);  // throws for what is none, before anything is made
  const std::string copy = what.substr(0, what.find_last_not_of('/') + 1);
  const std::size_t slash = copy.rfind('/');
  BuildFolder folder = BuildFolder::adopt(copy.substr(slash + 1));
  try {
    if (take_hold(folder, copy, what, options, std::move(stop))) return folder;
  } catch (...) {
    remove_unless_whole(folder);
    throw;
  }
  remove_unless_whole(folder);
  throw Error(Error::Kind::usage, "there is no build at " + what,
              "one that has ended leaves nothing there; list what there is: aws s3 ls " +
                  copy.substr(0, slash + 1));
}

}  // namespace

BuildFolder open_build(const std::string& what, const OpenOptions& options, std::stop_token stop) {
  if (what.starts_with("s3://")) return open_address(what, options, std::move(stop));
  BuildFolder folder = BuildFolder::open(what);
  const std::string copy = folder.record().copy;
  const bool unfinished = is_unfinished(folder.record()) || options.may_be_gone;
  if (copy.empty() || !unfinished || take_hold(folder, copy, what, options, std::move(stop)))
    return folder;
  if (options.may_be_gone || folder.inventory().all().empty()) return folder;
  throw Error(
      Error::Kind::usage,
      "build " + folder.record().id + " has ended on another machine, or " + copy + " was removed",
      "forget it here, and remove what may be left: toehold cleanup " + folder.record().id);
}

void begin_copy(BuildFolder& folder, const std::string& place, const std::string& region,
                const CommandContext& command, const CopyCompany& company) {
  const std::string copy =
      copy_address(parse_object_address(place).value_or(ObjectAddress{}), folder.record().id);
  folder.record().copy = copy;
  folder.save();
  auto reach = reach_for(region, command.stop, company.aws);
  auto state = copy_for(*reach, folder, copy);
  if (company.let_go) state->let_go = company.let_go;
  state->begin();
  state->keep_alive();
  folder.attach(std::move(reach), std::move(state), command.stop);
  command.tell("state    " + copy + "  (toehold resume goes on from there on any machine)\n");
}

}  // namespace toehold
