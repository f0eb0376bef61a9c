#include "runner/controller/ec2_sweep.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "runner/aws/ec2_images.hpp"
#include "runner/aws/ec2_instances.hpp"
#include "runner/aws/ec2_network.hpp"
#include "runner/aws/ec2_snapshots.hpp"
#include "runner/base/error.hpp"
#include "runner/controller/ec2_removal.hpp"
#include "runner/controller/ec2_staging.hpp"
#include "runner/controller/ec2_things.hpp"

namespace toehold {

namespace {

namespace ec2 = aws::ec2;

// What others hold comes after what holds it.
constexpr std::array order{"instance", "image", "snapshot", "security-group", "key-pair"};

std::string tag_of(const ec2::Tags& tags, const char* key) {
  const auto found = tags.find(key);
  return found == tags.end() ? std::string() : found->second;
}

class Finder {
 public:
  explicit Finder(AwsReach& reach) : reach_(reach), region_{reach.client(), {}} {}

  void instances() {
    ec2::Filters filters = ours_;
    filters.push_back(not_terminated());
    for (const auto& one : ec2::find_instances(region_, filters, reach_.control()).require()) {
      add("instance", one.id, one.tags);
    }
  }
  void images() {
    for (const auto& one : ec2::find_images(region_, {"self"}, ours_, reach_.control()).require()) {
      add("image", one.id, one.tags);
      if (!things.empty() && things.back().id == one.id) {
        things.back().snapshots = one.snapshot_ids();
      }
    }
  }
  void snapshots() {
    for (const auto& one : ec2::find_snapshots(region_, ours_, reach_.control()).require()) {
      add("snapshot", one.id, one.tags);
    }
  }
  void network() {
    for (const auto& one : ec2::find_security_groups(region_, ours_, reach_.control()).require()) {
      add("security-group", one.id, one.tags);
    }
    for (const auto& one : ec2::find_key_pairs(region_, ours_, reach_.control()).require()) {
      add("key-pair", one.id, one.tags);
    }
  }

  std::vector<SweptThing> things;

 private:
  void add(const char* kind, const std::string& id, const ec2::Tags& tags) {
    SweptThing thing{kind,
                     id,
                     tag_of(tags, build_tag),
                     tag_of(tags, lease_tag),
                     {},
                     tag_of(tags, log_group_tag)};
    const bool complete =
        !thing.build.empty() && !thing.lease.empty() && !tag_of(tags, part_tag).empty();
    if (complete && thing.lease != delivered) things.push_back(std::move(thing));
  }

  AwsReach& reach_;
  ec2::Region region_;
  const ec2::Filters ours_{{"tag-key", {build_tag}}, {"tag-key", {lease_tag}}};
};

std::size_t rank(const SweptThing& thing) {
  return static_cast<std::size_t>(std::find(order.begin(), order.end(), thing.kind) -
                                  order.begin());
}

void remove_thing(AwsReach& reach, Clock& clock, const SweptThing& thing) {
  const ec2::Region region{reach.client(), {}};
  const aws::Control control = reach.control();
  if (thing.kind == "instance") {
    const ec2::Filters filters{{"instance-id", {thing.id}}, not_terminated()};
    const auto find = [&] { return ec2::find_instances(region, filters, control).require(); };
    if (end_ec2_instances(reach, find, {}, clock)) return;
    throw Error(Error::Kind::timeout, "it is still not terminated");
  }
  if (thing.kind == "image") return remove_image_of(region, thing.id, thing.snapshots, control);
  if (thing.kind == "snapshot") {
    auto gone = ec2::delete_snapshot(region, thing.id, control);
    if (gone.failure && !ec2::is_not_found(*gone.failure)) gone.require();
    return;
  }
  if (thing.kind == "key-pair") {
    ec2::delete_key_pair(region, thing.id, control).require();
    return;
  }
  auto gone = ec2::delete_security_group(region, thing.id, control);
  if (gone.failure && !ec2::is_not_found(*gone.failure)) gone.require();
}

}  // namespace

std::vector<SweptThing> find_things_of_builds(AwsReach& reach) {
  Finder finder(reach);
  finder.instances();
  finder.images();
  finder.snapshots();
  finder.network();
  return finder.things;
}

std::vector<SweptThing> expired_things(std::vector<SweptThing> things, UnixMillis now) {
  std::map<std::string, std::string> latest;
  for (const SweptThing& thing : things) {
    std::string& lease = latest[thing.build];
    lease = std::max(lease, thing.lease);  // RFC 3339 in UTC: text order is that of time
  }
  const std::string limit = rfc3339_utc(now);
  std::erase_if(things, [&](const SweptThing& thing) { return latest[thing.build] > limit; });
  std::vector<std::string> of_images;
  for (const SweptThing& thing : things) {
    of_images.insert(of_images.end(), thing.snapshots.begin(), thing.snapshots.end());
  }
  std::erase_if(things, [&](const SweptThing& thing) {  // they go with their image
    return std::find(of_images.begin(), of_images.end(), thing.id) != of_images.end();
  });
  std::stable_sort(things.begin(), things.end(), [](const SweptThing& one, const SweptThing& two) {
    return rank(one) < rank(two);
  });
  return things;
}

void remove_swept(AwsReach& reach, Clock& clock, const SweptThing& thing) {
  remove_thing(reach, clock, thing);
  if (!thing.log_group.empty()) remove_log_streams(reach, thing.log_group, thing.build);
}

}  // namespace toehold
