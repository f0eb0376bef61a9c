#include "runner/controller/distribution_copy.hpp"

#include "runner/base/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/ec2_client.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

std::string image_xml(const std::string& id, const std::string& state) {
  return "<item><imageId>" + id + "</imageId><name>web</name><imageState>" + state +
         "</imageState><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs>"
         "<snapshotId>snap-1</snapshotId></ebs></item></blockDeviceMapping></item>";
}

/// One copy against answers that are given in order, with a clock that only moves by waiting.
struct Copying : Ec2Harness {
  TempDirectory folder{fs::temp_directory_path(), "copies-"};
  Inventory inventory{folder.path() / "inventory.jsonl"};
  CopyInventory shared{inventory};
  std::stop_source stop;
  std::vector<std::string> told;
  CopyTools tools{clock, shared, stop.get_token(),
                  [this](const std::string& line) { told.push_back(line); }};
  SourceImage image;
  DistributionTarget target;

  Copying() {
    image.id = "ami-1";
    image.region = "eu-west-1";
    image.build_id = "web-1";
    target.region = "us-east-1";
    target.name = "web";
  }

  void images(const std::string& items) {
    answer("DescribeImages", "<imagesSet>" + items + "</imagesSet>");
  }
  void snapshot(const std::string& progress) {
    answer("DescribeSnapshots",
           "<snapshotSet><item><snapshotId>snap-1</snapshotId><status>pending</status><progress>" +
               progress + "</progress></item></snapshotSet>");
  }
  void copied(const std::string& id) { answer("CopyImage", "<imageId>" + id + "</imageId>"); }
  std::string states() const {
    std::string text;
    for (const InventoryRecord& record : inventory.all()) text += record.state + " ";
    return text;
  }
  std::string token_of(std::size_t request) const {
    const std::string& body = http.requests().at(request).body;
    const std::size_t at = body.find("ClientToken=") + 12;
    return body.substr(at, body.find('&', at) - at);
  }
};

}  // namespace

TEST_CASE("a copy is planned before it is asked for, and waited for") {
  Copying copying;
  ImageCopy copy(copying.image, copying.target, copying.client, copying.tools);
  copying.images("");
  copying.http.on_send([&](const HttpRequest& request) {
    if (request.body.find("Action=CopyImage") == std::string::npos) return;
    CHECK(copying.states() == "planned ");
  });
  copying.copied("ami-2");
  copy.begin();
  CHECK(copy.is_new());
  copying.fail("InvalidAMIID.NotFound");
  copying.images(image_xml("ami-2", "pending"));
  copying.snapshot("40%");
  copying.images(image_xml("ami-2", "available"));
  CHECK(copy.finish().id == "ami-2");
  CHECK(copying.http.left() == 0);
  copying.shared.deliver(copy.thing());
  CHECK(copying.states() == "delivered ");
}

TEST_CASE("a copy that is there is taken") {
  Copying copying;
  ImageCopy copy(copying.image, copying.target, copying.client, copying.tools);
  copying.images(image_xml("ami-2", "available"));
  copy.begin();
  CHECK(copy.finish().id == "ami-2");
  CHECK_FALSE(copy.is_new());
  CHECK(copying.inventory.all().empty());
}

TEST_CASE("a process that was killed leaves its client token") {
  Copying copying;
  std::string first;
  for (int round = 0; round < 2; ++round) {
    ImageCopy copy(copying.image, copying.target, copying.client, copying.tools);
    copying.images("");
    copying.copied("ami-2");
    copy.begin();
    const std::string token = copying.token_of(copying.http.requests().size() - 1);
    if (round == 0) first = token;
    CHECK(token == first);
  }
  CHECK(copying.inventory.all().size() == 1);
}

TEST_CASE("a copy that has failed gives way to another one") {
  Copying copying;
  Ec2Thing before;
  {
    ImageCopy copy(copying.image, copying.target, copying.client, copying.tools);
    before = copy.thing();
    copying.shared.plan(before);
  }
  ImageCopy copy(copying.image, copying.target, copying.client, copying.tools);
  copying.images(image_xml("ami-2", "failed"));
  copying.http.add(200, "<DeregisterImageResponse><return>true</return></DeregisterImageResponse>");
  copying.http.add(200, "<DeleteSnapshotResponse><return>true</return></DeleteSnapshotResponse>");
  copying.copied("ami-3");
  copy.begin();
  CHECK(copying.token_of(3) != before.token);
  CHECK(copying.states() == "removed planned ");
}

TEST_CASE("a failed copy that somebody has taken away is no failure") {
  Copying copying;
  ImageCopy copy(copying.image, copying.target, copying.client, copying.tools);
  copying.images(image_xml("ami-2", "failed"));
  copying.fail("InvalidAMIID.NotFound");
  copying.fail("InvalidSnapshot.NotFound");
  copying.copied("ami-3");
  CHECK_NOTHROW(copy.begin());
}

TEST_CASE("a copy is given up when its snapshots have stood still for 30 minutes") {
  Copying copying;
  ImageCopy copy(copying.image, copying.target, copying.client, copying.tools);
  copying.images("");
  copying.copied("ami-2");
  copy.begin();
  const Monotonic begun = copying.clock.monotonic();
  int percent = 0;
  copying.http.on_send([&](const HttpRequest& request) {
    const bool moves = copying.clock.monotonic() - begun < std::chrono::hours(2);
    if (request.body.find("Action=DescribeImages") != std::string::npos) {
      copying.images(image_xml("ami-2", "pending"));
    } else {
      copying.snapshot(std::to_string(moves ? ++percent % 100 : 77) + "%");
    }
  });
  CHECK_THAT(ClientHarness::refusal([&] { copy.finish(); }),
             ContainsSubstring("the copy ami-2 in us-east-1 has not moved for 30 minutes, at 77%"));
  const auto waited = copying.clock.monotonic() - begun;
  CHECK(waited > std::chrono::minutes(150));
  CHECK(waited < std::chrono::minutes(152));
}

TEST_CASE("too many copies at once are waited for") {
  Copying copying;
  ImageCopy copy(copying.image, copying.target, copying.client, copying.tools);
  copying.images("");
  copying.fail("ResourceLimitExceeded");
  copying.copied("ami-2");
  copy.begin();
  CHECK(copying.token_of(1) == copying.token_of(2));
  CHECK(copying.told.front().find("too many copies are going on there") != std::string::npos);
  CHECK_FALSE(copying.clock.sleeps.empty());
}
