#include "runner/aws/watcher.hpp"

#include <algorithm>

#include "runner/aws/batched.hpp"

namespace toehold::aws {

namespace {

// Of one kind of Describe call. A build by itself never waits; many have to be content with a state
// that is half a second old.
CallRate pace() {
  return {2, 10};
}
// Commands end within a second, and each step of a build waits for some.
CallRate pace_of_commands() {
  return {5, 20};
}
// Of a call, whatever the number of its filters: more is FilterLimitExceeded.
constexpr std::size_t most_filter_values = 200;
constexpr std::size_t most_ssm_values = 50;  // as describe_instance_information has it
// So few commands are quicker asked for by themselves, which brings their output, too.
constexpr std::size_t few_commands = 3;
constexpr UnixMillis longest_command = 48 * 3600 * 1000;  // as CommandRequest has it
// A command is asked about at once when it is sent; and a clock may be off by a minute.
constexpr UnixMillis sent_before = 5 * 60 * 1000;

std::vector<std::string> list(const std::set<std::string>& ids) {
  return {ids.begin(), ids.end()};
}

/// By id. As values of a filter those that EC2 does not know are left out; as ids they would fail
/// the call for all.
template <class Thing>
std::map<std::string, Thing> by_id(Result<std::vector<Thing>> found,
                                   const std::set<std::string>& ids) {
  std::map<std::string, Thing> answers;
  if (found.failure && ids.size() == 1 && ec2::is_not_found(*found.failure)) return answers;
  std::vector<Thing> things = found.require();
  for (Thing& thing : things) {
    std::string id = thing.id;
    answers.insert_or_assign(std::move(id), std::move(thing));
  }
  return answers;
}

}  // namespace

struct Watcher::Questions {
  Questions(Session& its_session, std::string its_region)
      : session(its_session), region(std::move(its_region)) {}

  std::map<std::string, ec2::Instance> ask_instances(const std::set<std::string>& ids,
                                                     const Control& control) {
    Client client(session);
    return by_id(ec2::find_instances({client, region}, {{"instance-id", list(ids)}}, control), ids);
  }

  std::map<std::string, ec2::Image> ask_images(const std::set<std::string>& ids,
                                               const Control& control) {
    Client client(session);
    return by_id(ec2::find_images({client, region}, {"self"}, {{"image-id", list(ids)}}, control),
                 ids);
  }

  std::map<std::string, ec2::Snapshot> ask_snapshots(const std::set<std::string>& ids,
                                                     const Control& control) {
    Client client(session);
    return by_id(ec2::find_snapshots({client, region}, {{"snapshot-id", list(ids)}}, control), ids);
  }

  std::map<std::string, ManagedInstance> ask_managed(const std::set<std::string>& ids,
                                                     const Control& control) {
    Client client(session);
    std::map<std::string, ManagedInstance> answers;
    for (auto& one : describe_instance_information(client, region, list(ids), control)) {
      std::string id = one.instance_id;
      answers.insert_or_assign(std::move(id), std::move(one));
    }
    return answers;
  }

  /// The values are those of the tag in `with_tag`.
  std::map<std::string, std::vector<ec2::Instance>> ask_tagged(const std::string& tag,
                                                               const std::set<std::string>& values,
                                                               const Control& control) {
    Client client(session);
    std::map<std::string, std::vector<ec2::Instance>> answers;
    // States are told apart here: the values of all filters of a call count together.
    const ec2::Filters filters{{"tag:" + tag, list(values)}};
    for (auto& one : ec2::find_instances({client, region}, filters, control).require()) {
      if (one.state == "terminated") continue;
      const auto found = one.tags.find(tag);
      if (found != one.tags.end()) answers[std::string(found->second)].push_back(std::move(one));
    }
    return answers;
  }

  std::map<std::string, bool> ask_commands(const std::set<std::string>& ids,
                                           const Control& control) {
    std::map<std::string, bool> answers;
    const UnixMillis since = first_asked(ids) - sent_before;
    if (ids.size() <= few_commands) return answers;
    Client client(session);
    for (const auto& one : commands_in_progress(client, region, since, control)) {
      if (ids.count(one.command_id) > 0) answers[one.command_id] = true;
    }
    return answers;
  }

  /// When the oldest of these commands was first asked about.
  UnixMillis first_asked(const std::set<std::string>& ids) {
    const std::lock_guard lock(mutex);
    const UnixMillis now = session.now();
    std::erase_if(asked, [&](const auto& one) { return one.second < now - longest_command; });
    UnixMillis first = now;
    for (const std::string& id : ids) first = std::min(first, asked.emplace(id, now).first->second);
    return first;
  }

  template <class Answer>
  Batched<Answer> question(std::size_t most, CallRate rate,
                           std::map<std::string, Answer> (Questions::*ask)(
                               const std::set<std::string>&, const Control&)) {
    return {session.clock(), most, rate, [this, ask](const auto& ids, const Control& control) {
              return (this->*ask)(ids, control);
            }};
  }
  Batched<std::vector<ec2::Instance>>& with_tag(const std::string& tag) {
    const std::lock_guard lock(mutex);
    auto& known = tagged[tag];
    if (!known) {
      known = std::make_unique<Batched<std::vector<ec2::Instance>>>(
          session.clock(), most_filter_values, pace(),
          [this, tag](const auto& values, const Control& control) {
            return ask_tagged(tag, values, control);
          });
    }
    return *known;
  }

  Session& session;
  const std::string region;
  Batched<ec2::Instance> instances =
      question(most_filter_values, pace(), &Questions::ask_instances);
  Batched<ec2::Image> images = question(most_filter_values, pace(), &Questions::ask_images);
  Batched<ec2::Snapshot> snapshots =
      question(most_filter_values, pace(), &Questions::ask_snapshots);
  Batched<ManagedInstance> managed = question(most_ssm_values, pace(), &Questions::ask_managed);
  Batched<bool> commands =
      question(most_filter_values, pace_of_commands(), &Questions::ask_commands);
  std::mutex mutex;
  std::map<std::string, UnixMillis> asked;  // by command
  std::map<std::string, std::unique_ptr<Batched<std::vector<ec2::Instance>>>> tagged;
};

Watcher::Watcher(Session& session, std::string region)
    : session_(session), questions_(std::make_unique<Questions>(session, std::move(region))) {}

Watcher::~Watcher() = default;

std::optional<ec2::Instance> Watcher::instance(const std::string& id, const Control& control) {
  return questions_->instances.about(id, control);
}

std::optional<ec2::Image> Watcher::image(const std::string& id, const Control& control) {
  return questions_->images.about(id, control);
}

std::optional<ec2::Snapshot> Watcher::snapshot(const std::string& id, const Control& control) {
  return questions_->snapshots.about(id, control);
}

std::optional<ManagedInstance> Watcher::managed_instance(const std::string& id,
                                                         const Control& control) {
  return questions_->managed.about(id, control);
}

std::vector<ec2::Instance> Watcher::instances_with(const std::string& tag, const std::string& value,
                                                   const Control& control) {
  return questions_->with_tag(tag).about(value, control).value_or(std::vector<ec2::Instance>());
}

bool Watcher::is_under_way(const std::string& command_id, const Control& control) {
  return questions_->commands.about(command_id, control).value_or(false);
}

}  // namespace toehold::aws
