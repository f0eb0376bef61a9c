#include "runner/controller/inventory.hpp"

#include <fstream>

#include "runner/base/error.hpp"
#include "tests/support/catch.hpp"

using namespace toehold;

TEST_CASE("what was planned is found again by another process, the newest first") {
  const TempDirectory folder(fs::temp_directory_path(), "inventory-");
  const fs::path file = folder.path() / "inventory.jsonl";
  {
    Inventory inventory(file);
    const auto first = inventory.plan("sandbox", "folder", "/a");
    const auto second = inventory.plan("container", "container", "toehold-1");
    inventory.plan("container", "image", "web:1");
    inventory.set_state(first, "created");
    inventory.set_state(second, "removed");
  }
  const Inventory again(file);
  const auto left = again.remaining();
  REQUIRE(left.size() == 2);
  CHECK(left[0].id == "web:1");
  CHECK(left[0].state == "planned");
  CHECK(left[1].id == "/a");
  CHECK(left[1].state == "created");
  CHECK(again.all().size() == 3);
}

TEST_CASE("a torn last line is cut off, a damaged one before it is told") {
  const TempDirectory folder(fs::temp_directory_path(), "inventory-");
  const fs::path file = folder.path() / "inventory.jsonl";
  {
    Inventory inventory(file);
    inventory.plan("sandbox", "folder", "/a");
  }
  {
    std::ofstream torn(file, std::ios::app);
    torn << "{\"number\": 2, \"prov";
  }
  {
    Inventory inventory(file);
    CHECK(inventory.remaining().size() == 1);
    CHECK(inventory.plan("sandbox", "folder", "/b") == 2);
  }
  CHECK(Inventory(file).remaining().size() == 2);
  {
    std::ofstream damaged(file, std::ios::app);
    damaged << "{\"number\": 3}\n";
  }
  CHECK_THROWS_AS(Inventory(file), Error);
}

TEST_CASE("a plan is acted on only when who is told of it agrees; other states are only told") {
  const TempDirectory folder(fs::temp_directory_path(), "inventory-");
  const fs::path file = folder.path() / "inventory.jsonl";
  Inventory inventory(file);
  std::size_t durable = 0;
  inventory.on_record([&] { durable = Inventory(file).all().size(); });
  const auto first = inventory.plan("ec2", "instance", "a");
  CHECK(durable == 1);
  durable = 0;
  inventory.set_state(first, "created");
  CHECK(durable == 1);
  inventory.on_record([] { throw Error(Error::Kind::network, "no way to S3"); });
  CHECK_THROWS_AS(inventory.plan("ec2", "image", "b"), Error);
  CHECK(Inventory(file).remaining().size() == 2);
  inventory.set_state(first, "removed");
  CHECK(Inventory(file).remaining().size() == 1);
}
