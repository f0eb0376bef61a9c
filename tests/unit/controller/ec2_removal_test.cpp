#include "runner/controller/ec2_removal.hpp"

#include "runner/controller/ec2_image.hpp"
#include "runner/controller/ec2_network.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/ec2_client.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

std::string tags(const std::string& lease) {
  return "<tagSet><item><key>toehold:build-id</key><value>web-1</value></item><item>"
         "<key>toehold:lease-until</key><value>" +
         lease + "</value></item></tagSet>";
}

/// What is asked in order, against answers that are given in order.
struct Removing : Ec2Harness {
  AwsReach reach{{}, session};
  Ec2Thing thing;

  Removing() {
    thing.region = "eu-west-1";
    thing.build = "web-1";
    thing.part = "image";
    thing.name = "web";
  }
  void sees_image(const std::string& snapshot, const std::string& lease) {
    const std::string device = "<blockDeviceMapping><item><ebs><snapshotId>" + snapshot +
                               "</snapshotId></ebs></item></blockDeviceMapping>";
    answer("DescribeImages", "<imagesSet><item><imageId>ami-1</imageId><name>web</name>" +
                                 (snapshot.empty() ? "" : device) + tags(lease) +
                                 "</item></imagesSet>");
  }
  void sees_no_image() { answer("DescribeImages", ""); }
  void sees_no_snapshot() { answer("DescribeSnapshots", ""); }
  void sees_snapshot() {
    answer("DescribeSnapshots", "<snapshotSet><item><snapshotId>snap-1</snapshotId>" +
                                    tags("2026-11-26T12:00:00Z") + "</item></snapshotSet>");
  }
  void sees_group() {
    answer("DescribeSecurityGroups",
           "<securityGroupInfo><item><groupId>sg-1</groupId><groupName>web</groupName>" +
               tags("2026-11-26T12:00:00Z") + "</item></securityGroupInfo>");
  }
  bool remove_image(bool may_be_young, bool also_delivered = false) {
    return remove_ec2_image(region, thing, {clock, may_be_young, also_delivered}, reach.control());
  }
  std::string asked() const {
    std::string all;
    for (const HttpRequest& request : http.requests()) {
      const std::size_t at = request.body.find("Action=") + 7;
      const std::string action = request.body.substr(at, request.body.find('&', at) - at);
      if (!action.starts_with("Describe")) all += action + " ";
    }
    return all;
  }
};

}  // namespace

TEST_CASE("an image that was just made is waited for, and so are its snapshots") {
  Removing it;
  it.sees_no_image();
  it.sees_no_snapshot();
  it.sees_image("", "2026-11-26T12:00:00Z");
  it.done("DeregisterImage");
  it.sees_no_snapshot();
  it.sees_no_image();
  it.sees_snapshot();
  it.done("DeleteSnapshot");
  CHECK(it.remove_image(true));
  CHECK(it.asked() == "DeregisterImage DeleteSnapshot ");
  CHECK(it.http.left() == 0);

  Removing never;
  for (int i = 0; i < 20; ++i) {
    never.sees_no_image();
    never.sees_no_snapshot();
  }
  CHECK(never.remove_image(true));
  CHECK(never.http.left() > 0);

  Removing old;
  old.sees_no_image();
  old.sees_no_snapshot();
  CHECK(old.remove_image(false));
}

TEST_CASE("an image that is delivered stays, unless that has just failed") {
  Removing it;
  it.sees_image("snap-1", "delivered");
  it.sees_no_snapshot();
  CHECK(it.remove_image(false));
  CHECK(it.asked().empty());
  Removing failed;
  failed.sees_image("snap-1", "delivered");
  failed.done("DeregisterImage");
  failed.done("DeleteSnapshot");
  failed.sees_no_snapshot();
  CHECK(failed.remove_image(false, true));
  CHECK(failed.asked() == "DeregisterImage DeleteSnapshot ");
}

TEST_CASE("a security group goes when the interface of the instance has gone") {
  Removing it;
  it.sees_group();
  it.fail("DependencyViolation");
  it.fail("DependencyViolation");
  it.done("DeleteSecurityGroup");
  CHECK(remove_security_group(it.reach, it.thing, it.clock));
  Removing used;
  used.sees_group();
  for (int i = 0; i < 100; ++i) used.fail("DependencyViolation");
  CHECK_FALSE(remove_security_group(used.reach, used.thing, used.clock));
}
