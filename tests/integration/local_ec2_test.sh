# The local cloud of ec2.sh is what the tests of the target ec2 take it for: its instances are machines
# that do what they are told, its images hold what was written, its faults and refusals are EC2's.
. "$(dirname "$0")/ec2.sh"
ssh-keygen -q -t ed25519 -N '' -f key
ssh-keygen -q -t ed25519 -N '' -C '' -f host
cat >lib.py <<'P'
import boto3, botocore.exceptions, json, os, subprocess, sys, time, urllib.error, urllib.request

def client(name, region="us-east-1", **more):
    return boto3.client(name, region_name=region, config=boto3.session.Config(retries={"total_max_attempts": 1}), **more)

ec2, ssm, s3, sts = map(client, ("ec2", "ssm", "s3", "sts"))
base, profile, subnet = (os.environ[name] for name in ("base_ami", "instance_profile", "subnet"))

def wait(what, seconds=15):
    end = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < end, "not within the time"
        time.sleep(0.02)
    return answer

def refused(code, call, **words):
    try:
        call(**words)
    except botocore.exceptions.ClientError as failure:
        assert failure.response["Error"]["Code"] == code, failure
        return failure
    raise AssertionError(f"no {code}")

def launch(**words):
    words = {"ImageId": base, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet,
             "IamInstanceProfile": {"Name": profile}, **words}
    return ec2.run_instances(**words)["Instances"][0]["InstanceId"]

def instance(id):
    return ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]

def state(id, *names):
    return wait(lambda: instance(id)["State"]["Name"] in names)

def online(id):
    def ask():
        found = ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [id]}])
        return [item for item in found["InstanceInformationList"] if item["PingStatus"] == "Online"]
    wait(ask)

def send(id, *commands, **parameters):
    sent = ssm.send_command(InstanceIds=[id], DocumentName="AWS-RunShellScript",
                            Parameters={"commands": list(commands), **parameters})
    return sent["Command"]["CommandId"]

def ended(id, command):
    def ask():
        answer = ssm.get_command_invocation(InstanceId=id, CommandId=command)
        return answer if answer["Status"] not in ("Pending", "InProgress", "Cancelling") else None
    return wait(ask)

def run(id, *commands, **parameters):
    online(id)
    return ended(id, send(id, *commands, **parameters))

def image(id, *names):
    return wait(lambda: [item for item in ec2.describe_images(ImageIds=[id])["Images"] if item["State"] in names])[0]

def control(path, words=None):
    body = None if words is None else json.dumps(words).encode()
    with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/local-ec2/" + path, body) as answer:
        return json.load(answer)
P
export base_ami instance_profile subnet bucket
# check NAME [WORD...]: a part of the test, in Python, with lib.py at hand
check() {
  local name=$1
  shift
  PYTHONPATH=$scratch "$aws_python" -c "from lib import *
$(cat)" "$@" >"$name.out" 2>&1 || fail "$name: $(tail -20 "$name.out")"$'\n'"$(grep -v '" 200 -' "$scratch/.cloud.log" | tail -20)"
}

# A machine that runs what Run Command sends it, as root, in a root of its own.
check launch <<'P'
id = launch()
state(id, "running")
answer = run(id, "id -u", "echo here >/root/made", "exit 3")
assert (answer["Status"], answer["ResponseCode"]) == ("Failed", 3), answer
assert answer["StandardOutputContent"] == "0\n", answer
assert not os.path.exists("/root/made")
answer = run(id, "yes 123456789 | head -c 100000; yes e | head -c 100000 >&2")
assert len(answer["StandardOutputContent"]) == 24000 and len(answer["StandardErrorContent"]) == 8000
slow = send(id, "sleep 60")
assert ssm.get_command_invocation(InstanceId=id, CommandId=slow)["ResponseCode"] == -1
time.sleep(0.1)
ssm.cancel_command(CommandId=slow)
assert ended(id, slow)["Status"] == "Cancelled"
assert run(id, "sleep 60", executionTimeout=["0.1"])["Status"] == "TimedOut"
# It is the root that stays over a reboot, and the boot id that does not.
before = run(id, "cat /proc/sys/kernel/random/boot_id")["StandardOutputContent"]
cut = send(id, "sleep 60")
wait(lambda: ssm.get_command_invocation(InstanceId=id, CommandId=cut)["Status"] == "InProgress")
run(id, "systemctl reboot")
assert ended(id, cut)["Status"] == "Failed"
answer = run(id, "cat /proc/sys/kernel/random/boot_id /root/made")
after, made = answer["StandardOutputContent"].split()
assert made == "here" and after != before.strip(), answer
print(id)
P
id=$(tail -1 launch.out)
[ ! -e /root/made ] || fail "the instance wrote to this machine"
instance_do "$id" cat /root/made >made
expect_equal "$(cat made)" here
expect_contains "$(instance_console "$id")" "shutting down"
[ -e "$(instance_root "$id")/root/made" ] || fail "instance_root leads elsewhere"

# SSH with the imported key, and with the host key that the user data brought.
check ssh_launch "$id" <<'P'
ec2.import_key_pair(KeyName="key", PublicKeyMaterial=open("key.pub", "rb").read())
refused("InvalidKeyPair.Duplicate", ec2.import_key_pair, KeyName="key", PublicKeyMaterial=open("key.pub", "rb").read())
private = "".join("    " + line for line in open("host"))
data = f"""#cloud-config
ssh_deletekeys: true
ssh_keys:
  ed25519_private: |
{private}  ed25519_public: {open("host.pub").read()}
bootcmd:
  - [systemd-run, --on-active=1h, --unit=lease, sh, -c, "echo over >/root/lease; systemctl poweroff"]
runcmd:
  - echo $((1 + 1)) >/root/ran
"""
id = launch(KeyName="key", UserData=data, InstanceInitiatedShutdownBehavior="terminate", ClientToken="one")
assert launch(KeyName="key", UserData=data, InstanceInitiatedShutdownBehavior="terminate", ClientToken="one") == id
refused("IdempotentParameterMismatch", launch, ClientToken="one")
online(id)
print(id, instance(id)["PublicIpAddress"])
P
read -r ssh_id address <ssh_launch.out
echo "$address $(cut -d' ' -f1,2 host.pub)" >known_hosts
enter() { ssh -F none -i key -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$scratch/known_hosts" "$@" </dev/null; }
is_listening() { enter "root@$address" true 2>/dev/null; }
wait_until 10 is_listening  # its SSM agent may be there before sshd is
expect_equal "$(enter "root@$address" 'cat /root/ran; hostname')" "2"$'\n'"ip-${address//./-}"
expect_equal "$(enter "$ssh_user@$address" sudo id -u)" 0
echo "$address $(cut -d' ' -f1,2 key.pub)" >known_hosts
if enter "root@$address" true 2>/dev/null; then fail "sshd has not the host key of the user data"; fi
# The timer of bootcmd is there, fires when its time has come, and the instance is no more.
expect_contains "$(timers "$ssh_id")" "lease.timer sh -c"
expect_contains "$(instance_do "$ssh_id" systemctl list-timers)" lease.timer
advance_timers 3500 "$ssh_id"
expect_equal "$(instance_state "$ssh_id")" running
advance_timers 100 "$ssh_id"
check terminated "$ssh_id" <<'P'
state(sys.argv[1], "terminated")
assert instance(sys.argv[1])["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
P

# An image holds what the instance had, wherever it is started or copied to.
check image "$id" <<'P'
id, central = sys.argv[1], client("ec2", "eu-central-1")
run(id, "rm -r /usr/share/doc")
ec2.stop_instances(InstanceIds=[id])
state(id, "stopped")
specifications = [{"ResourceType": kind, "Tags": [{"Key": "of", "Value": kind}]} for kind in ("image", "snapshot")]
control("settings", {"image_pending_for": 100})
made = ec2.create_image(InstanceId=id, Name="made", TagSpecifications=specifications)["ImageId"]
assert ec2.describe_images(ImageIds=[made])["Images"][0]["State"] == "pending"
refused("InvalidAMIID.Unavailable", launch, ImageId=made)
control("settings", {"image_pending_for": 0})
found = image(made, "available")
snapshot = found["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
described = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
assert (described["State"], described["Progress"]) == ("completed", "100%"), described
assert found["Tags"] == [{"Key": "of", "Value": "image"}] and described["Tags"] == [{"Key": "of", "Value": "snapshot"}]
refused("InvalidAMIName.Duplicate", ec2.create_image, InstanceId=id, Name="made")
ec2.terminate_instances(InstanceIds=[id])
copied = central.copy_image(Name="copied", SourceImageId=made, SourceRegion="us-east-1", Encrypted=True)["ImageId"]
wait(lambda: central.describe_images(ImageIds=[copied])["Images"][0]["State"] == "available")
assert central.describe_images(ImageIds=[copied])["Images"][0]["BlockDeviceMappings"][0]["Ebs"]["Encrypted"]
second = launch(ImageId=made)
there = central.run_instances(ImageId=copied, MinCount=1, MaxCount=1, InstanceType="t3.micro")["Instances"][0]["InstanceId"]
answer = run(second, "cat /root/made; ls -d /usr/share/doc")
assert answer["StandardOutputContent"] == "here\n" and "No such file" in answer["StandardErrorContent"], answer
# Deprecation, protection and disabling show, and end.
ec2.enable_image_deprecation(ImageId=made, DeprecateAt="2031-01-01T00:00:00Z")
ec2.enable_image_deregistration_protection(ImageId=made)
found = image(made, "available")
assert found["DeprecationTime"].startswith("2031-01-01T00:00:00") and "enabled" in found["DeregistrationProtection"], found
refused("OperationNotPermitted", ec2.deregister_image, ImageId=made)
ec2.disable_image_deregistration_protection(ImageId=made)
central.terminate_instances(InstanceIds=[there])
ec2.terminate_instances(InstanceIds=[second])
central.deregister_image(ImageId=copied)
ec2.deregister_image(ImageId=made)
refused("InvalidAMIID.Unavailable", ec2.deregister_image, ImageId=made)
for where in (ec2, central):
    for item in where.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
        if "Ami" in item["Description"] or "CreateImage" in item["Description"]:
            where.delete_snapshot(SnapshotId=item["SnapshotId"])
P

# Faults: no capacity twice, a lost answer, an id that is not known yet, an image that fails.
check faults <<'P'
boot = {"operation": "Boot", "match": {"InstanceType": "m7i"}, "code": "Client.InternalError"}
control("faults", [{"operation": "RunInstances", "match": {"InstanceType": "^c7i"}, "times": 2,
                    "code": "InsufficientInstanceCapacity"},
                   {"operation": "RunInstances", "match": {"ClientToken": "^lost$"}, "effect": "lost"},
                   {"effect": "not-found-window", "seconds": 100}, boot])
for _ in range(2):
    refused("InsufficientInstanceCapacity", launch, InstanceType="c7i.large")
try:
    launch(ClientToken="lost")
    raise AssertionError("an answer came")
except botocore.exceptions.ConnectionClosedError:
    pass
lost = launch(ClientToken="lost")
assert len(control("calls")) == 4, control("calls")
id = launch(InstanceType="c7i.large")
refused("InvalidInstanceID.NotFound", ec2.describe_instances, InstanceIds=[id])
broken = launch(InstanceType="m7i.large")
control("faults", [{"effect": "not-found-window", "seconds": 0.01}, boot])
time.sleep(0.01)
state(id, "running")
state(broken, "terminated")
assert instance(broken)["StateReason"]["Code"] == "Client.InternalError"
running = [i["InstanceId"] for r in ec2.describe_instances()["Reservations"] for i in r["Instances"] if i["State"]["Name"] in ("pending", "running")]
assert sorted(running) == sorted([lost, id]), running
control("faults", [])
ec2.terminate_instances(InstanceIds=running)
P

# What S3 refuses: another key than the policy's, a policy or a URL whose time is over, a wrong signature.
check policy <<'P'
def post(key, form):
    boundary, lines = "x1y2", []
    for name, value in {**form["fields"], "key": key}.items():
        lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n')
    lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="file"\r\n\r\nbytes\r\n--{boundary}--\r\n')
    request = urllib.request.Request(form["url"], "".join(lines).encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as failure:
        return failure.code
bucket = os.environ["bucket"]
signed = boto3.client("s3", config=boto3.session.Config(signature_version="s3v4", s3={"addressing_style": "path"}))
form = signed.generate_presigned_post(bucket, "run/${filename}", Conditions=[["starts-with", "$key", "run/"]], ExpiresIn=60)
assert post("run/1", form) == 204
assert s3.get_object(Bucket=bucket, Key="run/1")["Body"].read() == b"bytes"
assert post("other/1", form) == 403
bad = {**form, "fields": {**form["fields"], "x-amz-signature": "0" * 64}}
assert post("run/2", bad) == 403
over = signed.generate_presigned_post(bucket, "run/${filename}", Conditions=[["starts-with", "$key", "run/"]], ExpiresIn=-1)
assert post("run/2", over) == 403
url = signed.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "run/1"}, ExpiresIn=100)
assert urllib.request.urlopen(url).read() == b"bytes"
for wrong, status in ((url.replace("run/1", "run/2"), 403), (url.replace("Expires=100", "Expires=900"), 403)):
    try:
        urllib.request.urlopen(wrong)
        raise AssertionError("not refused")
    except urllib.error.HTTPError as failure:
        assert failure.code == status and b"SignatureDoesNotMatch" in failure.read()
s3.delete_object(Bucket=bucket, Key="run/1")
P

# Other ends: what it asks for itself when that means a stop, a crash; started again, it is as it was.
check ends <<'P'
group = ec2.create_security_group(GroupName="group", Description="of the test")["GroupId"]
id = launch(SecurityGroupIds=[group])
run(id, "echo kept >/srv/kept; shutdown -P +5")
control("advance", {"seconds": 200, "instance": id})
assert instance(id)["State"]["Name"] == "running"
control("advance", {"seconds": 100, "instance": id})
state(id, "stopped")
assert instance(id)["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
refused("IncorrectInstanceState", ec2.reboot_instances, InstanceIds=[id])
ec2.start_instances(InstanceIds=[id])
state(id, "running")
assert run(id, "cat /srv/kept")["StandardOutputContent"] == "kept\n"
control(f"instance/{id}/crash", {})
state(id, "stopped")
refused("DependencyViolation", ec2.delete_security_group, GroupId=group)
ec2.terminate_instances(InstanceIds=[id])
state(id, "terminated")
ec2.delete_security_group(GroupId=group)
P

# Another account sees an image that is shared with it, and tags it for itself.
check accounts <<'P'
id = launch()
state(id, "running")
shared = ec2.create_image(InstanceId=id, Name="shared", NoReboot=True)["ImageId"]
image(shared, "available")
role = sts.assume_role(RoleArn="arn:aws:iam::222222222222:role/Other", RoleSessionName="test")["Credentials"]
theirs = client("ec2", aws_access_key_id=role["AccessKeyId"], aws_secret_access_key=role["SecretAccessKey"],
                aws_session_token=role["SessionToken"])
refused("InvalidAMIID.NotFound", theirs.describe_images, ImageIds=[shared])
ec2.modify_image_attribute(ImageId=shared, LaunchPermission={"Add": [{"UserId": "222222222222"}]})
theirs.create_tags(Resources=[shared], Tags=[{"Key": "seen", "Value": "yes"}])
seen = theirs.describe_images(ImageIds=[shared])["Images"][0]
assert seen["OwnerId"] == "123456789012" and seen["Tags"] == [{"Key": "seen", "Value": "yes"}], seen
assert not ec2.describe_images(ImageIds=[shared])["Images"][0].get("Tags")
refused("AuthFailure", theirs.deregister_image, ImageId=shared)
ec2.deregister_image(ImageId=shared, DeleteAssociatedSnapshots=True)
ec2.terminate_instances(InstanceIds=[id])
P

# A spot instance learns of its end from the metadata service, and nobody else does.
check spot <<'P'
id = launch(InstanceMarketOptions={"MarketType": "spot"}, MetadataOptions={"HttpTokens": "required"})
other = launch()
online(id), online(other)
refused("UnsupportedOperation", ec2.stop_instances, InstanceIds=[id])
control(f"instance/{id}/spot-notice", {"seconds": 100})
script = """t=$(curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
for path in meta-data/instance-id meta-data/spot/instance-action; do
  curl -sS -H "X-aws-ec2-metadata-token: $t" http://169.254.169.254/latest/$path; echo; done"""
answer = run(id, script)["StandardOutputContent"]
assert answer.startswith(id) and '"action": "terminate"' in answer, answer
assert "Not Found" in run(other, script)["StandardOutputContent"]
control(f"instance/{id}/spot-notice", {"seconds": 0})  # its time has come
state(id, "terminated")
assert instance(id)["StateReason"]["Code"] == "Server.SpotInstanceTermination"
ec2.terminate_instances(InstanceIds=[other])
ec2.delete_key_pair(KeyName="key")
P
expect_nothing_left
[ -z "$(ls /run/netns)" ] || fail "networks are left: $(ls /run/netns)"

# Without processes there are many of them at once, and commands get the answers of the test.
cat >light.sh <<'P'
LOCAL_EC2_LIGHT=1
. "$TOEHOLD_SOURCE/tests/integration/ec2.sh"
cloud_settings '{"answers": [{"match": "uname", "stdout": "Linux\n"}, {"code": 4, "stderr": "what?\n"}]}'
boto '
ids = [i["InstanceId"] for i in ec2.run_instances(ImageId=sys.argv[1], MinCount=25, MaxCount=25, InstanceType="t3.micro",
                                                  IamInstanceProfile={"Name": sys.argv[2]})["Instances"]]
wait(10, lambda: len(ssm.describe_instance_information()["InstanceInformationList"]) == 25)
for words, code in (("uname -s", 0), ("other", 4)):
    sent = ssm.send_command(InstanceIds=ids, DocumentName="AWS-RunShellScript", Parameters={"commands": [words]})
    told = lambda: ssm.list_command_invocations(CommandId=sent["Command"]["CommandId"], Details=True)["CommandInvocations"]
    answers = wait(10, lambda: all(item["Status"] in ("Success", "Failed") for item in told()) and told())
    assert [item["CommandPlugins"][0]["ResponseCode"] for item in answers] == [code] * 25, answers
ec2.terminate_instances(InstanceIds=ids)' "$base_ami" "$instance_profile"
expect_nothing_left
P
bash light.sh >light.out 2>&1 || fail "$(cat light.out)"
