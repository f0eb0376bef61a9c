#include "runner/controller/ec2_place.hpp"

#include <algorithm>
#include <cstdio>

#include "runner/base/error.hpp"

namespace toehold {

using namespace std::chrono_literals;

namespace {
constexpr auto longest_silence = 600s;  // of AWS, while something is waited for
}

void say_of_ec2(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
}

Ec2Place::Ec2Place(const Recipe& recipe, const BuildContext& context)
    : recipe_(recipe),
      context_(context),
      options_(ec2_options(recipe)),
      own_(context.aws ? nullptr : std::make_unique<AwsShare>()),
      region_((own_ ? *own_ : *context.aws).region(options_.region)),
      reach_(context.stop, region_.session) {}

void Ec2Place::remove(std::int64_t record, const std::string& what,
                      const std::function<bool()>& removed) {
  std::string why = "it does not go";
  try {
    context_.must_hold();
    if (removed()) return context_.inventory.set_state(record, "removed");
  } catch (const Error& error) {
    if (error.kind() == Error::Kind::busy) return;  // it is another machine's now
    why = error.full_message();
  }
  say("warning: " + what + ": " + why + "; later: toehold cleanup " + context_.build_id);
}

AwsReach& Ec2Place::reach_to_remove() {
  if (!reach_to_remove_) reach_to_remove_.emplace(std::stop_token(), region_.session);
  return *reach_to_remove_;
}

std::string region_of_calls(AwsReach& reach, const std::string& how) {
  const aws::Control limits = reach.control();
  try {
    return reach.session().region(limits.deadline, limits.stop);
  } catch (const Error& error) {
    if (error.kind() != Error::Kind::aws) throw;
    throw Error(error.kind(), error.full_message(), how + ", or " + error.hint());
  }
}

std::string Ec2Place::region() {
  return region_of_calls(reach_, "write region: in the recipe's target");
}

Ec2Thing Ec2Place::thing(const std::string& part, const std::string& name) {
  Ec2Thing thing;
  thing.region = region();
  thing.build = context_.build_id;
  thing.part = part;
  thing.name = name;
  return thing;
}

aws::ec2::Tags Ec2Place::tags(const std::string& part) {
  auto tags = ec2_tags(thing(part), ec2_name(context_.build_id), options_.resource_tags);
  tags[lease_tag] = lease_end();
  const std::string group = log_group_of(options_);
  if (!group.empty()) tags[log_group_tag] = group;
  return tags;
}

std::string Ec2Place::lease_end() const {
  const auto lease = std::chrono::milliseconds(std::chrono::minutes(options_.lease));
  return rfc3339_utc(context_.clock.unix_millis() + lease.count());
}

void Ec2Place::wait_until(const std::string& what, std::chrono::seconds longest,
                          const std::function<bool()>& is_true) {
  const Monotonic begun = context_.clock.monotonic();
  Monotonic heard = begun;
  const auto is_so = [&] {
    try {
      const bool answer = is_true();
      heard = context_.clock.monotonic();
      return answer;
    } catch (const Error& error) {
      const bool lasts = context_.clock.monotonic() - heard > longest_silence;
      if (error.kind() != Error::Kind::network || lasts) throw;
      return false;
    }
  };
  for (std::chrono::milliseconds pause = 1s; !is_so(); pause = std::min(pause * 5 / 4, 2000ms)) {
    if (context_.clock.monotonic() - begun > longest) {
      throw Error(Error::Kind::timeout,
                  what + " takes more than " + std::to_string(longest.count()) + " s");
    }
    if (!context_.clock.sleep_for(pause, context_.stop)) {
      throw Error(Error::Kind::cancelled, "interrupted");
    }
  }
}

}  // namespace toehold
