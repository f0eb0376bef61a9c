#!/usr/bin/env bash
# The words of a build's circumstances. A spot instance that is taken back: its notice ends the run with the
# log complete, and the stage begins anew on demand where the recipe allows it; without it there is a named
# error, and nothing is left. A key pair of the user's, and the end of a build told and kept elsewhere.
. "$(dirname "${BASH_SOURCE[0]}")/ec2.sh"

cat >component.yml <<'YAML'
name: web
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: First
        action: ExecuteBash
        inputs: {commands: ['echo "first step on $(cat /etc/hostname)"', 'echo kept >>/srv/file']}
      - name: Long
        action: ExecuteBash
        inputs:
          commands:
            - echo the last words
            - until test -e /srv/go; do sleep 0.1; done
            - test "$(cat /srv/file)" = kept
            - echo long step is done
YAML
cat >recipe.yml <<YAML
name: web
components: [component.yml]
parentImage: $base_ami
target:
  type: ec2
  connect: ssh
  user: $ssh_user
  sshFrom: 127.0.0.0/8
  recordFiles: false
  market: [spot, on-demand]
  keyPair: admins
YAML
ssh-keygen -q -t ed25519 -N '' -f admins
aws ec2 import-key-pair --key-name admins --public-key-material fileb://admins.pub >/dev/null

running() {
  aws ec2 describe-instances --filters Name=instance-state-name,Values=running \
    --query 'Reservations[].Instances[].InstanceId' --output text
}
wait_for_words() {  # COUNT
  for _ in $(seq 900); do
    if [ "$(grep -c 'the last words' "$scratch/.err" || true)" -ge "$1" ]; then return; fi
    sleep 0.1
  done
  fail "waited in vain: $(<"$scratch/.err")"
}
# Starts a build, and gives its first instance notice in the middle of a step.
start_and_give_notice() {  # RECIPE
  : >"$scratch/.err"
  "$TOEHOLD" build "$1" --view plain --no-test >"$scratch/.out" 2>"$scratch/.err" &
  build=$!
  wait_for_words 1
  spot_notice "$(running)" 120
}
end_of_build() {
  code=0
  wait "$build" || code=$?
  err=$(<"$scratch/.err")
}

before=$(left)
start_and_give_notice recipe.yml
wait_for_words 2
# Both keys are let in.
expect_equal "$(instance_do "$(running)" sh -c "grep -c ssh-ed25519 /home/$ssh_user/.ssh/authorized_keys")" 2
instance_do "$(running)" touch /srv/go
end_of_build
[ "$code" = 0 ] || fail "exit $code: $err"
expect_contains "$err" "AWS takes this spot instance back at"
expect_contains "$err" "the stage begins anew on demand"
expect_contains "$err" "t3.medium, on-demand  from"
expect_contains "$err" "long step is done"
expect_equal "$(grep -c 'first step on' "$scratch/.err")" 2
expect_equal "$(left | grep -v '^image \|^snapshot ' || true)" "$before"
# The logs of both runs are there.
expect_equal "$(cat "$TOEHOLD_HOME"/builds/*/logs/TOE_*/console.log | grep -c 'the last words')" 2
expect_equal "$(cat "$TOEHOLD_HOME"/builds/*/logs/TOE_*/console.log | grep -c 'long step is done')" 1

before=$(left)
sed 's/market: .*/market: [spot]/' recipe.yml >spot.yml
start_and_give_notice spot.yml
end_of_build
expect_equal "$code" 1
expect_contains "$err" "AWS takes the spot instance i-"
expect_contains "$err" "market: [spot, on-demand]"
expect_equal "$(left)" "$before"

# The end of a build, told and kept where the recipe wants it. What cannot be told is a warning.
topic=$(boto '
sqs = client("sqs", "us-east-1")
queue = sqs.create_queue(QueueName="ends")["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
topic = client("sns", "us-east-1").create_topic(Name="builds")["TopicArn"]
client("sns", "us-east-1").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
s3.create_bucket(Bucket="build-logs")
print(topic)')
sed -i 's/- echo the last words/- exit 3/' component.yml
cat recipe.yml - >told.yml <<YAML
  snsTopicArn: $topic
  logging: {s3Logs: {s3BucketName: build-logs, s3KeyPrefix: /images/}}
YAML
expect_exit 1 "$TOEHOLD" build told.yml --view plain
id=$(sed -n 's/^web .*(build \(.*\))$/\1/p' "$scratch/.err")
expect_contains "$err" "logs     s3://build-logs/images/web/1.0.0/$id"
aws s3 ls --recursive s3://build-logs >objects
grep -q "images/web/1.0.0/$id/TOE_.*/console.log" objects || fail "$(<objects)"
message=$(boto '
sqs = client("sqs", "us-east-1")
queue = sqs.get_queue_url(QueueName="ends")["QueueUrl"]
print(json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])["Message"])')
expect_contains "$message" '"status":"FAILED"'
expect_contains "$message" '"stepName":"Long"'
expect_contains "$message" "\"logs\":\"s3://build-logs/images/web/1.0.0/$id\""
expect_exit 1 "$TOEHOLD" build told.yml --view plain --set target.snsTopicArn="${topic}s" \
  --set target.base=ami-00000000000000000
expect_contains "$err" "there is no image ami-00000000000000000"
expect_contains "$err" "warning: nobody was told of the end of the build"

# A denial that EC2 hides is told in words, or how to have it told.
cloud_faults '[{"operation": "RunInstances", "code": "UnauthorizedOperation", "status": 403, "times": 0,
  "message": "You are not authorized. Encoded authorization failure message: AbC_-9"}]'
expect_exit 1 "$TOEHOLD" build recipe.yml --view plain
expect_contains "$err" "ec2:RunInstances on t3.medium"
expect_contains "$err" "decode-authorization-message --encoded-message AbC_-9"

# Two builds that want one name are told so, and a name that is taken, before anything is launched.
cat recipe.yml - >same.yml <<'YAML'
  imageName: web
matrix: {SUITE: [one, two]}
YAML
expect_exit 1 "$TOEHOLD" build same.yml --jobs 2
expect_contains "$err" "another of these builds makes the image 'web', too"
cloud_faults '[]'
taken=$(aws ec2 register-image --name taken --query ImageId --output text)
expect_exit 1 "$TOEHOLD" build recipe.yml --view plain --set target.imageName=taken
expect_contains "$err" "there is an image called 'taken' already, $taken"
expect_equal "$(cloud_calls | grep -c RunInstances || true)" 0

# An image that cannot be delivered is given up, here as there.
sed -i 's/- exit 3/- true/; s/- until .*/- true/' component.yml
before=$(left)
listed=$("$TOEHOLD" images --format json)
cloud_faults '[{"operation": "CreateTags", "match": {"Tag.1.Value": "delivered"}, "code": "UnauthorizedOperation",
  "status": 403, "times": 0}]'
expect_exit 1 "$TOEHOLD" build recipe.yml --view plain --no-test
expect_contains "$err" "ec2:CreateTags"
expect_equal "$(left)" "$before"
expect_equal "$("$TOEHOLD" images --format json)" "$listed"
