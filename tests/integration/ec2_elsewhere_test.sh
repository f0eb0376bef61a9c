#!/usr/bin/env bash
# The controller of a build on EC2 is lost with its folder and its files, and another machine goes on
# from the copy in S3: over SSM after kill -9, over SSH while the first still lives, which then lets
# go, alone or of one of its builds; and another one cleans up. No step runs twice, the log is whole, nothing is left.
. "$(dirname "${BASH_SOURCE[0]}")/ec2.sh"

mkdir recipes
cat >recipes/nested.yml <<'YAML'
name: nested
schemaVersion: 1.0
phases:
  - {name: test, steps: [{name: Deep, action: ExecuteBash, inputs: {commands: ['echo the nested document is here']}}]}
YAML
cat >recipes/work.yml <<YAML
name: work
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: ExecuteBash, inputs: {commands: ['echo one >>/srv/ledger', 'echo the first step has run']}}
      - {name: Slow, action: ExecuteBash, inputs: {commands: ['until [ -e /srv/go ]; do sleep 0.1; done', 'echo slow >>/srv/ledger', 'seq -f "line %g" 1 5000']}}
  - name: test
    steps:
      - {name: Ledger, action: ExecuteBash, inputs: {commands: ['test "\$(tr "\\n" " " </srv/ledger)" = "one slow "']}}
      - {name: Nested, action: ExecuteDocument, inputs: {document: '$PWD/recipes/nested.yml'}}
YAML
cat >recipes/recipe.yml <<YAML
name: moves
version: 1.0.0
components: [work.yml]
parentImage: $base_ami
target:
  type: ec2
  staging: s3://$bucket/builds
  instanceProfileName: $instance_profile
  recordFiles: false
YAML
ssh=(--set target.connect=ssh --set "target.state=s3://$bucket/states" --set "target.user=$ssh_user" --set target.sshFrom=127.0.0.0/8)
at() { TOEHOLD_HOME=$scratch/$1 HOME=$scratch/$1 "$TOEHOLD" "${@:2}"; }

# begin [OPTION...]: a build on the first machine that is in the middle of a step
begin() {
  rm -rf first second told
  TOEHOLD_HOME=$scratch/first HOME=$scratch/first "$TOEHOLD" build recipes/recipe.yml --view plain "$@" >told 2>&1 </dev/null &
  controller=$!
  wait_until 60 grep -qs 'Slow (ExecuteBash)' told
  address=$(sed -n 's/^state  *\(s3:[^ ]*\) .*/\1/p' told)
  instance=$(left | sed -n 's/^instance [^ ]* \(i-[^ ]*\).*/\1/p')
}
lose_first() {
  kill -9 "$controller" || fail "the controller has ended by itself: $(<told)"
  wait "$controller" 2>/dev/null || true
  mv first gone
  mv recipes away
}
find_first() {
  mv away recipes
  rm -rf gone
}
# Only so many delivered images may be there; they go out of the way of the next build.
expect_images_only() {
  expect_equal "$(left | grep -v '^image \|^snapshot ' || true)" ''
  image=$(aws ec2 describe-images --owners self --query 'Images[].ImageId' --output text)
  expect_equal "$(wc -w <<<"$image")" "$1"
  boto '
for image in ec2.describe_images(Owners=["self"])["Images"]:
    ec2.deregister_image(ImageId=image["ImageId"])
    for device in image["BlockDeviceMappings"]:
        if device.get("Ebs", {}).get("SnapshotId"):
            ec2.delete_snapshot(SnapshotId=device["Ebs"]["SnapshotId"])'
  expect_equal "$(left)" ''
}
expect_one_image() {
  expect_images_only 1
  expect_contains "$(cat second/images/*/manifest.json)" "$image"
  expect_equal "$(at second images --format json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" 1
}

# Over SSM: killed, and all that the first machine had is gone.
begin
lose_first
instance_do "$instance" touch /srv/go
expect_exit 75 at second resume "$address"
expect_contains "$err" "is driven by root@"
expect_contains "$err" "take it over at once: toehold resume $address --take-over"
expect_exit 2 at second resume "s3://$bucket/builds/nothing-is-here"
expect_contains "$err" "there is no build at"
expect_equal "$(ls second/builds)" ''
expect_exit 0 at second resume "$address" --take-over --view plain
expect_contains "$err" "the nested document is here"
[ "$(ls second/builds/*/logs | grep -c TOE_)" = 2 ] || fail "$(ls second/builds/*/logs)"
logs=$(cat second/builds/*/logs/*/console.log)
expect_contains "$logs" "the first step has run"
for line in 1 5000; do expect_equal "$(grep -c "line $line\$" <<<"$logs")" 1; done
expect_equal "$(find second/builds -type f ! -perm 600; find second/builds -type d ! -perm 700)" ''
expect_one_image
find_first

# Over SSH: taken over from one that lives, which ends without touching anything.
sed -i '/- name: test/,$d' recipes/work.yml
begin "${ssh[@]}"
expect_contains "$(aws s3 cp "$address/controller/state.json" -)" 'PRIVATE KEY'
TOEHOLD_HOME=$scratch/second HOME=$scratch/second "$TOEHOLD" resume "$address" --take-over --view plain >resumed 2>&1 </dev/null &
second=$!
wait_until 20 grep -q 'Slow (ExecuteBash)' resumed
instance_do "$instance" touch /srv/go
code=0
wait "$controller" || code=$?
expect_equal "$code" 75
expect_contains "$(cat told)" "has been taken over by root@"
code=0
wait "$second" || code=$?
[ "$code" = 0 ] || fail "$(cat resumed)"
expect_contains "$(cat resumed)" "taken over from root@"
expect_exit 2 at first resume "${address##*/}"
expect_contains "$err" "has ended on another machine"
expect_exit 0 at first cleanup
expect_one_image

# One of two builds of one process is taken over: that one lets go, the other comes to its end.
sed 's/^name: moves/name: pair\nmatrix: {N: [one, two]}/' recipes/recipe.yml >recipes/pair.yml
rm -rf first second told
TOEHOLD_HOME=$scratch/first HOME=$scratch/first "$TOEHOLD" build recipes/pair.yml --jobs 2 "${ssh[@]}" >told 2>&1 </dev/null &
controller=$!
both_slow() { [ "$(grep -ls 'Slow (ExecuteBash)' first/builds/*/build.log | wc -l)" = 2 ]; }
wait_until 60 both_slow
log=$(ls first/builds/*/build.log | head -1)
address=$(sed -n 's/^state  *\(s3:[^ ]*\) .*/\1/p' "$log")
TOEHOLD_HOME=$scratch/second HOME=$scratch/second "$TOEHOLD" resume "$address" --take-over --view plain >resumed 2>&1 </dev/null &
second=$!
wait_until 60 grep -q 'Slow (ExecuteBash)' resumed
wait_until 60 grep -q 'has been taken over by root@' told  # at its next sign of life
expect_equal "$(left | grep -c '^instance ')" 2
for instance in $(left | sed -n 's/^instance [^ ]* \(i-[^ ]*\).*/\1/p'); do instance_do "$instance" touch /srv/go; done
code=0
wait "$controller" || code=$?
expect_equal "$code" 75
expect_contains "$(cat told)" "1 of 2 builds failed"
expect_equal "$(grep -c '  built in ' told)" 1
code=0
wait "$second" || code=$?
[ "$code" = 0 ] || fail "$(cat resumed)"
expect_images_only 2

# Cleaned up from elsewhere.
begin "${ssh[@]}"
lose_first
expect_exit 75 at second cleanup "$address"
expect_exit 0 at second cleanup "$address" --take-over
expect_contains "$out" "removed  instance"
expect_equal "$(ls second/builds)" ''
expect_nothing_left
find_first

# Killed when the image was out: the rest is the removal, for which nothing is started.
# It is still trying to when it is killed.
AWS_MAX_ATTEMPTS=30 begin "${ssh[@]}"
cloud_faults '[{"operation": "TerminateInstances", "code": "InternalError", "status": 500, "times": 1000}]'
instance_do "$instance" touch /srv/go
is_delivered() { aws s3 cp "$address/controller/state.json" - | grep -qF 'state\": \"delivered'; }
wait_until 60 is_delivered
lose_first
cloud_faults '[]'
expect_exit 0 at second resume "$address" --take-over
expect_contains "$err" "was delivered before"
expect_contains "$err" "moves:1.0.0  $(aws ec2 describe-images --owners self --query 'Images[].ImageId' --output text)"
expect_contains "$out" "removed  instance"
expect_equal "$(cloud_calls | grep -c RunInstances || true)" 0
expect_images_only 1
