#include "runner/controller/distribution_copy.hpp"

#include <algorithm>
#include <cstdlib>

#include "runner/aws/ec2_snapshots.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/controller/ec2_removal.hpp"

namespace toehold {

namespace {

namespace ec2 = aws::ec2;
using std::chrono::milliseconds;

constexpr std::chrono::seconds one_call(120);
constexpr std::chrono::minutes may_be_unknown(5);  // right after it was asked for
constexpr std::chrono::minutes most_stillness(30);
constexpr std::chrono::hours longest_queue(4);
constexpr UnixMillis lease = 24LL * 3600 * 1000;
constexpr milliseconds first_pause(1000);
constexpr milliseconds longest_pause(15000);

/// A fifth more or less, so that many of us do not ask in step.
milliseconds jittered(milliseconds time) {
  const auto random = std::strtol(random_hex(2).c_str(), nullptr, 16);  // 0 to 65535
  return time * (80 + random * 40 / 65535) / 100;
}

milliseconds after(milliseconds pause) {
  return std::min(longest_pause, pause * 3 / 2);
}

}  // namespace

/// Those that may still be there; the token counts nothing.
std::vector<InventoryRecord> CopyInventory::records_of(const Ec2Thing& copy) const {
  std::vector<InventoryRecord> records;
  for (const InventoryRecord& record : inventory_.remaining()) {
    if (record.provider != ec2_target || record.kind != "image") continue;
    Ec2Thing known = read_record_id(record.id);
    known.token = copy.token;
    if (to_record_id(known) == to_record_id(copy)) records.push_back(record);
  }
  return records;
}

void CopyInventory::plan(Ec2Thing& copy) {
  const std::lock_guard lock(mutex_);
  const std::vector<InventoryRecord> known = records_of(copy);
  copy.token = known.empty() ? client_token({copy.build, copy.region, copy.name, random_hex(16)})
                             : read_record_id(known.front().id).token;
  inventory_.plan_again(ec2_target, "image", to_record_id(copy));
}

void CopyInventory::settle(const Ec2Thing& copy, const char* state) {
  const std::lock_guard lock(mutex_);
  for (const InventoryRecord& record : records_of(copy)) {
    inventory_.set_state(record.number, state);
  }
}

ImageCopy::ImageCopy(const SourceImage& image, const DistributionTarget& target,
                     aws::Client& client, const CopyTools& tools)
    : image_(image), target_(target), tools_(tools), region_{client, target.region} {
  thing_.region = target.region;
  thing_.build = image.build_id;
  thing_.part = "copy";
  thing_.name = target.name;
  if (!target.role.empty()) thing_.account = target.account;
  thing_.role = target.role;
}

aws::Control ImageCopy::control() const {
  const std::string place = target_.region + "  ";
  const auto& tell = tools_.tell;
  return {Deadline(tools_.clock.monotonic() + one_call), tools_.stop,
          [&tell, place](const std::string& note) { tell(place + note); }};
}

void ImageCopy::pause(milliseconds time) const {
  if (tools_.clock.sleep_for(jittered(time), tools_.stop)) return;
  throw Error(Error::Kind::cancelled,
              "stopped while " + image_.id + " was copied to " + target_.region,
              "the same command goes on with the copy");
}

void ImageCopy::begin() {
  asked_ = tools_.clock.monotonic();
  auto found = find();
  if (found && found->state != "failed" && found->state != "error") {
    id_ = found->id;
    if (found->state == "available") {
      there_ = std::move(found);  // and no longer ours to give up
    } else {
      tools_.inventory.plan(thing_);
    }
    return;
  }
  if (found) {
    remove_image_of(region_, found->id, found->snapshot_ids(), control());
    tools_.inventory.give_up(thing_);
  }
  ask();
}

std::optional<ec2::Image> ImageCopy::find() {
  const auto all =
      ec2::find_images(region_, {"self"},
                       ec2::tag_filters({{build_tag, image_.build_id}, {part_tag, "copy"}}),
                       control())
          .require();
  std::optional<ec2::Image> found;
  for (const ec2::Image& one : all) {
    if (one.state == "deregistered") continue;
    if (!found || one.name == target_.name) found = one;
  }
  return found;
}

std::optional<ec2::Image> ImageCopy::find_by_name() {
  const auto all =
      ec2::find_images(region_, {"self"}, {{"name", {target_.name}}}, control()).require();
  if (all.empty()) return std::nullopt;
  return all.front();
}

void ImageCopy::ask() {
  tools_.inventory.plan(thing_);
  ec2::CopyImageRequest request;
  request.source_region = image_.region;
  request.source_image_id = image_.id;
  request.name = target_.name;
  request.description = target_.description;
  request.client_token = thing_.token;
  if (!target_.kms_key.empty()) request.encrypted = true;
  request.kms_key_id = target_.kms_key;
  request.image_tags = target_.tags;
  // Until it is delivered a sweep may take it, when nobody can be at work on it any more.
  request.image_tags[lease_tag] = rfc3339_utc(tools_.clock.unix_millis() + lease);
  request.snapshot_tags = request.image_tags;
  const Monotonic begun = tools_.clock.monotonic();
  for (milliseconds wait = longest_pause;;
       wait = std::min<milliseconds>(wait * 2, longest_pause * 8)) {
    auto asked = ec2::copy_image(region_, request, control());
    if (asked.ok()) {
      id_ = asked.require();
      is_new_ = true;
      asked_ = tools_.clock.monotonic();
      return tools_.tell(target_.region + "  copying " + image_.id + " to " + id_);
    }
    if (asked.failure && ec2::is_duplicate(*asked.failure)) {
      const auto found = find_by_name();
      if (found && is_made_by(thing_, found->tags)) {
        id_ = found->id;
        return;
      }
      throw Error(Error::Kind::aws,
                  target_.region + " has an image '" + target_.name + "' already" +
                      (found ? ", " + found->id : std::string()) + ", which is no copy of " +
                      image_.build_id,
                  "deregister it, or give the copy another name");
    }
    if (!asked.failure || !may_pass(*asked.failure, begun)) asked.require();
    pause(wait);
  }
}

/// Told, when it is worth waiting for.
bool ImageCopy::may_pass(const aws::Failure& failure, Monotonic begun) const {
  const auto waited = tools_.clock.monotonic() - begun;
  if (ec2::is_resource_limit(failure) && waited < longest_queue) {
    tools_.tell(target_.region + "  too many copies are going on there; waiting for one to end");
    return true;
  }
  const bool unseen = ec2::is_not_found(failure) ||
                      failure.message.find("storage of this ami") != std::string::npos;
  if (!unseen || !tools_.shared_just_now || target_.role.empty() || waited >= may_be_unknown) {
    return false;
  }
  tools_.tell(target_.region + "  account " + target_.account + " does not see " + image_.id +
              " yet");
  return true;
}

/// nullopt: EC2 does not know it yet.
std::optional<ec2::Image> ImageCopy::look() {
  auto images = ec2::describe_images(region_, {id_}, control());
  const bool unknown =
      images.ok() ? images.value->empty() : images.failure && ec2::is_not_found(*images.failure);
  if (!unknown) return images.require().front();
  if (tools_.clock.monotonic() - asked_ < may_be_unknown) return std::nullopt;
  tools_.inventory.give_up(thing_);
  throw Error(Error::Kind::aws, "the copy " + id_ + " in " + target_.region + " is gone",
              "somebody has deregistered it; the same command makes another one");
}

/// A text that differs as long as something moves.
std::string ImageCopy::progress_of(const ec2::Image& copy) {
  const std::vector<std::string> ids = copy.snapshot_ids();
  if (ids.empty()) return copy.state;
  const auto snapshots = ec2::describe_snapshots(region_, ids, control());
  if (!snapshots.ok()) return copy.state;  // as young as the image
  int percent = 0;
  for (const ec2::Snapshot& one : *snapshots.value) percent += one.progress;
  return std::to_string(percent / static_cast<int>(ids.size())) + "%";
}

ec2::Image ImageCopy::finish() {
  if (there_) return *there_;
  Monotonic moved = tools_.clock.monotonic();
  Monotonic told = moved;
  std::string last;
  for (milliseconds wait = first_pause;; wait = after(wait)) {
    const auto copy = look();
    if (copy && copy->state == "available") return *copy;
    if (copy && copy->state != "pending" && copy->state != "transient") {
      throw Error(Error::Kind::aws,
                  "the copy " + id_ + " in " + target_.region + " is " + copy->state +
                      (copy->state_reason.message.empty() ? "" : ": ") + copy->state_reason.message,
                  "the same command makes another one");
    }
    const std::string progress = copy ? progress_of(*copy) : std::string();
    const Monotonic now = tools_.clock.monotonic();
    if (progress != last) {
      moved = now;
      last = progress;
      if (now - told >= std::chrono::minutes(1)) {
        told = now;
        tools_.tell(target_.region + "  " + id_ + " is at " + progress);
      }
    } else if (now - moved > most_stillness) {
      throw Error(Error::Kind::timeout,
                  "the copy " + id_ + " in " + target_.region +
                      " has not moved for 30 minutes, at " + progress,
                  "the same command waits for it again");
    }
    pause(wait);
  }
}

}  // namespace toehold
