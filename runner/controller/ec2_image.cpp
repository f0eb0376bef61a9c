#include "runner/controller/ec2_image.hpp"

#include <algorithm>

#include "runner/aws/ec2_snapshots.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/distribution.hpp"
#include "runner/controller/distribution_plan.hpp"

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

void remove_image_of(const ec2::Region& region, const std::string& id,
                     const std::vector<std::string>& snapshots, const aws::Control& control) {
  auto gone = ec2::deregister_image(region, id, control);
  if (gone.failure && !ec2::is_not_found(*gone.failure)) gone.require();
  for (const std::string& snapshot : snapshots) {
    auto deleted = ec2::delete_snapshot(region, snapshot, control);
    if (deleted.failure && !ec2::is_not_found(*deleted.failure)) deleted.require();
  }
}

bool remove_ec2_image(const ec2::Region& region, const Ec2Thing& thing,
                      const aws::Control& control) {
  for (const ec2::Image& image : images_called(region, thing, control)) {
    if (is_made_by(thing, image.tags)) {
      remove_image_of(region, image.id, image.snapshot_ids(), control);
    }
  }
  return true;
}

Ec2Image::Ec2Image(Ec2Place& place, const std::string& instance_id, PackageList before,
                   PackageList after)
    : place_(place),
      name_(ec2_image_name(place)),
      before_(std::move(before)),
      after_(std::move(after)) {
  Inventory& inventory = place.context().inventory;
  record_ =
      inventory.plan_again(ec2_target, "image", to_record_id(place.thing("image", name_))).number;
  try {
    create(instance_id);
    // One that an earlier process has delivered stays, whatever becomes of this one.
    const auto lease = image_.tags.find(lease_tag);
    const bool stays = lease != image_.tags.end() && lease->second == delivered;
    inventory.set_state(record_, stays ? "delivered" : "created");
    if (!stays) wait_until_available();
  } catch (...) {
    if (remove_ec2_image(place.here(), place.thing("image", name_), place.control())) {
      inventory.set_state(record_, "removed");
    }
    throw;
  }
}

/// The name is what makes this repeatable: there is no token, and no two images of an account can
/// have one name.
void Ec2Image::create(const std::string& instance_id) {
  const Ec2Thing thing = place_.thing("image", name_);
  Parameters own = place_.recipe().tags;
  own.insert(own.end(), place_.recipe().ami_tags.begin(), place_.recipe().ami_tags.end());
  ec2::Tags tags = ec2_tags(thing, name_, own);
  tags[lease_tag] = place_.lease_end();
  for (const ec2::Image& known : images_called(place_.here(), thing, place_.control())) {
    if (!is_made_by(thing, known.tags)) {
      throw Error(Error::Kind::aws, "there is an image called '" + name_ + "' already, " + known.id,
                  "give this one another imageName, or deregister that one");
    }
    image_ = known;
    return;
  }
  auto answer = ec2::create_image(
      place_.here(), {instance_id, name_, place_.recipe().description, tags, tags, false},
      place_.control());
  if (answer.value) {
    image_.id = *answer.value;
  } else if (!ec2::is_duplicate(*answer.failure)) {
    answer.require();
  } else {  // the answer to our first call was lost
    place_.wait_until("the image " + name_, 300s, [&] {
      const auto found = images_called(place_.here(), thing, place_.control());
      if (!found.empty()) image_ = found.front();
      return !found.empty();
    });
  }
  say_of_ec2("image " + image_.id + "  " + name_);
}

/// In per cent, of all its snapshots.
std::int64_t Ec2Image::progress() {
  const std::vector<std::string> ids = image_.snapshot_ids();
  if (ids.empty()) return 0;
  std::int64_t sum = 0;
  auto answer = ec2::describe_snapshots(place_.here(), ids, place_.control());
  if (answer.failure && ec2::is_not_found(*answer.failure)) return 0;
  for (const ec2::Snapshot& one : answer.require()) {
    if (one.state == "error") {
      throw Error(Error::Kind::aws, "snapshot " + one.id + " failed: " + one.status_message);
    }
    sum += one.progress;
  }
  return sum;
}

void Ec2Image::wait_until_available() {
  Clock& clock = place_.context().clock;
  std::int64_t best = -1;
  const Monotonic begun = clock.monotonic();
  Monotonic moved = begun;
  Monotonic renewed = begun;
  place_.wait_until("image " + image_.id, 7 * 24h, [&] {
    auto answer = ec2::describe_images(place_.here(), {image_.id}, place_.control());
    const bool unseen = answer.failure && ec2::is_not_found(*answer.failure);
    if (unseen && clock.monotonic() - begun < 300s) return false;  // EC2 may not show it yet
    const std::vector<ec2::Image> found = answer.require();
    if (!found.empty()) image_ = found.front();
    if (image_.state == "available") return true;
    if (!image_.state.empty() && image_.state != "pending") {
      throw Error(Error::Kind::aws, "image " + image_.id + " is " + image_.state + ": " +
                                        image_.state_reason.message);
    }
    if (clock.monotonic() - renewed > std::chrono::minutes(place_.options().lease) / 3) {
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
  if (kept_) {
    inventory.set_state(record_, "kept");
    return;
  }
  for (const InventoryRecord& record : inventory.remaining()) {
    if (record.number != record_) continue;  // delivered: then it is not there
    try {
      if (remove_ec2_image(place_.here(), place_.thing("image", name_), place_.control())) {
        inventory.set_state(record_, "removed");
      }
    } catch (const Error& error) {
      say_of_ec2("warning: image " + image_.id + ": " + error.full_message() +
                 "; later: toehold cleanup " + place_.context().build_id);
    }
  }
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
  ec2::create_tags(place_.here(), ids, {{lease_tag, value}}, place_.control()).require();
}

void Ec2Image::deliver() {
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
      {place_.reach().session(), context.inventory, context.clock, context.stop, say_of_ec2});
}

std::string Ec2Image::parent_id() const {
  std::error_code error;
  const fs::path pin = place_.context().directory / "base-image";
  return fs::exists(pin, error) ? std::string(trim(read_file(pin, 256))) : std::string();
}

}  // namespace toehold
