#include "runner/controller/distribution_region.hpp"

#include "runner/base/files.hpp"
#include "tests/support/aws_client.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;
using namespace toehold::test;

namespace {

struct Distributing : ClientHarness {
  TempDirectory folder{fs::temp_directory_path(), "regions-"};
  Inventory inventory{folder.path() / "inventory.jsonl"};
  CopyInventory shared{inventory};
  CopyTools tools{clock, shared, {}, [](const std::string&) {}};
  SourceImage image;
  DistributionTarget target;

  Distributing() {
    image.id = "ami-1";
    image.region = target.region = "eu-west-1";
    target.copy = false;
  }
  DistributionResult result() {
    const SessionOf of = [&](const DistributionTarget&) -> aws::Session& { return session; };
    return distribute_in_region(image, {target}, of, tools).at(0);
  }
};

}  // namespace

TEST_CASE("an image that is gone meanwhile fails its region only") {
  Distributing it;
  it.http.add(200, "<DescribeImagesResponse><imagesSet/></DescribeImagesResponse>");
  const DistributionResult result = it.result();
  CHECK(result.state == "failed");
  CHECK_THAT(result.message, StartsWith("ami-1 in eu-west-1 is gone"));
}
