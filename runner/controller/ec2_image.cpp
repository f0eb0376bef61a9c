#include "runner/controller/ec2_image.hpp"

#include <algorithm>

#include "runner/aws/ec2_snapshots.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/distribution.hpp"
#include "runner/controller/distribution_plan.hpp"
#include "runner/controller/ec2_removal.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;
namespace ec2 = aws::ec2;

// How long an image may make no progress at all. A large volume takes hours, but it moves.
constexpr auto standstill = 1800s;
constexpr std::size_t longest_name = 128;  // EC2 API Reference, CreateImage

/// Only what EC2 takes: letters, digits, and some signs.
std::string plain_image_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("()[] ./-'@_").find(c) != std::string_view::npos;
    name += good ? c : '-';
  }
  return name.substr(0, longest_name);
}

std::vector<ec2::Image> images_called(const ec2::Region& region, const Ec2Thing& thing,
                                      const aws::Control& control) {
  return ec2::find_images(region, {"self"}, {{"name", {thing.name}}}, control).require();
}

/// That of this build, if it is there. Throws Error(aws) when another has the name.
std::optional<ec2::Image> own_image(Ec2Place& place, const std::string& name) {
  const Ec2Thing thing = place.thing("image", name);
  for (const ec2::Image& known : images_called(place.here(), thing, place.control())) {
    if (is_made_by(thing, known.tags)) return known;
    throw Error(Error::Kind::aws, "there is an image called '" + name + "' already, " + known.id,
                "give this one another imageName, or deregister that one");
  }
  return std::nullopt;
}

/// It is to stay, whoever did not hear of that any more.
bool is_delivered(const ec2::Tags& tags) {
  const auto lease = tags.find(lease_tag);
  return lease != tags.end() && lease->second == delivered;
}

/// Those of a build's images that have none any more: it was killed, or an answer was lost, between
/// the two removals. How many there were.
std::size_t remove_snapshots(const ec2::Region& region, const Ec2Thing& thing, bool also_delivered,
                             const aws::Control& control) {
  std::size_t removed = 0;
  const auto filters = ec2::tag_filters({{build_tag, thing.build}, {part_tag, thing.part}});
  for (const auto& one : ec2::find_snapshots(region, filters, control).require()) {
    if (is_delivered(one.tags) && !also_delivered) continue;
    auto deleted = ec2::delete_snapshot(region, one.id, control);
    const bool stays = deleted.failure && (ec2::is_not_found(*deleted.failure) ||
                                           ec2::is_dependency_violation(*deleted.failure));
    if (stays) continue;
    deleted.require();
    ++removed;
  }
  return removed;
}

/// The same of images with their snapshots, of which a young image shows none yet.
std::size_t remove_images(const ec2::Region& region, const Ec2Thing& thing, bool also_delivered,
                          const aws::Control& control) {
  std::size_t snapshots = 0;
  for (const ec2::Image& image : images_called(region, thing, control)) {
    if (!is_made_by(thing, image.tags) || (is_delivered(image.tags) && !also_delivered)) continue;
    remove_image_of(region, image.id, image.snapshot_ids(), control);
    snapshots += image.snapshot_ids().size();
  }
  return snapshots;
}

}  // namespace

std::string ec2_image_name(Ec2Place& place) {
  const Recipe& recipe = place.recipe();
  const BuildContext& context = place.context();
  std::string wanted = distributed_name(
      recipe.distributions,
      {recipe.name, recipe.version, context.build_id, place.region(), context.started});
  if (wanted.empty()) wanted = place.options().image_name;
  return plain_image_name(
      wanted.empty() ? recipe.name + " " + recipe.version + " " + context.build_id : wanted);
}

void take_image_name(Ec2Place& place) {
  const std::string name = ec2_image_name(place);
  if (!place.takes_image_name(name)) {
    throw Error(Error::Kind::aws, "another of these builds makes the image '" + name + "', too",
                "give each an imageName of its own: of a matrix, one with {{ matrix.NAME }}");
  }
  own_image(place, name);
}

bool remove_ec2_image(const ec2::Region& region, const Ec2Thing& thing, const ImageRemoval& how,
                      const aws::Control& control) {
  const Monotonic begun = how.clock.monotonic();
  for (;;) {
    std::size_t removed = remove_images(region, thing, how.also_delivered, control);
    removed += remove_snapshots(region, thing, how.also_delivered, control);
    if (removed > 0 || !how.may_be_young) return true;
    if (how.clock.monotonic() - begun > may_be_unseen) return true;
    how.clock.sleep_for(2s, {});
  }
}

bool is_delivered_there(const ec2::Region& region, const Ec2Thing& thing,
                        const aws::Control& control) {
  const std::vector<ec2::Image> images = images_called(region, thing, control);
  return std::any_of(images.begin(), images.end(), [&](const auto& image) {
    return is_made_by(thing, image.tags) && is_delivered(image.tags);
  });
}

Ec2Image::Ec2Image(Ec2Place& place, const std::string& instance_id, PackageList before,
                   PackageList after)
    : place_(place),
      name_(ec2_image_name(place)),
      thing_(place.thing("image", name_)),
      before_(std::move(before)),
      after_(std::move(after)) {
  Inventory& inventory = place.context().inventory;
  record_ = inventory.plan_again(ec2_target, "image", to_record_id(thing_)).number;
  try {
    create(instance_id);
    // One that an earlier process has delivered stays, whatever becomes of this one.
    const bool stays = is_delivered(image_.tags);
    inventory.set_state(record_, stays ? "delivered" : "created");
    if (!stays) wait_until_available();
  } catch (...) {
    give_up();
    throw;
  }
}

/// The name is what makes this repeatable: there is no token, and no two images of an account can
/// have one name.
void Ec2Image::create(const std::string& instance_id) {
  Parameters own = place_.recipe().tags;
  own.insert(own.end(), place_.recipe().ami_tags.begin(), place_.recipe().ami_tags.end());
  ec2::Tags tags = ec2_tags(thing_, name_, own);
  tags[lease_tag] = place_.lease_end();
  if (const auto known = own_image(place_, name_)) {
    image_ = *known;
    return;
  }
  asked_ = place_.context().clock.monotonic();
  auto answer = ec2::create_image(
      place_.here(), {instance_id, name_, place_.recipe().description, tags, tags, false},
      place_.control());
  if (answer.value) {
    image_.id = *answer.value;
  } else if (!ec2::is_duplicate(*answer.failure)) {
    if (answer.failure->status / 100 == 4) asked_.reset();  // there is nothing to come
    answer.require();
  } else {  // the answer to our first call was lost, or another was quicker
    place_.wait_until("the image " + name_, 300s, [&] {
      const auto known = own_image(place_, name_);
      if (known) image_ = *known;
      return known.has_value();
    });
  }
  place_.say("image " + image_.id + "  " + name_);
}

/// In per cent, of all its snapshots.
std::int64_t Ec2Image::progress() {
  const std::vector<std::string> ids = image_.snapshot_ids();
  if (ids.empty()) return 0;
  std::int64_t sum = 0;
  for (const std::string& id : ids) {
    const auto one = place_.watcher().snapshot(id, place_.control());
    if (!one) continue;  // EC2 may not show it yet
    if (one->state == "error") {
      throw Error(Error::Kind::aws, "snapshot " + id + " failed: " + one->status_message);
    }
    sum += one->progress;
  }
  return sum;
}

void Ec2Image::wait_until_available() {
  Clock& clock = place_.context().clock;
  std::int64_t best = -1;
  const Monotonic begun = clock.monotonic();
  Monotonic moved = begun;
  std::optional<Monotonic> renewed;  // its lease; one that was found has what was left of that
  if (asked_) renewed = begun;
  place_.wait_until("image " + image_.id, 7 * 24h, [&] {
    const auto found = place_.watcher().image(image_.id, place_.control());
    if (!found && clock.monotonic() - begun < 300s) return false;  // EC2 may not show it yet
    if (!found) throw Error(Error::Kind::aws, "image " + image_.id + " is not there any more");
    image_ = *found;
    if (image_.state == "available") return true;
    if (!image_.state.empty() && image_.state != "pending") {
      throw Error(Error::Kind::aws, "image " + image_.id + " is " + image_.state + ": " +
                                        image_.state_reason.message);
    }
    if (!renewed ||
        clock.monotonic() - *renewed > std::chrono::minutes(place_.options().lease) / 3) {
      tag_lease(place_.lease_end());
      renewed = clock.monotonic();
    }
    const std::int64_t now = progress();
    if (now > best) moved = clock.monotonic();
    best = std::max(best, now);
    if (clock.monotonic() - moved > standstill) {
      throw Error(Error::Kind::timeout,
                  "image " + image_.id + " has made no progress for 30 minutes");
    }
    return false;
  });
}

Ec2Image::~Ec2Image() {
  Inventory& inventory = place_.context().inventory;
  try {
    if (kept_) inventory.set_state(record_, "kept");
  } catch (const Error& error) {
    place_.say("warning: image " + image_.id + ": " + error.full_message());
  }
  if (kept_) return;
  for (const InventoryRecord& record : inventory.remaining()) {
    if (record.number == record_) give_up();  // delivered: then it is not there
  }
}

void Ec2Image::give_up() {
  place_.remove(record_, "image " + image_.id, [&] {
    AwsReach& reach = place_.reach_to_remove();
    Clock& clock = place_.context().clock;
    const bool young = asked_ && clock.monotonic() - *asked_ < may_be_unseen;
    return remove_ec2_image({reach.client(), {}}, thing_, {clock, young, delivering_},
                            reach.control());
  });
}

WrittenOutput Ec2Image::write(const OutputSpec& output, const fs::path&, std::stop_token) {
  throw Error(Error::Kind::unsupported, "target 'ec2' cannot write '" + output.type + "'");
}

std::string Ec2Image::publish() {
  return image_.id + " in " + place_.region();
}

void Ec2Image::tag_lease(const std::string& value) {
  std::vector<std::string> ids = image_.snapshot_ids();
  ids.push_back(image_.id);
  place_
      .of_young([&] {
        return ec2::create_tags(place_.here(), ids, {{lease_tag, value}}, place_.control());
      })
      .require();
}

void Ec2Image::deliver() {
  delivering_ = true;
  tag_lease(delivered);
  place_.context().inventory.set_state(record_, "delivered");
}

std::vector<DistributionResult> Ec2Image::distribute() {
  const Recipe& recipe = place_.recipe();
  if (recipe.distributions.empty()) return {};
  const BuildContext& context = place_.context();
  return toehold::distribute(
      {image_.id, place_.region(), context.build_id, context.started, recipe.name, recipe.version,
       recipe.distributions, recipe.source},
      {place_.reach().session(), context.inventory, context.clock, context.stop,
       [&context](const std::string& text) { context.say(text); }});
}

std::string Ec2Image::parent_id() const {
  std::error_code error;
  const fs::path pin = place_.context().directory / "base-image";
  return fs::exists(pin, error) ? std::string(trim(read_file(pin, 256))) : std::string();
}

}  // namespace toehold
