// One copy of an image in one region of one account: found if it is there, else asked for and
// waited for. Called by the regions of a distribution, one thread each; shares nothing with anybody
// and sets no attribute.
// Source: CopyImage, DescribeImages and "Copy an Amazon EC2 AMI" of the EC2 guides.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runner/aws/ec2_images.hpp"
#include "runner/controller/distribution_plan.hpp"
#include "runner/controller/ec2_things.hpp"
#include "runner/controller/inventory.hpp"

namespace toehold {

/// The inventory as several threads may use it, for copies.
class CopyInventory {
 public:
  explicit CopyInventory(Inventory& inventory) : inventory_(inventory) {}
  /// Durable before it returns. Gives the copy the client token that an earlier process has asked
  /// with, unless that came to nothing, else a new one: EC2 remembers a token longer than an image
  /// that is deregistered.
  void plan(Ec2Thing& copy);
  /// All that there is of it, whatever its token was, is delivered.
  void deliver(const Ec2Thing& copy) { settle(copy, "delivered"); }
  /// The same for one that came to nothing.
  void give_up(const Ec2Thing& copy) { settle(copy, "removed"); }

 private:
  std::vector<InventoryRecord> records_of(const Ec2Thing& copy) const;
  void settle(const Ec2Thing& copy, const char* state);

  std::mutex mutex_;
  Inventory& inventory_;
};

/// What all regions of a distribution share.
struct CopyTools {
  Clock& clock;
  CopyInventory& inventory;
  std::stop_token stop;
  std::function<void(const std::string&)> tell;  // from any thread
  bool shared_just_now = false;  // the image, with the accounts that copy it: it may be a while
                                 // until they see it
};

class ImageCopy {
 public:
  /// All of them outlive it. `client`: of the account of the target.
  ImageCopy(const SourceImage& image, const DistributionTarget& target, aws::Client& client,
            const CopyTools& tools);

  /// Finds the copy by its tags, or asks for one. Throws Error.
  void begin();
  /// The copy, available. Throws Error when it fails, or when its snapshots have not moved for 30
  /// minutes.
  aws::ec2::Image finish();
  bool is_new() const { return is_new_; }

  aws::Control control() const;
  const Ec2Thing& thing() const { return thing_; }
  const aws::ec2::Region& region() const { return region_; }

 private:
  std::optional<aws::ec2::Image> find();
  std::optional<aws::ec2::Image> find_by_name();
  void ask();
  bool may_pass(const aws::Failure& failure, Monotonic begun) const;
  std::optional<aws::ec2::Image> look();
  std::string progress_of(const aws::ec2::Image& copy);
  void pause(std::chrono::milliseconds time) const;

  const SourceImage& image_;
  const DistributionTarget& target_;
  const CopyTools& tools_;
  aws::ec2::Region region_;
  Ec2Thing thing_;
  std::string id_;
  std::optional<aws::ec2::Image> there_;  // found, and available
  bool is_new_ = false;
  Monotonic asked_;
};

}  // namespace toehold
