#include "runner/controller/distribution.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <system_error>
#include <thread>

#include "runner/aws/ec2_snapshots.hpp"
#include "runner/aws/kms.hpp"
#include "runner/aws/sts.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/distribution_plan.hpp"
#include "runner/controller/distribution_region.hpp"

namespace toehold {

namespace {

namespace ec2 = aws::ec2;

constexpr std::chrono::seconds one_call(120);

std::string tag_of(const ec2::Image& image, const char* key) {
  const auto tag = image.tags.find(key);
  return tag == image.tags.end() ? std::string() : tag->second;
}

bool wants_to_share(const std::vector<Distribution>& distributions) {
  return std::any_of(distributions.begin(), distributions.end(), [](const Distribution& one) {
    return !one.target_accounts.empty() || !one.launch_permission.empty();
  });
}

class Run {
 public:
  Run(const DistributionRequest& request, const DistributionTools& tools)
      : request_(request), tools_(tools), client_(tools.session), home_{client_, request.region} {}

  std::vector<DistributionResult> run() {
    look_at_image();
    const DistributionPlan plan = make_plan();
    share(plan.share_with);
    return carry_out(plan);
  }

 private:
  aws::Control control() {
    return {Deadline(tools_.clock.monotonic() + one_call), tools_.stop,
            [this](const std::string& note) { tell(request_.region + "  " + note); }};
  }

  void tell(const std::string& line) {
    const std::lock_guard lock(tell_mutex_);
    if (tools_.tell) tools_.tell(line);
  }

  void look_at_image() {
    image_.id = request_.image;
    image_.region = request_.region;
    const ec2::Image found = one_image();
    if (found.state != "available") {
      throw Error(Error::Kind::aws, image_.id + " in " + image_.region + " is " + found.state,
                  "only an image that is available can be distributed");
    }
    image_.account = aws::get_caller_identity(client_, control()).require().account;
    if (found.owner_id != image_.account) {
      throw Error(
          Error::Kind::usage,
          image_.id + " belongs to account " + found.owner_id + ", and we are " + image_.account,
          "take credentials of its account, or copy it first");
    }
    image_.name = found.name;
    image_.description = found.description;
    image_.tags = found.tags;
    image_.snapshots = found.snapshot_ids();
    image_.build_id = request_.build_id.empty() ? tag_of(found, build_tag) : request_.build_id;
    if (image_.build_id.empty()) image_.build_id = image_.id;
    built_ = request_.built != 0 ? request_.built : found.created.value_or(0);
    look_at_keys();
  }

  ec2::Image one_image() {
    auto found = ec2::describe_images(home_, {image_.id}, control());
    const bool none =
        found.ok() ? found.value->empty() : found.failure && ec2::is_not_found(*found.failure);
    if (none) {
      throw Error(Error::Kind::usage, "there is no image " + image_.id + " in " + image_.region,
                  "another region is chosen by AWS_REGION, or with --from");
    }
    return found.require().front();
  }

  void look_at_keys() {
    if (image_.snapshots.empty()) return;
    for (const ec2::Snapshot& one :
         ec2::describe_snapshots(home_, image_.snapshots, control()).require()) {
      if (one.encrypted) image_.keys.push_back(one.kms_key_id);
    }
    if (!wants_to_share(request_.distributions)) return;
    for (const std::string& key : image_.keys) {
      // Who may not ask hears of it from EC2, which refuses to share the image.
      const auto found = aws::describe_key(client_, image_.region, key, control());
      if (found.ok() && found.value->is_of_aws) image_.aws_key = true;
    }
  }

  DistributionPlan make_plan() {
    ImageFacts facts;
    facts.name = request_.name.empty() ? image_.name : request_.name;
    facts.version = request_.version;
    facts.build_id = image_.build_id;
    facts.built = built_;
    Diagnostics diagnostics(request_.source);
    DistributionPlan plan = plan_distribution(image_, facts, request_.distributions,
                                              tools_.clock.unix_millis(), diagnostics);
    if (!diagnostics.has_errors()) return plan;
    std::vector<std::string> texts;
    for (const Diagnostic& one : diagnostics.items()) {
      const std::string text = one.message + (one.hint.empty() ? "" : " (" + one.hint + ")");
      texts.push_back(request_.source
                          ? request_.source->name() + ":" + std::to_string(one.where.line) + ":" +
                                std::to_string(one.where.column) + ": " + text
                          : text);
    }
    throw Error(Error::Kind::document, "nothing was copied: " + join(texts, "\n  "));
  }

  /// To be copied by another account, an image has to be shared with it, and so its snapshots:
  /// these first, so that an image that is shared needs no second look.
  void share(const std::vector<std::string>& accounts) {
    if (accounts.empty()) return;
    const auto known = ec2::launch_permission(home_, image_.id, control()).require();
    ec2::LaunchPermission add;
    for (const std::string& account : accounts) {
      const auto& ids = known.user_ids;
      if (std::find(ids.begin(), ids.end(), account) == ids.end()) add.user_ids.push_back(account);
    }
    if (add.user_ids.empty()) return;
    for (const std::string& snapshot : image_.snapshots) {
      ec2::share_snapshot(home_, snapshot, add.user_ids, control()).require();
    }
    ec2::modify_launch_permission(home_, image_.id, add, {}, control()).require();
    shared_just_now_ = true;
    tell(image_.region + "  " + image_.id + " is shared with " + join(add.user_ids, ", ") +
         ", to be copied there");
  }

  aws::Session& session_of(const DistributionTarget& target) {
    if (target.role.empty()) return tools_.session;
    const std::lock_guard lock(sessions_mutex_);
    auto& session = sessions_[target.role];
    if (!session) {
      aws::Role role;
      role.arn = target.role;
      session = aws::session_for_role(tools_.session, role);
    }
    return *session;
  }

  std::vector<DistributionResult> carry_out(const DistributionPlan& plan) {
    std::vector<std::vector<DistributionTarget>> regions;
    for (const DistributionTarget& target : plan.targets) {
      if (regions.empty() || regions.back().front().region != target.region) {
        regions.emplace_back();
      }
      regions.back().push_back(target);
    }
    CopyInventory inventory(tools_.inventory);
    const CopyTools copying{tools_.clock, inventory, tools_.stop,
                            [this](const std::string& line) { tell(line); }, shared_just_now_};
    const SessionOf session = [this](const DistributionTarget& target) -> aws::Session& {
      return session_of(target);
    };
    std::vector<std::vector<DistributionResult>> parts(regions.size());
    std::vector<std::exception_ptr> errors(regions.size());
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < regions.size(); ++i) {
        const auto work = [&, i] {
          try {
            parts[i] = distribute_in_region(image_, regions[i], session, copying);
          } catch (...) {
            errors[i] = std::current_exception();
          }
        };
        try {
          threads.emplace_back(work);
        } catch (const std::system_error&) {
          work();  // there are no more threads
        }
      }
    }
    for (const std::exception_ptr& error : errors) {
      if (error) std::rethrow_exception(error);
    }
    std::vector<DistributionResult> results;
    for (auto& part : parts) {
      std::move(part.begin(), part.end(), std::back_inserter(results));
    }
    return results;
  }

  const DistributionRequest& request_;
  const DistributionTools& tools_;
  aws::Client client_;
  ec2::Region home_;
  SourceImage image_;
  UnixMillis built_ = 0;
  bool shared_just_now_ = false;
  std::mutex tell_mutex_;
  std::mutex sessions_mutex_;
  std::map<std::string, std::unique_ptr<aws::Session>> sessions_;  // by role
};

}  // namespace

std::vector<DistributionResult> distribute(const DistributionRequest& request,
                                           const DistributionTools& tools) {
  return Run(request, tools).run();
}

}  // namespace toehold
