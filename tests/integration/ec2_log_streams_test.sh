#!/usr/bin/env bash
# Output of an instance that does not reach S3, through CloudWatch Logs with the instance's own role:
# complete and in order, whatever answers are lost; by Run Command where the role may not; and no
# stream is left, when a program has ended, a controller was killed, or is gone for good.
. "$(dirname "${BASH_SOURCE[0]}")/ec2.sh"
: "${TOEHOLD_SSM_PROBE:?}"

group=/builds/output
aws logs create-log-group --log-group-name "$group"
# A POST with a policy counts as the other POST to a bucket there; this one has no query.
no_post='{"operation": "DeleteObjects", "match": {"query": "^(\\[\\]|\\{\\})?$"}, "code": "AccessDenied", "status": 403, "times": 0}'
streams() { left | grep '^log-stream ' || true; }
count_calls() { cloud_calls | grep -c "$1" || true; }

agent=/var/lib/toehold-test/toehold-agent
id=$(aws ec2 run-instances --image-id "$base_ami" --instance-type t3.micro --subnet-id "$subnet" \
  --iam-instance-profile "Name=$instance_profile" \
  --tag-specifications 'ResourceType=instance,Tags=[{Key=toehold:build-id,Value=build-1}]' --query 'Instances[0].InstanceId' --output text)
ssm() { TOEHOLD_PROBE_LOG_GROUP=$group "$TOEHOLD_SSM_PROBE" "$id" "$bucket" builds/build-1/ "$agent" "$@"; }
expect_exit 0 ssm online 30
expect_exit 0 ssm run mkdir -p -m 700 /var/lib/toehold-test
expect_exit 0 ssm upload "$TOEHOLD_AGENT" "$agent" 0700

# 6 MB in binary, with answers lost on the way there and calls refused on the way back.
cloud_faults "[$no_post, {\"operation\": \"PutLogEvents\", \"effect\": \"lost\", \"nth\": 3, \"times\": 2},
  {\"operation\": \"GetLogEvents\", \"code\": \"ThrottlingException\", \"nth\": 2, \"times\": 2}]"
begin=$(date +%s%N)
ssm run sh -c 'head -c 6000000 /dev/urandom | tee /tmp/x; echo end >&2; exit 9' >log 2>err || fail "$(<err)"
milliseconds=$((($(date +%s%N) - begin) / 1000000))
expect_equal "$(tail -n 1 err)" "ended: exit code 9"
instance_do "$id" cat /tmp/x | cmp - log
grep -q end err || fail "$(<err)"
[ "$(count_calls logs:PutLogEvents)" -ge 30 ] || fail "it came another way: $(cloud_calls | sort | uniq -c)"
expect_equal "$(count_calls ssm:SendCommand)" 1
expect_equal "$(streams)" ''
echo "6 MB in $milliseconds ms through CloudWatch Logs"

# Where the role may not write there, as without a group.
cloud_faults "[$no_post, {\"operation\": \"CreateLogStream\", \"code\": \"AccessDeniedException\", \"times\": 0}]"
expect_exit 0 ssm run seq 20000
expect_equal "$(sha256sum <"$scratch/.out")" "$(seq 20000 | sha256sum)"
[ "$(count_calls ssm:SendCommand)" -ge 2 ] || fail "it did not come by Run Command"

# When the service takes no more in the middle, the rest comes by Run Command. It takes a minute to be sure.
if [ -n "${TOEHOLD_FULL_TESTS:-}" ]; then
  cloud_faults "[$no_post, {\"operation\": \"PutLogEvents\", \"code\": \"AccessDeniedException\", \"nth\": 6, \"times\": 0}]"
  expect_exit 0 ssm run sh -c 'seq 300000; sleep 2; echo end'
  expect_equal "$(sha256sum <"$scratch/.out")" "$( (seq 300000; echo end) | sha256sum)"
  expect_equal "$(streams)" ''
fi
cloud_faults '[]'
aws ec2 terminate-instances --instance-ids "$id" >/dev/null
expect_exit 0 ssm remove

cat >component.yml <<'YAML'
name: web
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Long
        action: ExecuteBash
        inputs:
          commands:
            - seq -f 'line %g' 1 200000
            - until test -e /srv/go; do sleep 0.1; done
            - echo long step is done
YAML
cat >recipe.yml <<YAML
name: web
components: [component.yml]
parentImage: $base_ami
target:
  type: ec2
  staging: s3://$bucket/builds
  instanceProfileName: $instance_profile
  recordFiles: false
  logging: {cloudWatchLogs: {logGroupName: $group}}
YAML
cloud_faults "[$no_post]"
before=$(left)

# A controller that is killed in the middle of a step: cleanup leaves no stream.
"$TOEHOLD" build recipe.yml --view plain --no-test >out 2>told </dev/null &
controller=$!
wait_until 60 grep -q 'line 200000' told
kill -9 "$controller"
{ wait "$controller" || true; } 2>/dev/null
expect_equal "$(grep -o 'line [0-9]*$' told | sha256sum)" "$(seq -f 'line %.0f' 200000 | sha256sum)"
build=$(sed -n 's/^web .*(build \(.*\))$/\1/p' told)
expect_contains "$(streams)" "$group toehold/$build/build/"
instance=$(left | sed -n 's/^instance [^ ]* \(i-[^ ]*\).*/\1/p')
expect_equal "$(aws ec2 describe-tags --filters "Name=resource-id,Values=$instance" Name=key,Values=toehold:log-group \
  --query 'Tags[].Value' --output text)" "$group"
if [ -n "${TOEHOLD_FULL_TESTS:-}" ]; then # gone on with, only the image is left
  instance_do "$instance" touch /srv/go
  expect_exit 0 "$TOEHOLD" resume "$build" --view plain
  expect_contains "$err" "long step is done"
  expect_equal "$(left | grep -v '^image \|^snapshot ' || true)" "$before"
  before=$(left)
else
  expect_exit 0 "$TOEHOLD" cleanup "$build"
  expect_equal "$(left)" "$before"
fi

# One that is gone for good: the sweep of any machine finds the streams by the tags of what else is left.
tags='{Key=toehold:build-id,Value=web-1},{Key=toehold:part,Value=build},{Key=toehold:lease-until,Value=2020-01-01T00:00:00Z}'
aws ec2 create-security-group --group-name toehold-web-1 --description x \
  --tag-specifications "ResourceType=security-group,Tags=[$tags,{Key=toehold:log-group,Value=$group}]" >/dev/null
for stream in toehold/web-1/build/1 toehold/web-1/test/2 toehold/web-10/build/3; do
  aws logs create-log-stream --log-group-name "$group" --log-stream-name "$stream"
done
expect_exit 0 "$TOEHOLD" cleanup --target ec2 --yes
expect_equal "$(streams)" "log-stream us-east-1 $group toehold/web-10/build/3"

# What the controller calls is within its policy, what the instances call within theirs.
expect_calls_allowed LOG-GROUP="$group" +logs:GetLogEvents +logs:DescribeLogStreams +logs:DeleteLogStream
AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE policy_of_calls "$TOEHOLD_SOURCE/docs/how-to/build-an-ami.md" \
  111122223333="$aws_account" LOG-GROUP="$group" all || fail "the role of the instances and their calls differ"
