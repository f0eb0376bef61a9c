#!/usr/bin/env bash
# The controller of a build on EC2 is killed, over SSH and over SSM: at lines of its inventory and at
# notes in its folder, here at some, with SHARD at all and at random moments as well. By turns comes
# resume, which brings the build to its end with every step done once; cleanup; or the sweep of another
# machine when the lease is over. What is left is counted by Describe calls. What looks like ours and is
# not is never touched; a lease that is over powers an instance off.
#
#   SHARD=0/4 WAY=ssh RESULTS=FILE    runs 0, 4, 8 ... of them all (reliability/ec2.sh)
#   SEED=N                            at which points the short form kills
. "$(dirname "${BASH_SOURCE[0]}")/ec2_reliability.sh"
recipe ssh "$over_ssh"
recipe ssm "$over_ssm"
builds=$TOEHOLD_HOME/builds

# Look-alikes: our names without our tags, our tags on somebody else's build without a lease.
boto '
tags = lambda kind, more: [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": "look-alike"}, *more]}]
ec2.create_security_group(GroupName="toehold-look-alike", Description="look-alike", TagSpecifications=tags("security-group", []))
ec2.create_security_group(GroupName="look-alike", Description="look-alike",
    TagSpecifications=tags("security-group", [{"Key": "toehold:build-id", "Value": "x"}]))
'
alike=$(left)

if [ -n "${SHARD:-}" ]; then
  driver ec2_kills "$WAY" all "${SHARD%/*}" "${SHARD#*/}" "${RESULTS:-/dev/null}"
else
  driver ec2_kills "$WAY" some 3 "${SEED:-1}"
fi
expect_equal "$(left)" "$alike"
[ "$WAY" = ssh ] || exit 0

# A build that broke off behind its steps has no instance any more: they are run again on another one,
# which is not asked for with the token of the first, and the image is made of that.
cloud_faults '[{"operation": "CreateImage", "code": "InvalidParameterValue", "status": 400, "times": 0}]'
for way in ssh ssm; do
  expect_exit 1 "$TOEHOLD" build "$way.yml" --view plain
  expect_contains "$err" 'CreateImage'
done
cloud_faults '[]'
for build in $(ls "$builds"); do
  expect_exit 0 "$TOEHOLD" resume "$build" --view plain
  expect_contains "$err" 'the build begins anew'
  expect_contains "$err" 'Two (ExecuteBash)'
  expect_contains "$err" 'image    '
done
boto '
for image in ec2.describe_images(Owners=["self"], Filters=[{"Name": "tag-key", "Values": ["toehold:build-id"]}])["Images"]:
    ec2.deregister_image(ImageId=image["ImageId"], DeleteAssociatedSnapshots=True)
'
expect_exit 0 "$TOEHOLD" cleanup
expect_equal "$(left)" "$alike"

# A controller that is gone for good: the instance ends by itself when its lease is over, and what
# is left then is found by its tags, shown, and removed when that is wanted.
sed -i 's/echo one/sleep 300; echo one/' work.yml
"$TOEHOLD" build ssh.yml --view plain >.out 2>told </dev/null &
controller=$!
wait_until 30 grep -q 'One (ExecuteBash)' told
kill -9 "$controller"
wait "$controller" 2>/dev/null || true
rm -rf "$builds"
instance=$(left | sed -n 's/^instance [^ ]* \(i-[^ ]*\).*/\1/p')
expect_exit 0 "$TOEHOLD" cleanup --target ec2 --yes
expect_contains "$out" "nothing is left of builds whose lease is over"
advance_timers 3700 "$instance"
wait_for_state "$instance" terminated 10
boto '
for group in ec2.describe_security_groups()["SecurityGroups"]:
    if any(tag["Key"] == "toehold:lease-until" for tag in group.get("Tags", [])):
        ec2.create_tags(Resources=[group["GroupId"]], Tags=[{"Key": "toehold:lease-until", "Value": "2020-01-01T00:00:00Z"}])
for key in ec2.describe_key_pairs()["KeyPairs"]:
    ec2.create_tags(Resources=[key["KeyPairId"]], Tags=[{"Key": "toehold:lease-until", "Value": "2020-01-01T00:00:00Z"}])
'
expect_exit 0 "$TOEHOLD" cleanup --target ec2
expect_contains "$out" "security-group"
expect_contains "$out" "nothing was removed; to do it: add --yes"
expect_exit 0 "$TOEHOLD" cleanup --target ec2 --yes
expect_contains "$out" "removed  key-pair"
expect_equal "$(left)" "$alike"
expect_calls_allowed
