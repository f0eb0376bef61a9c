# Programs on an instance that nothing but Systems Manager reaches: their output complete and in
# order by S3 or without it, how they end, files, a restart in the middle, and a reader that is gone.
. "$(dirname "$0")/ec2.sh"
: "${TOEHOLD_SSM_PROBE:?}"

# The agent that is sent has to run with the instance's own libraries: a static one, or this
# machine's, whose root is what instances have.
agent=/var/lib/toehold-test/toehold-agent
id=$(aws ec2 run-instances --image-id "$base_ami" --instance-type t3.micro --subnet-id "$subnet" \
  --iam-instance-profile "Name=$instance_profile" --query 'Instances[0].InstanceId' --output text)
ssm() { "$TOEHOLD_SSM_PROBE" "$id" "$bucket" "build-1/${part:-build}/" "$agent" "$@"; }
# ended TEXT: how the last program has ended
ended() { [[ "$(tail -n 1 "$scratch/.err" | tr -d '\0')" == *"ended: $1" ]] || fail "not $1: $(tail -c 300 "$scratch/.err")"; }

# Nobody knows it yet, or it is on its way.
expect_exit 0 ssm online 30
expect_exit 0 ssm why
expect_contains "$out" "$id is Online for Systems Manager"

# Without an agent: small answers, whatever bytes they have.
expect_exit 0 ssm run sh -c 'printf "a\000b\n" | od -An -c; echo "$1$2" >&2; exit 3' sh "two  words'\"\$x" $'\n.'
expect_contains "$out" 'a  \0   b  \n'
expect_contains "$err" "two  words'\"\$x"
ended "exit code 3"
expect_exit 0 ssm run /no/such/program
ended "exit code 127"
expect_exit 1 ssm run seq 100000
expect_contains "$err" "too much to be brought back before the agent is there"
expect_exit 0 ssm run sh -c 'exit 194' # which would restart the instance, if it were the script's
ended "exit code 194"

# The agent comes there whole, and with its mode.
expect_exit 0 ssm run mkdir -p -m 700 /var/lib/toehold-test
expect_exit 0 ssm upload "$TOEHOLD_AGENT" "$agent" 0700
expect_equal "$(instance_do "$id" sha256sum "$agent" | cut -c1-64)" "$(sha256sum "$TOEHOLD_AGENT" | cut -c1-64)"
expect_equal "$(instance_do "$id" stat -c %a "$agent")" 700
expect_exit 0 ssm run "$agent" --version
ended "exit code 0"

# By the agent: what is small and quick comes in the command's own answer.
expect_exit 0 ssm run sh -c 'echo out; echo err >&2; exit 7'
expect_equal "$out" out
expect_contains "$err" err
ended "exit code 7"
expect_exit 0 ssm run /no/such/program
ended "exit code 127"
expect_contains "$err" "No such file"
expect_exit 0 ssm run sh -c 'kill -9 $$'
expect_contains "$err" "ended: killed by SIGKILL"
has_no_objects() { [ "$(aws s3api list-objects-v2 --bucket "$bucket" --query 'Contents[].Key' --output text)" = None ]; }
has_no_objects || fail "small answers went over S3"

# 50 MB, complete and in order, and the objects are gone afterwards.
begin=$(date +%s%N)
ssm run seq 6800000 >big 2>big.err || fail "$(cat big.err)"
milliseconds=$((($(date +%s%N) - begin) / 1000000))
expect_equal "$(tail -n 1 big.err)" "ended: exit code 0"
expect_equal "$(sha256sum <big)" "$(seq 6800000 | sha256sum)"
echo "$(($(stat -c %s big) / 1000 / milliseconds)) MB/s over S3"
has_no_objects || fail "objects were left behind"

# What comes slowly comes before its end; both streams in binary.
ssm run sh -c 'head -c 300000 /dev/urandom | tee /tmp/x; sleep 2; head -c 200000 /tmp/x >&2; exit 9' >.out 2>.err
ended "exit code 9"
instance_do "$id" cat /tmp/x >x
cmp x "$scratch/.out"
cmp <(head -c 200000 x) <(head -c 200000 "$scratch/.err")
expect_exit 0 ssm download /tmp/x "$scratch/fetched"
cmp x fetched
expect_equal "$(stat -c %a fetched)" 600
expect_exit 1 ssm download /no/such/file "$scratch/fetched"
expect_contains "$err" "No such file"

# A shell, by the AWS CLI and a stand-in for its plugin, which does the command as Session Manager does:
# as a user who has to become root first. Without them it says what to install.
mkdir plain plugin
ln -s "$(command -v sh)" plain/sh
expect_exit 1 env PATH="$scratch/plain" "$TOEHOLD_SSM_PROBE" "$id" "$bucket" p/ "$agent" interact true
expect_contains "$err" "needs aws, which is not in PATH | install the AWS CLI and the Session Manager plugin"
cat >plugin/session-manager-plugin <<'SH'
#!/usr/bin/env bash
if [ "$1" = --version ]; then echo 1.2.0.0; exit; fi
word() { python3 -c 'import json,sys; print(eval("json.loads(sys.argv[1])" + sys.argv[2]))' "$1" "$2"; }
[ "$3" = StartSession ] && [ "$(word "$5" '["DocumentName"]')" = AWS-StartInteractiveCommand ] || exit 99
instance_do "$(word "$5" '["Target"]')" runuser -u "$ssh_user" -- sh -c "$(word "$5" '["Parameters"]["command"][0]')"
SH
chmod +x plugin/session-manager-plugin
export -f instance_do instance_pid cloud_ask
export ssh_user aws_url aws_python
expect_exit 0 env PATH="$scratch/plugin:$(dirname "$aws_python"):$PATH" "$TOEHOLD_SSM_PROBE" "$id" "$bucket" p/ "$agent" \
  interact sh -c 'echo "$(id -u) $1 $2"' sh "it's" 'two  words $x'
expect_contains "$out" "0 it's two  words \$x"

# After a deadline or a stop the program is ended there.
export TOEHOLD_PROBE_LIMIT=4
expect_exit 0 ssm run sleep 4242
unset TOEHOLD_PROBE_LIMIT
ended "timed out"
is_gone() { ! instance_do "$id" pgrep -f "$1" >/dev/null; }
wait_until 20 is_gone 'sleep 424[2]'

# No secret in anybody's arguments, in logs, or left in memory.
ssm run sh -c 'sleep 3; ps -eo args; ls /run/toehold-relay' >seen 2>&1
expect_lacks "$(<seen)" Signature
wait_until 10 instance_do "$id" sh -c '! ls /run/toehold-relay | grep .'

# A controller that is killed, and another one: nothing of the first is taken for the second's.
ssm run sh -c 'for i in 1 2 3 4 5 6 7 8; do echo "first $i"; sleep 1; done' >first 2>&1 &
first=$!
wait_until 20 grep -q 'first 1' first
kill -9 $first
{ wait $first || true; } 2>/dev/null
ssm run sh -c 'for i in 1 2 3 4; do echo "second $i"; sleep 1; done' >second 2>&1
expect_equal "$(grep -c second second)" 4
expect_lacks "$(<second)" first

# A restart in the middle is an error of the network, for which the caller tries again.
ssm run sh -c 'echo begun; sleep 300' >cut 2>&1 &
cut=$!
wait_until 20 grep -q begun cut
instance_do "$id" systemctl reboot --force || true # nothing has the time to tell its end
wait "$cut" && fail "a restart was not noticed"
expect_contains "$(<cut)" "has lost the program: was it restarted?"
expect_exit 0 ssm run echo back
expect_equal "$out" back

# Without a way to S3 the output comes by Run Command, as complete.
# A POST with a policy counts as the other POST to a bucket there; this one has no query.
cloud_faults '[{"operation": "DeleteObjects", "match": {"query": "^(\\[\\]|\\{\\})?$"}, "code": "AccessDenied", "status": 403, "times": 100000}]'
expect_exit 0 ssm run sh -c 'seq 20000; sleep 2; echo end >&2'
[ "$(cloud_calls | grep -c SendCommand)" -ge 5 ] || fail "it did not come by Run Command"
cloud_faults '[]'
expect_equal "$(sha256sum <"$scratch/.out")" "$(seq 20000 | sha256sum)"
ended "exit code 0"
wait_until 20 instance_do "$id" sh -c '! ls /run/toehold-relay | grep .'

# A command that we give up is cancelled.
cloud_faults '[{"operation": "GetCommandInvocation", "code": "AccessDeniedException"}]'
expect_exit 1 ssm run echo never
expect_contains "$(cloud_calls)" ssm:CancelCommand
cloud_faults '[]'

# What stands still on its way from S3 is fetched again. Waited for below.
head -c 1000 /dev/urandom >still
cloud_faults '[{"operation": "GetObject", "match": {"query": "Signature"}, "effect": "slow", "seconds": 90}]'
begin_still=$(date +%s)
ssm upload still /var/lib/toehold-still 0600 &
still=$!
is_fetching() { cloud_log | grep -F '"fault": "slow"' >/dev/null; }
wait_until 20 is_fetching

# A command whose answer is lost is looked for and not sent twice.
cloud_faults '[{"operation": "SendCommand", "effect": "lost"}]'
expect_exit 0 ssm run sh -c 'echo once | tee -a /srv/once'
expect_equal "$(instance_do "$id" cat /srv/once)" once
expect_contains "$(cloud_log | grep -F ListCommandInvocations)" "\"InstanceId\": \"$id\"" # not the look of a Watcher
cloud_faults '[]'
wait "$still" || fail "it was not fetched"
[ $(($(date +%s) - begin_still)) -lt 85 ] || fail "it took its time"
expect_equal "$(instance_do "$id" sha256sum /var/lib/toehold-still | cut -c1-64)" "$(sha256sum <still | cut -c1-64)"

# Nor can it fetch anything then: files go there inside of commands.
head -c 200000 /dev/urandom >piece
[ -z "${TOEHOLD_FULL_TESTS:-}" ] || cp "${TOEHOLD_STATIC_AGENT:-$TOEHOLD_AGENT}" piece
cloud_faults '[{"operation": "GetObject", "match": {"query": "Signature"}, "code": "AccessDenied", "status": 403, "times": 0}]'
begin=$(date +%s%N)
expect_exit 0 ssm upload piece /var/lib/toehold-test/piece 0640
milliseconds=$((($(date +%s%N) - begin) / 1000000))
cloud_faults '[]'
expect_contains "$err" "does not reach S3: "
expect_equal "$(instance_do "$id" sha256sum /var/lib/toehold-test/piece | cut -c1-64)" "$(sha256sum <piece | cut -c1-64)"
expect_equal "$(instance_do "$id" stat -c %a /var/lib/toehold-test/piece)" 640
expect_equal "$(instance_do "$id" sh -c 'ls /var/lib/toehold-test | sort | tr "\n" " "')" "piece toehold-agent "
echo "$(stat -c %s piece) bytes in $milliseconds ms without S3"

expect_exit 0 ssm remove
has_no_objects || fail "objects were left behind"
aws ec2 terminate-instances --instance-ids "$id" >/dev/null
expect_nothing_left
