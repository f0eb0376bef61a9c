# Sourced first by tests of the target ec2: an AWS of the test's own (support/local_ec2) in which an
# instance is a real machine: a root, processes, sshd and an address of its own, ready within half a
# second. The script starts anew in namespaces of its own (network, mounts, processes), with
# everything below a tmpfs: whatever becomes of the test, nothing stays. Brings lib.sh and the
# functions of aws_lib.sh along (aws, start_fault_proxy, faults, aws_calls).
#
# What is there:
#   $aws_url               the server; AWS_ENDPOINT_URL is the same until start_fault_proxy. Instances
#                          reach it, and the proxy, by the same URL. Credentials and region
#                          (us-east-1) are exported, IMDS is off for us
#   $aws_account           the account; credentials of sts:AssumeRole for another one act there
#   $bucket                toehold-test, empty
#   $base_ami              the image to start from: Debian's, x86_64, root /dev/xvda of 8 GiB, ENA, UEFI
#   $base_ami_name, $base_ami_pattern, $base_ami_owner    to find it by; an older one matches as well
#   $base_parameter        public SSM parameter that holds $base_ami
#   $instance_profile      IAM instance profile, without which an instance never gets online in SSM
#   $vpc, $subnet, $subnet_b    the default VPC, its subnets in us-east-1a and -1b
#   $ssh_user              admin, with sudo and no password; root's authorized_keys has the key as well
# TOEHOLD_HOME is $scratch/toehold, HOME $scratch/home. Region eu-central-1 has $base_ami, too; all
# regions have a default VPC.
#
#   boto CODE...           Python with ec2, ssm, s3, sts, iam (clients of us-east-1), client(NAME, REGION),
#                          json, sys, time, wait(SECONDS, FUNCTION) at hand; the words after CODE are sys.argv[1:]
#   left                   prints what is there and was not at the start, a line each, "KIND REGION ID ...":
#                          instance (not terminated), image, snapshot, volume, security-group, key-pair,
#                          network-interface, launch-template, parameter, object (not the buckets),
#                          address (of the network), process (of instances that should not run)
#   expect_nothing_left    fails with what `left` prints; waits 5 s for what is on its way out
#   cloud_faults JSON      the faults from now on, see local_ec2/faults.py; '[]' ends them. Example:
#                          [{"operation": "RunInstances", "match": {"InstanceType": "c7i.large"},
#                            "code": "InsufficientInstanceCapacity", "times": 2}]
#   cloud_calls            "service:Operation" of each call since the last cloud_faults, in order
#   cloud_log              the same calls as JSON lines: operation, region, access_key, parameters, code
#   expect_calls_allowed WORD...    all calls of this test are within the policies of docs/; words as
#                          of support/ec2_policy.py. POLICY: another page than that of builds
#   expect_calls_made +ACTION...    they were needed, whoever allows them
#   cloud_settings JSON    times to wait and the like, see local_ec2/cloud.py; all waits are 0 at first:
#                          {"pending_for": S, "online_after": S, "stop_takes": S, "image_pending_for": S, ...}
#   advance_timers SECONDS [ID]   lets the time of armed timers (systemd-run, shutdown +M) pass: those
#                          that are due by then fire now, in all instances or in one
#   timers ID              its armed timers, a line each: SECONDS-LEFT NAME COMMAND
#   spot_notice ID SECONDS from now on its IMDS has the notice; SECONDS later it is terminated for it
#   instance_do ID COMMAND...     runs it there as root, past SSH and SSM; its output, its exit code
#   instance_root ID       its root as a path of ours (while it runs)
#   instance_console ID    what its first process printed
#   instance_crash ID      the machine ends at once, as with a fault of the hardware: state "stopped"
#   instance_state ID      as DescribeInstances tells it
#   wait_for_state ID STATE [SECONDS]    of an instance, by DescribeInstances
#
# LOCAL_EC2_LIGHT=1, set before this is sourced: instances have no processes, and commands over SSM get
# a scripted answer (cloud_settings {"answers": [{"match": RE, "code": 0, "stdout": "...", "stderr": ""}]})
# or that of a toehold-agent which plays a recorded run (local_ec2/light.py).
export LOCAL_EC2_LIGHT=${LOCAL_EC2_LIGHT:-}
if [ -z "$LOCAL_EC2_LIGHT" ] && [ -z "${local_ec2_inside:-}" ]; then
  local_ec2_from=$PWD
  . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
  needs unshare nsenter setpriv ip ssh ssh-keygen python3
  [ "$(id -u)" = 0 ] || skip "instances are machines in namespaces, which root makes"
  [ -x /usr/sbin/sshd ] || skip "no sshd here"
  unshare --net --mount --pid --fork true 2>"$scratch/why" || skip "no namespaces here: $(<"$scratch/why")"
  rm -rf "$scratch"
  trap - EXIT
  cd "$local_ec2_from"
  # What an instance must not do to this machine's clock and kernel, nothing in here can.
  local_ec2_inside=1 exec unshare --net --mount --propagation private --pid --fork --kill-child --mount-proc \
    setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio bash "$0" "$@"
fi
if [ -z "$LOCAL_EC2_LIGHT" ]; then
  mount -t tmpfs -o mode=755 none /run
  mkdir /run/sshd
  export TMPDIR=/run
fi
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
trap 'exit 130' INT TERM

start_aws() {
  local setting
  mkdir "$scratch/cloud"
  start_server cloud env PYTHONPATH="$TOEHOLD_SOURCE/tests/support" PYTHONDONTWRITEBYTECODE=1 \
    "$aws_python" -m local_ec2 "$scratch/cloud" "$scratch/.cloud.port"
  aws_host=172.31.0.1
  [ -z "$LOCAL_EC2_LIGHT" ] || aws_host=127.0.0.1
  export no_proxy=127.0.0.1,$aws_host
}
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"
. "$scratch/cloud/facts"
unset AWS_EC2_METADATA_SERVICE_ENDPOINT
export AWS_EC2_METADATA_DISABLED=true TOEHOLD_HOME=$scratch/toehold

boto() {
  AWS_ENDPOINT_URL=$aws_url AWS_ACCESS_KEY_ID=$onlooker "$aws_python" -c "
import boto3, json, sys, time
def client(name, region='us-east-1', **more): return boto3.client(name, region_name=region, **more)
ec2, ssm, s3, sts, iam = map(client, ('ec2', 'ssm', 's3', 'sts', 'iam'))
def wait(seconds, function):
    end = time.monotonic() + seconds * $patience
    while not (answer := function()):
        if time.monotonic() > end: sys.exit('not within the time: ' + repr(answer))
        time.sleep(0.02)
    return answer
$1" "${@:2}"
}
# cloud_ask PATH [JSON]: one request of local_ec2/control.py; its answer as lines
cloud_ask() {
  "$aws_python" -c '
import json, sys, urllib.error, urllib.request
url, *body = sys.argv[1:]
try:
    with urllib.request.urlopen(url, body[0].encode() if body else None) as answer:
        told = json.load(answer)
except urllib.error.HTTPError as failure:
    sys.exit(failure.read().decode())
for item in told if isinstance(told, list) else [told] if told is not None else []:
    print(" ".join(map(str, item)) if isinstance(item, list) else item if isinstance(item, str) else json.dumps(item))
' "$aws_url/local-ec2/$1" "${@:2}"
}
# A cloud that does not tell is not one that has nothing.
left() { cloud_ask left || echo "unknown: the cloud did not tell"; }
has_nothing_left() { [ -z "$(left)" ]; }
expect_nothing_left() {
  local deadline=$((SECONDS + 5 * patience))
  until has_nothing_left; do
    [ "$SECONDS" -lt "$deadline" ] || fail "left behind:"$'\n'"$(left)"
    sleep 0.05
  done
}
cloud_faults() { cloud_ask faults "$1"; }
cloud_log() { cloud_ask calls; }
cloud_calls() { cloud_log | "$aws_python" -c '
import json, sys
for line in sys.stdin:
    call = json.loads(line)
    print(call["service"] + ":" + call["operation"])'; }
# The staging folder of a build is s3://$bucket/builds there.
policy_of_calls() {
  "$aws_python" "$TOEHOLD_SOURCE/tests/support/ec2_policy.py" "$scratch/cloud/calls.jsonl" "$AWS_ACCESS_KEY_ID" "$@"
}
expect_calls_made() { policy_of_calls "$@" || fail "calls are missing"; }
expect_calls_allowed() {
  policy_of_calls "${POLICY:-$TOEHOLD_SOURCE/docs/iam-policy-of-ec2-builds.md}" \
    "$TOEHOLD_SOURCE/docs/how-to/distribute-an-image.md" STAGING-BUCKET="$bucket" PREFIX=builds \
    BUILD-ROLE="$instance_profile" 111122223333="$aws_account" "$@" || fail "the calls and the policy differ"
}
cloud_settings() { cloud_ask settings "$1"; }
advance_timers() { cloud_ask advance "{\"seconds\": $1, \"instance\": \"${2:-}\"}"; }
timers() { cloud_ask "instance/$1/timers"; }
spot_notice() { cloud_ask "instance/$1/spot-notice" "{\"seconds\": $2}" >/dev/null; }
instance_crash() { cloud_ask "instance/$1/crash" >/dev/null; }
# instance_pid ID: of its first process
instance_pid() { cloud_ask "instance/$1/show" | "$aws_python" -c 'import json, sys; print(json.load(sys.stdin)["pid"])'; }
instance_root() { echo "/proc/$(instance_pid "$1")/root"; }
instance_console() { cat "$scratch/cloud/$1/console"; }
instance_do() {
  local pid
  pid=$(instance_pid "$1")
  nsenter --target "$pid" --mount --uts --ipc --net --pid --root --wdns=/ "${@:2}"
}
instance_state() {
  aws ec2 describe-instances --instance-ids "$1" --query 'Reservations[].Instances[].State.Name' --output text
}
wait_for_state() { boto 'wait(float(sys.argv[3]), lambda: [i for r in ec2.describe_instances(InstanceIds=[sys.argv[1]])["Reservations"] for i in r["Instances"] if i["State"]["Name"] == sys.argv[2]])' "$1" "$2" "${3:-20}"; }
