// Ec2Image: the machine image (AMI) of a build's instance: made, waited for, and removed again with
// its snapshots unless it is delivered. Made by Ec2Instance; distributes nothing.
#pragma once

#include <optional>
#include <string>

#include "runner/aws/ec2_images.hpp"
#include "runner/controller/ec2_place.hpp"
#include "runner/controller/provider.hpp"

namespace toehold {

class Ec2Image final : public Snapshot {
 public:
  /// Of the stopped instance; that of an earlier process of this build, if there is one. Throws
  /// Error, and then leaves none. The references outlive it.
  Ec2Image(Ec2Place& place, const std::string& instance_id, PackageList before, PackageList after);
  ~Ec2Image() override;

  const aws::ec2::Image& image() const { return image_; }

  WrittenOutput write(const OutputSpec& output, const std::filesystem::path& path,
                      std::stop_token stop) override;
  std::optional<PackageList> packages_before() const override { return before_; }
  std::optional<PackageList> packages_after() const override { return after_; }
  /// "ami-0123 in eu-west-1"
  std::string publish() override;
  void deliver() override;
  std::vector<DistributionResult> distribute() override;
  void keep() override { kept_ = true; }
  /// The id of the image that was built on.
  std::string parent_id() const override;

 private:
  void create(const std::string& instance_id);
  /// Removes it; says so if that fails.
  void give_up();
  void wait_until_available();
  std::int64_t progress();
  /// Of the image and its snapshots: until when a sweep leaves them, or that they are to stay.
  void tag_lease(const std::string& value);

  Ec2Place& place_;
  std::string name_;
  Ec2Thing thing_;
  std::int64_t record_ = 0;
  aws::ec2::Image image_;
  PackageList before_, after_;
  std::optional<Monotonic> asked_;  // when this process has asked for it
  bool delivering_ = false;         // its tags may say that it stays, and it does not
  bool kept_ = false;
};

/// The name of the build's image.
std::string ec2_image_name(Ec2Place& place);

/// Before anything is launched: throws Error when the name of the build's image is another's.
void take_image_name(Ec2Place& place);

struct ImageRemoval {
  Clock& clock;
  bool may_be_young;            // so it is looked for some time, and so are its snapshots
  bool also_delivered = false;  // whatever its tags say
};
/// Removes the image that a record names, with its snapshots, if its tags are those of the build
/// and do not say that it was delivered.
bool remove_ec2_image(const aws::ec2::Region& region, const Ec2Thing& thing,
                      const ImageRemoval& how, const aws::Control& control);

/// Whether the image that a record names stays, since its tags say that it was delivered.
bool is_delivered_there(const aws::ec2::Region& region, const Ec2Thing& thing,
                        const aws::Control& control);

}  // namespace toehold
