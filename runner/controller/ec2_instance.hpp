// Ec2Instance: one instance of a build, from its launch to the image of it. Made by the ec2
// provider only; what it leaves is an Ec2Image.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runner/aws/ec2_instances.hpp"
#include "runner/controller/ec2_image.hpp"
#include "runner/controller/ec2_lease.hpp"
#include "runner/controller/ec2_network.hpp"
#include "runner/controller/ec2_place.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/remote_machine.hpp"

namespace toehold {

class Ec2Instance final : public Instance {
 public:
  /// That of an earlier process of this build, else a new one of the recipe's base or, for the test
  /// stage, of an image. Throws Error, and then leaves no new one.
  Ec2Instance(std::shared_ptr<Ec2Place> place, const Ec2Image* from, bool for_test);
  ~Ec2Instance() override;

  /// An instance that is out of reach is kept: the run is still there. On a spot instance that is
  /// taken back the stage ends with an Error that says so or, where the recipe allows it, begins
  /// anew on demand.
  StageEnd run(const Stage& stage) override;
  std::string failed_step() const override { return guest_->stages().failed_step(); }
  std::vector<ManifestStep> steps() const override { return guest_->stages().steps(); }
  void choose(const std::string& step, StepChoice choice) override {
    guest_->stages().choose(step, choice);
  }
  int shell(const std::vector<std::string>& command) override { return guest_->shell(command); }
  /// Cleans the instance up, stops it and makes an image of it, once; each part of that is gone on
  /// with by a later process.
  std::unique_ptr<Snapshot> snapshot() override;
  void keep() override { kept_ = true; }

 private:
  using Connect = std::function<std::unique_ptr<Transport>()>;
  void begin_anew();
  void create();
  void launch();
  bool was_taken_back() const;
  bool may_be_on_demand() const;
  void start_over_on_demand();
  void plan_staging();
  void connect();
  void wait_until_reachable();
  /// Whether the clean-up of an earlier process has shut us out, which is the last that it does.
  bool has_shut_us_out(const Error& why);
  /// Makes a connection to the instance as it is now; needs nothing of this object any more.
  Connect way() const;
  SshSettings ssh_settings() const;
  void start_lease();
  void end_lease() { lease_.reset(); }
  void must_be_on();
  bool is_in_state(const char* state);
  void clean_up();
  void clean_guest();
  void stop();
  /// Ends the instance and removes what is staged for it; says so if that fails.
  void give_up();
  std::filesystem::path note(const char* name) const { return context_.directory / name; }
  bool has_note(const char* name) const;
  std::filesystem::path taken_back_note() const {
    return note((std::string("taken-back-") + part()).c_str());
  }
  const char* part() const { return for_test_ ? "test" : "build"; }

  const std::shared_ptr<Ec2Place> held_;
  Ec2Place& place_;
  const BuildContext& context_;
  const Ec2Options& options_;
  const Ec2Image* const from_;  // lives longer; null: the recipe's base
  const bool for_test_;
  Ec2Thing thing_;
  std::int64_t record_ = 0;
  std::int64_t staged_ = 0;  // the record of what goes over S3
  aws::ec2::Instance instance_;
  Monotonic launched_{};  // by this process
  int refusals_ = 0;      // in a row, by an sshd that is on
  std::optional<Ec2Keys> keys_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<RemoteMachine> guest_;
  std::unique_ptr<LeaseKeeper> lease_;
  bool kept_ = false;
};

}  // namespace toehold
