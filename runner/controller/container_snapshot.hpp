// ContainerSnapshot: the image that the container of a build was committed to. It goes with this
// object, unless it was delivered under the name of the recipe. Made by ContainerInstance; the
// provider's cleanup takes back what a killed process had published.
#pragma once

#include <memory>
#include <string>

#include "runner/controller/container_engine.hpp"
#include "runner/controller/provider.hpp"

namespace toehold {

class ContainerSnapshot final : public Snapshot {
 public:
  /// `config`: of the parent image, as the engine tells it. The references outlive it.
  ContainerSnapshot(const Recipe& recipe, std::shared_ptr<ContainerEngine> engine,
                    const BuildContext& context, std::int64_t record, std::string image,
                    Value config);
  ~ContainerSnapshot() override;

  /// Whether an earlier process of this build has made it.
  bool is_there() const;
  /// Makes the image of a container. Throws Error.
  void commit(const std::string& container);
  void packages(PackageList before, PackageList after);

  WrittenOutput write(const OutputSpec& output, const std::filesystem::path& path,
                      std::stop_token stop) override;
  std::optional<PackageList> packages_before() const override { return before_; }
  std::optional<PackageList> packages_after() const override { return after_; }
  std::string publish() override;
  void deliver() override;
  void keep() override { kept_ = true; }
  std::string parent_id() const override;

  const std::string& image() const { return image_; }

 private:
  void take_entrypoint_away();
  void write_archive(const std::filesystem::path& file, std::stop_token stop);
  WrittenOutput write_root(const OutputSpec& output, const std::filesystem::path& path,
                           std::stop_token stop);

  const Recipe& recipe_;
  std::shared_ptr<ContainerEngine> engine_;
  const BuildContext& context_;
  std::int64_t record_;
  std::string image_;
  Value config_;
  PackageList before_, after_;
  bool kept_ = false;
  std::optional<std::int64_t> tag_;  // the record of the name under which it was published
};

/// "localhost/web:1.0.0", and for the builds of a matrix what tells them apart.
std::string published_name(const Recipe& recipe);

/// Takes a published name from the image of the build that an inventory record `id` tells of; the
/// image that had the name before gets it back. True when that is so.
bool unpublish(const std::string& id, ProcessRunner& processes);

}  // namespace toehold
