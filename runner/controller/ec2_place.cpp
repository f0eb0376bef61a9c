#include "runner/controller/ec2_place.hpp"

#include <algorithm>
#include <cstdio>

#include "runner/base/error.hpp"

namespace toehold {

using namespace std::chrono_literals;

void say_of_ec2(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
}

Ec2Place::Ec2Place(const Recipe& recipe, const BuildContext& context)
    : recipe_(recipe),
      context_(context),
      options_(ec2_options(recipe)),
      reach_(context.stop, options_.region) {}

std::string Ec2Place::region() {
  const aws::Control limits = control();
  return reach_.session().region(limits.deadline, limits.stop);
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
  return tags;
}

std::string Ec2Place::lease_end() const {
  const auto lease = std::chrono::milliseconds(std::chrono::minutes(options_.lease));
  return rfc3339_utc(context_.clock.unix_millis() + lease.count());
}

void Ec2Place::wait_until(const std::string& what, std::chrono::seconds longest,
                          const std::function<bool()>& is_true) {
  const Monotonic begun = context_.clock.monotonic();
  for (std::chrono::milliseconds pause = 1s; !is_true(); pause = std::min(pause * 5 / 4, 15000ms)) {
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
