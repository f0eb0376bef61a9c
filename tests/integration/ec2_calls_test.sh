# Our calls of EC2 and STS against a local AWS: botocore makes the same forms of the same requests,
# and what was made is there for the AWS CLI as it was asked for.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"
: "${TOEHOLD_AWS_PROBE:?}"

# The forms are botocore's, for requests of every shape.
cat >forms.py <<'P'
import base64, json, subprocess, sys, urllib.parse
import botocore.serialize, botocore.session

def spec(kind, **tags):
    return {"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}

launch = {"image": "ami-1", "type": "c7i.large", "subnet": "subnet-1", "groups": ["sg-1", "sg-2"],
          "token": "t", "instance_profile": "builder", "user_data": "#!/bin/sh\necho 'ä&=+'\n",
          "device": "/dev/xvda", "size": 20, "encrypted": True, "http_tokens": "required",
          "hop_limit": 2, "instance_tags": False, "key": "k", "zone": "us-east-1a",
          "tenancy": "default", "tags": {"Name": "a b/c", "x:y": ""}}
tags = {"Name": "a b/c", "x:y": ""}
launched = {
    "ImageId": "ami-1", "InstanceType": "c7i.large", "MinCount": 1, "MaxCount": 1,
    "ClientToken": "t", "IamInstanceProfile": {"Name": "builder"}, "KeyName": "k",
    "UserData": base64.b64encode(launch["user_data"].encode()).decode(),
    "BlockDeviceMappings": [
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3",
                                            "Encrypted": True, "DeleteOnTermination": True}},
        {"DeviceName": "/dev/sdz", "NoDevice": ""}],
    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2,
                        "InstanceMetadataTags": "disabled"},
    "InstanceInitiatedShutdownBehavior": "terminate",
    "Placement": {"AvailabilityZone": "us-east-1a", "Tenancy": "default"},
}
kinds = ["instance", "volume", "network-interface"]
cases = [
    ({"call": "run_instance", **launch}, "RunInstances",
     {**launched, "SubnetId": "subnet-1", "SecurityGroupIds": ["sg-1", "sg-2"],
      "TagSpecifications": [spec(kind, **tags) for kind in kinds]}),
    ({"call": "try_run_instance", **launch, "spot": True, "public": False}, "RunInstances",
     {**launched, "DryRun": True,
      "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": "subnet-1", "Groups": ["sg-1", "sg-2"],
                             "AssociatePublicIpAddress": False, "DeleteOnTermination": True}],
      "InstanceMarketOptions": {"MarketType": "spot",
                                "SpotOptions": {"SpotInstanceType": "one-time",
                                                "InstanceInterruptionBehavior": "terminate"}},
      "TagSpecifications": [spec(kind, **tags) for kind in [*kinds, "spot-instances-request"]]}),
    ({"call": "describe_instances", "ids": ["i-1", "i-2"]}, "DescribeInstances",
     {"InstanceIds": ["i-1", "i-2"]}),
    ({"call": "find_instances", "tags": {"a": "*"}}, "DescribeInstances",
     {"Filters": [{"Name": "tag:a", "Values": ["*"]}], "MaxResults": 500}),
    ({"call": "find_images", "owners": ["self", "amazon"], "names": ["a*", "b"]}, "DescribeImages",
     {"Owners": ["self", "amazon"], "IncludeDeprecated": True, "MaxResults": 500,
      "Filters": [{"Name": "name", "Values": ["a*", "b"]}, {"Name": "state", "Values": ["available"]}]}),
    ({"call": "create_image", "instance": "i-1", "name": "n", "description": "d", "tags": {"a": "1"},
      "snapshot_tags": {"b": "2"}}, "CreateImage",
     {"InstanceId": "i-1", "Name": "n", "Description": "d", "NoReboot": False,
      "TagSpecifications": [spec("image", a="1"), spec("snapshot", b="2")]}),
    ({"call": "copy_image", "from": "us-west-2", "image": "ami-1", "name": "n", "token": "t",
      "encrypted": True, "key": "alias/k", "tags": {"a": "1"}}, "CopyImage",
     {"SourceRegion": "us-west-2", "SourceImageId": "ami-1", "Name": "n", "ClientToken": "t",
      "Encrypted": True, "KmsKeyId": "alias/k", "TagSpecifications": [spec("image", a="1")]}),
    ({"call": "modify_launch_permission", "image": "ami-1",
      "add": {"users": ["1"], "organizations": ["o"], "units": ["u"]}, "remove": {"groups": ["all"]}},
     "ModifyImageAttribute",
     {"ImageId": "ami-1", "LaunchPermission": {
         "Add": [{"UserId": "1"}, {"OrganizationArn": "o"}, {"OrganizationalUnitArn": "u"}],
         "Remove": [{"Group": "all"}]}}),
    ({"call": "deprecate", "image": "ami-1", "at": 1827205260000}, "EnableImageDeprecation",
     {"ImageId": "ami-1", "DeprecateAt": "2027-11-26T05:01:00Z"}),
    ({"call": "authorize_ingress", "group": "sg-1", "cidr": "192.0.2.0/24", "description": "d",
      "tags": {"a": "1"}}, "AuthorizeSecurityGroupIngress",
     {"GroupId": "sg-1", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
                                            "IpRanges": [{"CidrIp": "192.0.2.0/24", "Description": "d"}]}],
      "TagSpecifications": [spec("security-group-rule", a="1")]}),
    ({"call": "authorize_ingress", "group": "sg-1", "cidr": "2001:db8::/32"},
     "AuthorizeSecurityGroupIngress",
     {"GroupId": "sg-1", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
                                            "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}]}]}),
    ({"call": "create_security_group", "name": "g", "vpc": "vpc-1", "tags": {"a": "1"}},
     "CreateSecurityGroup",
     {"GroupName": "g", "Description": "for a build", "VpcId": "vpc-1",
      "TagSpecifications": [spec("security-group", a="1")]}),
    ({"call": "import_key_pair", "name": "k", "public": "ssh-ed25519 AAAA", "tags": {"a": "1"}},
     "ImportKeyPair",
     {"KeyName": "k", "PublicKeyMaterial": b"ssh-ed25519 AAAA",
      "TagSpecifications": [spec("key-pair", a="1")]}),
    ({"call": "describe_instance_types", "types": ["c7i.large"]}, "DescribeInstanceTypes",
     {"InstanceTypes": ["c7i.large"]}),
    ({"call": "find_type_offerings", "types": ["c7i.large"]}, "DescribeInstanceTypeOfferings",
     {"LocationType": "availability-zone", "MaxResults": 500,
      "Filters": [{"Name": "instance-type", "Values": ["c7i.large"]}]}),
    ({"call": "create_launch_template_version", "template": "lt-1", "source": "$Latest",
      "image": "ami-1", "description": "d", "token": "t"}, "CreateLaunchTemplateVersion",
     {"LaunchTemplateId": "lt-1", "SourceVersion": "$Latest", "VersionDescription": "d",
      "ClientToken": "t", "LaunchTemplateData": {"ImageId": "ami-1"}}),
    ({"call": "set_default_version", "template": "lt-1", "version": 4}, "ModifyLaunchTemplate",
     {"LaunchTemplateId": "lt-1", "DefaultVersion": "4"}),
    ({"call": "create_tags", "ids": ["ami-1", "snap-1"], "tags": {"a": "1", "b": ""}}, "CreateTags",
     {"Resources": ["ami-1", "snap-1"], "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]}),
]
model = botocore.session.get_session().get_service_model("ec2")
serializer = botocore.serialize.create_serializer("ec2", include_validation=False)
questions = "".join(json.dumps({"op": "ec2", "record": True, **case[0]}) + "\n" for case in cases)
answers = subprocess.run([sys.argv[1]], input=questions, text=True, capture_output=True, check=True)
wrong = 0
for (question, operation, parameters), line in zip(cases, answers.stdout.splitlines(), strict=True):
    theirs = serializer.serialize_to_request(parameters, model.operation_model(operation))["body"]
    theirs = {k: str(v) for k, v in theirs.items()}
    form = json.loads(line).get("form", "")
    ours = dict(urllib.parse.parse_qsl(form, keep_blank_values=True, strict_parsing=True))
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            wrong += 1
            print(f"{question['call']}: {name}: {ours.get(name)!r}, botocore: {theirs.get(name)!r}; {line[:300]}")
print(len(cases), "forms compared")
sys.exit(wrong > 0)
P
"$aws_python" forms.py "$TOEHOLD_AWS_PROBE" >forms.out 2>&1 || fail "$(cat forms.out)"

# ask JSON: $answer to one call; value: its value
ask() { answer=$(printf '{"op": "ec2", %s}\n' "$1" | "$TOEHOLD_AWS_PROBE"); }
value() {
  python3 -c 'import json, sys
answer = json.loads(sys.argv[1])
for key in ["value", *sys.argv[2:]]:
    answer = answer[int(key) if key.isdigit() else key]
print(answer)' "$answer" "$@" || fail "no value in: $answer"
}

# A network, a key and a security group.
ask '"call": "default_vpc"'
vpc=$(value)
expect_equal "$vpc" "$(aws ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId' --output text)"
ask '"call": "find_subnets"'
subnet=$(value 0)
expect_contains "$(aws ec2 describe-subnets --query 'Subnets[].SubnetId' --output text)" "$subnet"
ssh-keygen -q -t ed25519 -N '' -f key
ask "\"call\": \"import_key_pair\", \"name\": \"k\", \"public\": \"$(cut -d' ' -f1,2 key.pub)\", \"tags\": {\"a\": \"1\"}"
key=$(value)
expect_equal "$(aws ec2 describe-key-pairs --key-pair-ids "$key" --query 'KeyPairs[0].[KeyName,Tags[0].Value]' --output text)" $'k\t1'
ask "\"call\": \"import_key_pair\", \"name\": \"k\", \"public\": \"$(cut -d' ' -f1,2 key.pub)\""
expect_contains "$answer" '"kinds":["duplicate"]'
ask "\"call\": \"create_security_group\", \"name\": \"g\", \"vpc\": \"$vpc\", \"tags\": {\"a\": \"1\"}"
group=$(value)
for _ in 1 2; do  # the second time it is there already
  ask "\"call\": \"authorize_ingress\", \"group\": \"$group\", \"cidr\": \"192.0.2.1/32\""
  expect_equal "$(value)" "done"
done
expect_equal "$(aws ec2 describe-security-groups --group-ids "$group" \
  --query 'SecurityGroups[0].IpPermissions[].[FromPort,ToPort,IpRanges[0].CidrIp]' --output text)" $'22\t22\t192.0.2.1/32'
ask "\"call\": \"create_security_group\", \"name\": \"g\", \"vpc\": \"$vpc\""
expect_contains "$answer" '"kinds":["duplicate"]'
ask '"call": "describe_instance_types", "types": ["m7g.large"]'
expect_equal "$(value 0 0)" arm64
ask '"call": "find_type_offerings", "types": ["m5.large"]'
expect_contains "$(value)" us-east-1a

# An instance, and an image of it in two regions.
base=$(aws ec2 register-image --name base --architecture x86_64 --root-device-name /dev/xvda --query ImageId --output text)
aws iam create-instance-profile --instance-profile-name builder >/dev/null
launch="\"image\": \"$base\", \"type\": \"t3.micro\", \"subnet\": \"$subnet\", \"groups\": [\"$group\"], \"token\": \"t1\",
  \"instance_profile\": \"builder\", \"user_data\": \"#cloud-config\\n\", \"device\": \"/dev/xvda\", \"size\": 12, \"key\": \"k\",
  \"tags\": {\"Name\": \"web & co\", \"part\": \"build\"}"
ask "\"call\": \"try_run_instance\", ${launch//$'\n'/}"
expect_equal "$(value)" "done"
expect_equal "$(aws ec2 describe-instances --query 'length(Reservations)')" 0
ask "\"call\": \"run_instance\", ${launch//$'\n'/}"
instance=$(value id)
expect_equal "$(value type)" t3.micro
expect_equal "$(aws ec2 describe-instances --instance-ids "$instance" --query \
  'Reservations[0].Instances[0].[ImageId,InstanceType,KeyName,SubnetId,SecurityGroups[0].GroupId,Tags[?Key==`Name`].Value|[0]]' \
  --output text)" "$base"$'\tt3.micro\tk\t'"$subnet"$'\t'"$group"$'\tweb & co'
expect_equal "$(aws ec2 describe-instance-attribute --instance-id "$instance" --attribute userData --query UserData.Value --output text)" \
  "$(printf '#cloud-config\n' | base64)"
expect_equal "$(aws ec2 describe-instance-attribute --instance-id "$instance" --attribute instanceInitiatedShutdownBehavior \
  --query InstanceInitiatedShutdownBehavior.Value --output text)" terminate
ask "\"call\": \"describe_instances\", \"ids\": [\"$instance\", \"i-00000000000000000\"]"
expect_equal "$(value 0 state)" running
expect_equal "$(value 0 tags part)" build
ask '"call": "find_instances", "tags": {"part": "build"}'
expect_equal "$(value 0 id)" "$instance"
ask "\"call\": \"console_output\", \"id\": \"$instance\""
expect_contains "$answer" '"value":"Linux version'
ask "\"call\": \"stop_instances\", \"ids\": [\"$instance\"]"
expect_equal "$(aws ec2 describe-instances --instance-ids "$instance" --query 'Reservations[0].Instances[0].State.Name' --output text)" stopped

ask "\"call\": \"create_image\", \"instance\": \"$instance\", \"name\": \"web 1\", \"description\": \"d\", \"tags\": {\"a\": \"1\"}"
image=$(value)
ask "\"call\": \"describe_images\", \"ids\": [\"$image\"]"
expect_equal "$(value 0 name)" "web 1"
expect_equal "$(value 0 tags a)" 1
snapshot=$(value 0 snapshots 0)
expect_equal "$snapshot" "$(aws ec2 describe-images --image-ids "$image" --query 'Images[0].BlockDeviceMappings[0].Ebs.SnapshotId' --output text)"
ask "\"call\": \"describe_snapshots\", \"ids\": [\"$snapshot\"]"
expect_equal "$(value 0 state) $(value 0 progress)" "completed 100"
ask '"call": "find_images", "owners": ["self"], "names": ["web*"]'
expect_equal "$(value 0 id)" "$image"
ask "\"call\": \"copy_image\", \"region\": \"eu-west-1\", \"from\": \"us-east-1\", \"image\": \"$image\", \"name\": \"web 1\", \"token\": \"t\""
copy=$(value)
expect_equal "$(aws --region eu-west-1 ec2 describe-images --image-ids "$copy" --query 'Images[0].Name' --output text)" "web 1"
ask "\"call\": \"create_tags\", \"ids\": [\"$image\", \"$snapshot\"], \"tags\": {\"b\": \"3\"}"
expect_equal "$(aws ec2 describe-tags --filters Name=key,Values=b --query 'Tags[].Value' --output text)" $'3\t3'

# Who may launch it.
ask "\"call\": \"modify_launch_permission\", \"image\": \"$image\", \"add\": {\"users\": [\"111122223333\", \"444455556666\"], \"organizations\": [\"arn:aws:organizations::111122223333:organization/o-1\"]}"
ask "\"call\": \"modify_launch_permission\", \"image\": \"$image\", \"remove\": {\"users\": [\"444455556666\"]}"
ask "\"call\": \"launch_permission\", \"image\": \"$image\""
expect_equal "$(value users) $(value organizations)" "['111122223333'] ['arn:aws:organizations::111122223333:organization/o-1']"
expect_equal "$(aws ec2 describe-image-attribute --image-id "$image" --attribute launchPermission --query 'LaunchPermissions[0].UserId' --output text)" 111122223333

# A launch template's new version.
template=$(aws ec2 create-launch-template --launch-template-name web --launch-template-data "ImageId=$base" --query LaunchTemplate.LaunchTemplateId --output text)
ask "\"call\": \"create_launch_template_version\", \"template\": \"$template\", \"source\": \"1\", \"image\": \"$image\", \"token\": \"t\""
version=$(value)
ask "\"call\": \"set_default_version\", \"template\": \"$template\", \"version\": $version"
expect_equal "$(aws ec2 describe-launch-template-versions --launch-template-id "$template" --versions '$Default' \
  --query 'LaunchTemplateVersions[0].[VersionNumber,LaunchTemplateData.ImageId]' --output text)" "2"$'\t'"$image"

# Another account, through a role of it.
ask '"call": "caller_account"'
expect_equal "$(value)" "$aws_account"
ask '"call": "caller_account", "role": "arn:aws:iam::111122223333:role/Distribution"'
expect_equal "$(value)" 111122223333

# Everything goes again, and what is gone is said to be.
ask "\"call\": \"delete_snapshot\", \"snapshot\": \"$snapshot\""
expect_contains "$answer" '"kinds":["in_use"]'
ask "\"call\": \"terminate_instances\", \"ids\": [\"$instance\"]"
ask "\"call\": \"deregister_image\", \"image\": \"$image\""
ask "\"call\": \"delete_snapshot\", \"snapshot\": \"$snapshot\""
ask "\"call\": \"delete_security_group\", \"group\": \"$group\""
expect_equal "$(value)" "done"
ask "\"call\": \"delete_key_pair\", \"id\": \"$key\""
ask "\"call\": \"delete_key_pair\", \"id\": \"$key\""
expect_equal "$(value)" "done"
expect_equal "$(aws ec2 describe-instances --instance-ids "$instance" --query 'Reservations[0].Instances[0].State.Name' --output text)" terminated
for gone in "\"deregister_image\", \"image\": \"ami-00000000000000000\"" "\"delete_snapshot\", \"snapshot\": \"$snapshot\"" \
  "\"describe_images\", \"ids\": [\"ami-00000000000000000\"]"; do
  ask "\"call\": $gone"
  expect_contains "$answer" '"kinds":["not_found"]'
done
