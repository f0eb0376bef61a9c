#include "runner/aws/ec2_snapshots.hpp"

#include "runner/aws/ec2_wire.hpp"

namespace toehold::aws::ec2 {

namespace {

constexpr int page_size = 500;

/// "45%"
int percent(const std::string& text) {
  const auto value = Value(text.substr(0, text.find('%'))).as_int();
  return value && *value >= 0 && *value <= 100 ? static_cast<int>(*value) : 0;
}

Snapshot read_snapshot(const Value& item) {
  Snapshot snapshot;
  snapshot.id = text(item, "snapshotId");
  snapshot.state = text(item, "status");
  snapshot.status_message = text(item, "statusMessage");
  snapshot.progress = percent(text(item, "progress"));
  snapshot.owner_id = text(item, "ownerId");
  snapshot.volume_id = text(item, "volumeId");
  snapshot.volume_size = number(item, "volumeSize");
  snapshot.encrypted = flag(item, "encrypted");
  snapshot.kms_key_id = text(item, "kmsKeyId");
  snapshot.description = text(item, "description");
  snapshot.tags = tags(item);
  return snapshot;
}

}  // namespace

Result<std::vector<Snapshot>> describe_snapshots(const Region& region,
                                                 const std::vector<std::string>& ids,
                                                 const Control& control) {
  return read_all(all_of(region, "DescribeSnapshots", "SnapshotId", ids, "snapshotSet", control),
                  read_snapshot);
}

Result<std::vector<Snapshot>> find_snapshots(const Region& region, const Filters& filters,
                                             const Control& control) {
  const Value parameters = Value::object({{"Owner", Value(Value::List{"self"})},
                                          {"Filter", filters_of(filters)},
                                          {"MaxResults", page_size}});
  return read_all(all_pages(region, "DescribeSnapshots", parameters, "snapshotSet", control),
                  read_snapshot);
}

Result<Done> share_snapshot(const Region& region, const std::string& snapshot_id,
                            const std::vector<std::string>& accounts, const Control& control) {
  const Value parameters = Value::object({{"SnapshotId", snapshot_id},
                                          {"Attribute", "createVolumePermission"},
                                          {"OperationType", "add"},
                                          {"UserId", said(accounts)}});
  return do_call(region, ec2_call(region, "ModifySnapshotAttribute", parameters, snapshot_id),
                 control);
}

Result<Done> delete_snapshot(const Region& region, const std::string& snapshot_id,
                             const Control& control) {
  const Value parameters = Value::object({{"SnapshotId", snapshot_id}});
  return do_call(region, ec2_call(region, "DeleteSnapshot", parameters, snapshot_id), control);
}

}  // namespace toehold::aws::ec2
