#!/usr/bin/env bash
# A build on EC2, over SSM and over SSH, with real instances: steps run there, a reboot is gone
# through, the machine image is what the steps left, and the test phase runs in an instance of it.
# Fallback over types, markets and zones; refusals before launch; failures; nothing is left.
. "$(dirname "${BASH_SOURCE[0]}")/ec2.sh"

cat >component.yml <<'YAML'
name: web
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Keep
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - echo kept >/srv/file
            - cat /proc/sys/kernel/random/boot_id >/srv/first-boot
            - 'echo "step runs as $(id -un)"'
      - name: Restart
        action: Reboot
      - name: After
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - test "$(cat /proc/sys/kernel/random/boot_id)" != "$(cat /srv/first-boot)"
            - echo after >>/srv/file
            - seq -f 'line %g' 1 20000
  - name: test
    steps:
      - name: FromTheImage
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - test "$(tr '\n' ' ' </srv/file)" = 'kept after '
            - test "$(find /var/lib -maxdepth 1 -name 'toehold-web-*' | wc -l)" = 1
            - echo the image is tested
YAML
cat >recipe.yml <<YAML
name: web
version: 1.2.3
components: [component.yml]
parentImage: $base_ami
tags: {team: web}
target:
  type: ec2
  staging: s3://$bucket/builds
  instanceProfileName: $instance_profile
  recordFiles: false
YAML
ssh=(--set "target.connect=ssh" --set "target.user=$ssh_user" --set "target.sshFrom=127.0.0.0/8")
build() { "$TOEHOLD" build recipe.yml --view plain "$@"; }
image_of() { sed -n 's/^image ami-/ami-/p' "$scratch/.err" | cut -d' ' -f1 | tail -1; }
state_of_image() { aws ec2 describe-images --image-ids "$1" --query 'Images[0].State' --output text; }

# Both ways to the instance give the same image.
for way in ssm ssh; do
  options=()
  if [ "$way" = ssh ]; then options=("${ssh[@]}"); fi
  expect_exit 0 build --timing "${options[@]}"
  echo "$way: $(grep -A30 'where the time went' <<<"$err" | xargs)"
  # What the controller adds of its own: it never looks away for more than 2 s, whatever it waits for.
  awk '/the longest pause/ {found = $1} END {exit !(found > 0 && found <= 2)}' <<<"$err" || fail "$err"
  expect_contains "$err" "step runs as root"
  expect_contains "$err" "line 20000"
  expect_contains "$err" "the image is tested"
  image=$(image_of)
  expect_equal "$(state_of_image "$image")" available
  expect_equal "$(aws ec2 describe-images --image-ids "$image" --query 'Images[0].Tags[?Key==`team`].Value' --output text)" web
  expect_equal "$(left | grep -v '^image \|^snapshot ' || true)" ''
  [ "$(left | grep -c '^image ')" = 1 ] || fail "$(left)"
  expect_contains "$("$TOEHOLD" images)" web
  expect_equal "$("$TOEHOLD" images --format json | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["target"])')" ec2
  aws ec2 deregister-image --image-id "$image" >/dev/null
  for snapshot in $(aws ec2 describe-snapshots --owner-ids self --query 'Snapshots[].SnapshotId' --output text); do
    aws ec2 delete-snapshot --snapshot-id "$snapshot" 2>/dev/null || true
  done
done
expect_equal "$(left)" ''

# Capacity walks the list in order, each try with a token of its own.
cloud_faults '[{"operation": "RunInstances", "match": {"InstanceType": "c7i.large"}, "code": "InsufficientInstanceCapacity", "times": 0}]'
sed "s/recordFiles: false/recordFiles: false\n  instanceTypes: [c7i.large, m7i.large]/" recipe.yml >types.yml
sed "s/recordFiles: false/recordFiles: false\n  market: [spot, on-demand]\n  subnetIds: [$subnet, $subnet_b]/" types.yml >all.yml
expect_exit 0 "$TOEHOLD" build all.yml --view plain --no-test
expect_contains "$err" "c7i.large, spot, in $subnet: InsufficientInstanceCapacity; trying the next"
expect_contains "$err" "c7i.large, spot, in $subnet_b: InsufficientInstanceCapacity; trying the next"
expect_contains "$err" "m7i.large, spot, in $subnet  from"
cloud_faults '[{"operation": "RunInstances", "code": "InsufficientInstanceCapacity", "times": 0}]'
expect_exit 1 "$TOEHOLD" build types.yml --view plain
expect_contains "$err" "no instance is to be had"
expect_contains "$err" "m7i.large, on-demand: InsufficientInstanceCapacity"
cloud_faults '[]'

# What cannot be is said before anything is made.
before=$(left)
known=$("$TOEHOLD" builds)
expect_exit 1 build --set target.base=ami-00000000000000000
expect_contains "$err" "there is no image ami-00000000000000000"
expect_exit 1 build --set "target.base=name:$base_ami_pattern"
expect_contains "$err" "write baseOwner:"
expect_exit 1 build --output qcow2
expect_contains "$err" "makes a machine image and writes no files"
sed 's/^target:/additionalInstanceConfiguration: {systemsManagerAgent: {uninstallAfterBuild: yes}}\ntarget:/' recipe.yml >agent.yml
expect_exit 0 "$TOEHOLD" validate agent.yml
expect_contains "$err" "the agent of Systems Manager stays in the image"
expect_exit 1 env -u AWS_REGION -u AWS_DEFAULT_REGION "$TOEHOLD" build recipe.yml "${ssh[@]}"
expect_contains "$err" "write region: in the recipe's target, or set AWS_REGION"
expect_equal "$(left)" "$before"
expect_equal "$("$TOEHOLD" builds)" "$known"

# What looks like a build and is a distribution says how it is gone on with.
folder=$TOEHOLD_HOME/builds/distribute-ami-0123-20261126-050102-3f2a
mkdir "$folder"
echo '{"id": "distribute-ami-0123-20261126-050102-3f2a", "recipe": "/r.yml", "target": "ec2", "state": "failed", "started": 1}' >"$folder/build.json"
expect_exit 2 "$TOEHOLD" resume distribute-ami
expect_contains "$err" "toehold distribute ami-0123 --recipe /r.yml"
rm -r "$folder"

# A base by name, by parameter, and of another build.
for base in "name:$base_ami_pattern" "ssm:$base_parameter" "build:web"; do
  owner=()
  if [[ "$base" == name:* ]]; then owner=(--set "target.baseOwner=$base_ami_owner"); fi
  expect_exit 0 build --no-test --set "target.base=$base" "${owner[@]}"
done

# Distribution follows the build: a copy in another region, and what fails there is named.
cat recipe.yml - >everywhere.yml <<YAML
distributions:
  - region: us-east-1
    amiDistributionConfiguration: {name: 'web {{ imagebuilder:buildDate }}'}
  - region: eu-central-1
    amiDistributionConfiguration: {name: 'web {{ imagebuilder:buildDate }}'}
    ssmParameterConfigurations: [{parameterName: /images/web}]
YAML
expect_exit 0 "$TOEHOLD" build everywhere.yml --view plain --no-test
copy=$(aws ec2 describe-images --region eu-central-1 --owners self --query 'Images[].ImageId' --output text)
expect_equal "$(aws ssm get-parameter --region eu-central-1 --name /images/web --query Parameter.Value --output text)" "$copy"
expect_contains "$(cat "$TOEHOLD_HOME"/images/*/manifest.json)" "$copy"
cloud_faults '[{"operation": "CopyImage", "code": "UnauthorizedOperation", "times": 0}]'
expect_exit 1 "$TOEHOLD" build everywhere.yml --view plain --no-test
expect_contains "$err" "built, but not distributed"
expect_contains "$err" "toehold distribute"
cloud_faults '[]'

# A step that fails leaves nothing; kept, there is a machine to look at, which goes with cleanup.
sed -i 's/^            - echo kept.*/            - exit 3/' component.yml
before=$(left)
expect_exit 1 build
expect_contains "$err" "step build.Keep failed"
expect_equal "$(left)" "$before"
expect_exit 1 build --on-failure=keep
id=$(sed -n 's/^web .*(build \(.*\))$/\1/p' "$scratch/.err")
[ "$(left | grep -c '^instance ')" = 1 ] || fail "$(left)"
expect_exit 0 "$TOEHOLD" cleanup "$id"
expect_equal "$(left)" "$before"

# docs/iam-policy-of-ec2-builds.md allows what builds do, and no more: others have the rest.
rest=(-ec2:DeregisterImage -ec2:DeleteSnapshot)             # ec2_kill_test
rest+=(-ssm:CancelCommand -ssm:ListCommandInvocations)      # ssm_transport_test
rest+=(-s3:AbortMultipartUpload)                            # iam_policy_test
rest+=(-ec2:GetConsoleOutput)                               # ec2_calls_test
rest+=(-logs:{GetLogEvents,DescribeLogStreams,DeleteLogStream}) # ec2_log_streams_test
expect_calls_allowed all "${rest[@]}"
# The comparison can fail: a call that is not listed, one that is not made, things of others.
page=$TOEHOLD_SOURCE/docs/iam-policy-of-ec2-builds.md
sed 's/"ec2:StopInstances", //' "$page" >less.md
sed 's/"ec2:StopInstances"/"ec2:StopInstances", "ec2:RebootInstances"/' "$page" >more.md
sed 's#"Null": {"aws:ResourceTag/toehold:build-id": "false"}#"Null": {}#' "$page" >loose.md
for other in less more loose; do
  ! (POLICY=$scratch/$other.md expect_calls_allowed all "${rest[@]}") >told 2>&1 || fail "$other.md passes"
  grep -q 'the calls and the policy differ' told || fail "$other: $(cat told)"
done
