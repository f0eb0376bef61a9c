#!/usr/bin/env bash
# The controller of a build on EC2 is killed at every line of its inventory, and by turns comes
# cleanup, which leaves nothing, or resume, which brings the build to its end with every step done
# once. What looks like ours and is not is never touched; a lease that is over powers an instance
# off, and the sweep of another machine finds what is left.
. "$(dirname "${BASH_SOURCE[0]}")/ec2.sh"

cat >work.yml <<'YAML'
name: work
schemaVersion: 1.0
phases:
  - {name: build, steps: [{name: One, action: ExecuteBash, inputs: {commands: ['echo one >>/srv/ledger']}}]}
  - {name: test, steps: [{name: Two, action: ExecuteBash, inputs: {commands: ['test "$(cat /srv/ledger)" = one']}}]}
YAML
cat >recipe.yml <<YAML
name: ec2-kill
components: [work.yml]
parentImage: $base_ami
target: {type: ec2, connect: ssh, user: $ssh_user, sshFrom: 127.0.0.0/8, recordFiles: false}
YAML
builds=$TOEHOLD_HOME/builds

# Look-alikes: our names without our tags, our tags on somebody else's build without a lease.
boto '
tags = lambda kind, more: [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": "look-alike"}, *more]}]
ec2.create_security_group(GroupName="toehold-look-alike", Description="look-alike", TagSpecifications=tags("security-group", []))
ec2.create_security_group(GroupName="look-alike", Description="look-alike",
    TagSpecifications=tags("security-group", [{"Key": "toehold:build-id", "Value": "x"}]))
'
alike=$(left)

# Images that were delivered are to stay; they are counted, and out of the way of the next build.
take_delivered() {
  boto '
taken = 0
for image in ec2.describe_images(Owners=["self"])["Images"]:
    tags = {tag["Key"]: tag["Value"] for tag in image.get("Tags", [])}
    if tags.get("toehold:lease-until") != "delivered":
        continue
    taken += 1
    ec2.deregister_image(ImageId=image["ImageId"])
    for device in image["BlockDeviceMappings"]:
        if device.get("Ebs", {}).get("SnapshotId"):
            ec2.delete_snapshot(SnapshotId=device["Ebs"]["SnapshotId"])
print(taken)'
}

killed=0
for ((line = 1; ; line++)); do
  got=0
  python3 "$TOEHOLD_SOURCE/tests/support/kill_at_line.py" "$line" "$builds" "$TOEHOLD" build recipe.yml \
    --view none >told 2>&1 || got=$?
  if [ "$got" = 3 ]; then break; fi
  killed=$((killed + 1))
  id=$(ls "$builds")
  if [ $(((line + ${TOEHOLD_KILL_TURN:-0}) % 2)) = 1 ] && ! grep -q '"succeeded"' "$builds/$id/build.json"; then
    expect_exit 0 "$TOEHOLD" resume "$id" --view none
    [ "$(take_delivered)" = 1 ] || fail "no image after a kill at line $line: $err"
  fi
  expect_exit 0 "$TOEHOLD" cleanup
  take_delivered >taken  # it was killed as it ended
  [ "$(left)" = "$alike" ] || fail "left after a kill at line $line:"$'\n'"$(left)"
done
[ "$killed" -ge 8 ] || fail "only $killed kills: $(cat told)"
echo "killed at $killed lines"
take_delivered >taken

# A controller that is gone for good: the instance ends by itself when its lease is over, and what
# is left then is found by its tags, shown, and removed when that is wanted.
sed -i 's/echo one/sleep 300; echo one/' work.yml
"$TOEHOLD" build recipe.yml --view plain >.out 2>told </dev/null &
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
