# toehold distribute: an image goes to regions and accounts, only what is missing is done, what fails
# in one region keeps no other, and what was lost on the way is not made twice.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"

export TOEHOLD_HOME="$scratch/state"
other=210987654321
# boto TEXT: python with what the checks need; `ec2(region)` and `ssm(region)` of our account,
# `other(service, region)` of the other one.
boto() {
  AWS_ENDPOINT_URL=$aws_url "$aws_python" -c "
import boto3, json, sys
def ec2(region='us-east-1'): return boto3.client('ec2', region_name=region)
def ssm(region='us-east-1'): return boto3.client('ssm', region_name=region)
def other(service, region):
    taken = boto3.client('sts').assume_role(RoleArn='arn:aws:iam::$other:role/EC2ImageBuilderDistributionCrossAccountRole',
                                            RoleSessionName='test')['Credentials']
    return boto3.client(service, region_name=region, aws_access_key_id=taken['AccessKeyId'],
                        aws_secret_access_key=taken['SecretAccessKey'], aws_session_token=taken['SessionToken'])
def copies(client): return [i for i in client.describe_images(Owners=['self'])['Images']]
def tags(image): return {t['Key']: t['Value'] for t in image.get('Tags', [])}
$1"
}
# The image of a build: made of an instance, as the target ec2 does it.
image=$(boto '
e = ec2()
instance = e.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
made = e.create_image(InstanceId=instance, Name="web 1.0.0", Description="serves")["ImageId"]
e.create_tags(Resources=[made], Tags=[{"Key": k, "Value": v} for k, v in {
    "Name": "web 1.0.0", "team": "web", "toehold:build-id": "web-20261126-050102-3f2a91", "toehold:part": "image",
    "toehold:lease-until": "delivered"}.items()])
print(made)')
template=$(boto '
print(ec2("eu-west-1").create_launch_template(LaunchTemplateName="web",
      LaunchTemplateData={"ImageId": "ami-old", "InstanceType": "t3.micro"})["LaunchTemplate"]["LaunchTemplateId"])')
start_fault_proxy
echo 'schemaVersion: 1.0' >install.yaml

cat >web.yaml <<R
name: web
version: 1.2.3
components: [install.yaml]
distributions:
  - region: us-east-1
    amiDistributionConfiguration:
      amiTags: {stage: live}
      launchPermission: {userIds: [111122223333]}
    ssmParameterConfigurations: [{parameterName: /images/web}]
  - region: eu-west-1
    amiDistributionConfiguration:
      name: "{{ name }} {{ version }} {{ buildId }}"
      description: of {{ region }}
      amiTags: {stage: live, built: "{{ imagebuilder:buildVersion }}"}
      launchPermission: {userIds: [111122223333, 444455556666]}
    launchTemplateConfigurations: [{launchTemplateId: $template, setDefaultVersion: true}]
    ssmParameterConfigurations: [{parameterName: /images/web}, {parameterName: plain, dataType: text}]
  - region: us-west-2
    amiDistributionConfiguration: {targetAccountIds: ["$other"]}
    ssmParameterConfigurations: [{parameterName: /images/web, amiAccountId: "$other"}]
R
distribute() { "$TOEHOLD" distribute "$@"; }

# What it costs to look again: calls that change something are none of these.
changing() { aws_calls | grep -v ':Describe\|:Get\|:AssumeRole' || true; }
of_region() { "$aws_python" -c '
import json, sys
for call in map(json.loads, open(sys.argv[1])):
    if call["region"] == sys.argv[2]: print(call["service"] + ":" + call["operation"])' "$aws_log" "$1"; }


# --- all of it
faults '[]'
expect_exit 0 distribute "$image" --recipe web.yaml
expect_equal "$(awk '{print $1, $2, $4}' <<<"$out")" "us-east-1 $aws_account available
eu-west-1 $aws_account available
us-west-2 $aws_account available
us-west-2 $other available"
expect_contains "$err" "us-east-1  $image 1 tag, 1 launch permission, parameter /images/web"
expect_contains "$err" "$template version 2, $template default 2, parameter /images/web, parameter plain"
expect_equal "$("$TOEHOLD" builds)" ""
boto "
image, template = '$image', '$template'
def permissions(client, id):
    said = client.describe_image_attribute(ImageId=id, Attribute='launchPermission')['LaunchPermissions']
    return sorted(p['UserId'] for p in said)
e = ec2()
source = e.describe_images(ImageIds=[image])['Images'][0]
assert len(copies(e)) == 1 and tags(source)['stage'] == 'live' and tags(source)['toehold:part'] == 'image', source
assert permissions(e, image) == ['111122223333', '$other'], permissions(e, image)
assert ssm().get_parameter(Name='/images/web')['Parameter']['Value'] == image

e = ec2('eu-west-1')
[copy] = copies(e)
built = source['CreationDate'][:19].replace('-', '').replace('T', '').replace(':', '')
assert copy['Name'] == 'web 1.2.3 web-20261126-050102-3f2a91' and copy['Description'] == 'of eu-west-1', copy
want = {'Name': copy['Name'], 'team': 'web', 'stage': 'live', 'built': built, 'toehold:part': 'copy',
        'toehold:build-id': 'web-20261126-050102-3f2a91', 'toehold:lease-until': 'delivered'}
assert tags(copy) == want, tags(copy)
snapshot = e.describe_snapshots(SnapshotIds=[copy['BlockDeviceMappings'][0]['Ebs']['SnapshotId']])['Snapshots'][0]
assert tags(snapshot) == want, tags(snapshot)
assert permissions(e, copy['ImageId']) == ['111122223333', '444455556666']
[version] = e.describe_launch_template_versions(LaunchTemplateId=template, Versions=['\$Default'])['LaunchTemplateVersions']
assert version['VersionNumber'] == 2 and version['LaunchTemplateData']['ImageId'] == copy['ImageId'], version
got = ssm('eu-west-1').get_parameter(Name='/images/web')['Parameter']
assert got['Value'] == copy['ImageId'] and got['DataType'] == 'aws:ec2:image', got
got = ssm('eu-west-1').get_parameter(Name='plain')['Parameter']
assert got['Value'] == copy['ImageId'] and got['DataType'] == 'text', got

[ours], [theirs] = copies(ec2('us-west-2')), copies(other('ec2', 'us-west-2'))
assert ours['Name'] == theirs['Name'] == 'web 1.0.0' and theirs['OwnerId'] == '$other', theirs
assert theirs['Description'] == 'serves' and tags(theirs)['toehold:part'] == 'copy', theirs
assert other('ssm', 'us-west-2').get_parameter(Name='/images/web')['Parameter']['Value'] == theirs['ImageId']
"

# --- again: everything is looked at, nothing is done
faults '[]'
expect_exit 0 distribute "$image" --recipe web.yaml
expect_contains "$err" "eu-west-1  $(boto 'print(copies(ec2("eu-west-1"))[0]["ImageId"])') was there already"
expect_equal "$(changing)" ""
expect_equal "$(aws_calls | sort | uniq -c | tr -s ' ')" " 3 ec2:DescribeImageAttribute
 5 ec2:DescribeImages
 1 ec2:DescribeLaunchTemplateVersions
 1 ec2:DescribeSnapshots
 4 ssm:GetParameter
 1 sts:AssumeRole
 1 sts:GetCallerIdentity"

# --- what is missing is completed, and only that
boto '
ssm("eu-west-1").put_parameter(Name="plain", Value="another", Type="String", Overwrite=True)
[copy] = copies(ec2("us-west-2"))
ec2("us-west-2").deregister_image(ImageId=copy["ImageId"])'
faults '[]'
expect_exit 0 distribute "$image" --recipe web.yaml --format json
expect_equal "$(changing | sort)" "ec2:CopyImage
ec2:CreateTags
ssm:PutParameter"
expect_equal "$("$aws_python" -c '
import json, sys
for row in json.load(open(sys.argv[1])): print(row["region"], row["account"], *row["changes"])' .out)" \
  "us-east-1 $aws_account
eu-west-1 $aws_account parameter plain
us-west-2 $aws_account copied
us-west-2 $other"

# --- only some regions, and regions by themselves
faults '[]'
expect_exit 0 distribute "$image" --recipe web.yaml --region eu-west-1
expect_equal "$(of_region us-west-2)" ""
expect_exit 2 distribute "$image" --recipe web.yaml --region eu-west-2
expect_contains "$err" "the recipe does not distribute to eu-west-2"
expect_contains "$err" "did you mean 'eu-west-1'?"
expect_exit 2 distribute "$image"
expect_contains "$err" "type --region REGION"
expect_exit 0 distribute "$image" --region ap-south-1 --region sa-east-1
expect_equal "$(boto 'print(*[i["Name"] for r in ["ap-south-1", "sa-east-1"] for i in copies(ec2(r))], sep=",")')" \
  "web 1.0.0,web 1.0.0"

# --- mistakes are told before anything is copied
cat >wrong.yaml <<R
name: web
components: [install.yaml]
distributions:
  - region: ca-central-1
    amiDistributionConfiguration: {targetAccountIds: ["$other"]}
    deprecateAt: 2020-01-01
    launchTemplateConfigurations: [{launchTemplateId: $template, accountId: "999988887777"}]
R
faults '[]'
expect_exit 1 distribute "$image" --recipe wrong.yaml
expect_contains "$err" "wrong.yaml:7:"
expect_contains "$err" "is in account 999988887777, which gets no image in ca-central-1"
expect_contains "$err" "would have been deprecated since 2020-01-01T00:00:00Z"
expect_equal "$(changing)" ""
expect_exit 2 distribute ami-00000000000000000 --recipe web.yaml
expect_contains "$err" "there is no image ami-00000000000000000 in us-east-1"

# --- an image of another that has the name already is left alone; the other regions are done
taken=$(boto '
e = ec2("eu-north-1")
print(e.register_image(Name="web 1.0.0")["ImageId"])')
faults '[]'
expect_exit 1 distribute "$image" --region eu-north-1 --region eu-south-1
expect_contains "$err" "eu-north-1  FAILED: eu-north-1 has an image 'web 1.0.0' already, $taken, which is no copy of web-20261126"
expect_contains "$err" "not distributed: eu-north-1 in account $aws_account"
expect_equal "$(awk '{print $1, $4}' <<<"$out")" "eu-north-1 failed
eu-south-1 available"
expect_equal "$(boto 'print(len(copies(ec2("eu-north-1"))), len(copies(ec2("eu-south-1"))))')" "1 1"
expect_equal "$("$TOEHOLD" builds | awk '{print $2}')" failed
boto "ec2('eu-north-1').deregister_image(ImageId='$taken')"
expect_exit 0 distribute "$image" --region eu-north-1 --region eu-south-1
expect_equal "$("$TOEHOLD" builds)" ""

# --- faults: throttled, an answer that is lost, an error of the service, no answer in one region
one_copy() { # REGION
  expect_equal "$(boto "print(len(copies(ec2('$1'))))")" 1
  expect_equal "$("$TOEHOLD" builds)" ""
}
faults '[{"match": {"operation": "CopyImage"}, "times": 3, "do": {"status": 503, "code": "RequestLimitExceeded"}}]'
expect_exit 0 distribute "$image" --region eu-west-3
one_copy eu-west-3
faults '[{"match": {"operation": "CopyImage"}, "do": {"close": "after"}}]'
expect_exit 0 distribute "$image" --region eu-central-1
one_copy eu-central-1
expect_equal "$(aws_calls | grep -c CopyImage)" 2
faults '[{"match": {"operation": "CopyImage"}, "do": {"status": 500, "code": "InternalError"}},
         {"match": {"operation": "DescribeImages"}, "nth": 3, "times": 2, "do": {"status": 500, "code": "InternalError"}}]'
expect_exit 0 distribute "$image" --region ap-northeast-1
one_copy ap-northeast-1
# The copy is unknown for a while after it was asked for.
faults '[{"match": {"operation": "DescribeImages"}, "nth": 3, "times": 2,
          "do": {"status": 400, "code": "InvalidAMIID.NotFound"}}]'
expect_exit 0 distribute "$image" --region ap-northeast-2
one_copy ap-northeast-2
# A denial in one region: named, with what is missing, and the others are done.
faults '[{"match": {"operation": "CopyImage", "region": "ap-southeast-1"}, "times": 0,
          "do": {"status": 403, "code": "UnauthorizedOperation", "message": "You are not authorized"}}]'
expect_exit 1 distribute "$image" --region ap-southeast-1 --region ap-southeast-2
expect_contains "$err" "not distributed: ap-southeast-1 in account $aws_account: ec2:CopyImage"
one=$(boto 'print(len(copies(ec2("ap-southeast-2"))))')
expect_equal "$one" 1
faults '[]'
expect_exit 0 distribute "$image" --region ap-southeast-1 --region ap-southeast-2
one_copy ap-southeast-1

# --- killed while a copy is under way: the next one goes on with it
faults '[{"match": {"operation": "DescribeImages", "region": "us-west-1"}, "nth": 2, "times": 0, "do": {"freeze": -1}}]'
"$TOEHOLD" distribute "$image" --region us-west-1 >/dev/null 2>&1 &
killed=$!
wait_until 20 grep -q '"CopyImage"' "$aws_log"
kill -9 $killed
wait $killed 2>/dev/null || true
expect_contains "$("$TOEHOLD" builds)" "distribute-$image"
faults '[]'
expect_exit 0 distribute "$image" --region us-west-1
one_copy us-west-1
expect_equal "$(aws_calls | grep -c CopyImage || true)" 0

# --- an image of the store: its recipe, its matrix, its manifest
mkdir -p state/images/0123456789ab
"$aws_python" - "$image" "$PWD/web.yaml" <<'P'
import json, sys
manifest = {"format": 1, "id": "0123456789ab", "name": "web", "version": "1.2.3", "target": "ec2", "recipe": sys.argv[2],
            "buildId": "web-20261126-050102-3f2a91", "image": sys.argv[1] + " in us-east-1",
            "started": "2026-11-26T05:01:02Z", "finished": "2026-11-26T05:11:02Z"}
folder = "state/images/0123456789ab/"
json.dump(manifest, open(folder + "manifest.json", "w"))
json.dump({"id": manifest["id"], "name": "web", "version": "1.2.3", "target": "ec2", "built": manifest["finished"]},
          open(folder + "image.json", "w"))
P
faults '[]'
expect_exit 0 distribute web:1.2.3 --region eu-west-1
expect_equal "$(changing)" "ec2:CreateTags"  # the build's own time
expect_exit 0 distribute web
expect_equal "$(changing)" "ec2:CreateTags"
expect_equal "$("$aws_python" -c '
import json
for row in json.load(open("state/images/0123456789ab/manifest.json"))["distributed"]:
    print(row["region"], row["account"], row["state"], row["name"])')" "eu-west-1 $aws_account available web 1.2.3 web-20261126-050102-3f2a91
us-east-1 $aws_account available web 1.0.0
us-west-2 $aws_account available web 1.0.0
us-west-2 $other available web 1.0.0"
sed -i 's/ in us-east-1"/"/; s/ami-[0-9a-f]*/localhost\/web/; s/"ec2"/"container"/' state/images/0123456789ab/manifest.json
expect_exit 2 distribute web
expect_contains "$err" "was built on the target container and is no machine image of AWS"

# --- dates and protection
cat >dates.yaml <<R
name: web
components: [install.yaml]
distributions:
  - {region: ca-central-1, deprecateAfter: 2 years, deregistrationProtection: enabled-with-cooldown}
R
faults '[]'
expect_exit 0 distribute "$image" --recipe dates.yaml
boto '
[copy] = copies(ec2("ca-central-1"))
assert copy["DeregistrationProtection"] == "enabled-with-cooldown", copy
source = ec2().describe_images(ImageIds=["'"$image"'"])["Images"][0]
assert int(copy["DeprecationTime"][:4]) == int(source["CreationDate"][:4]) + 2, copy'
faults '[]'
expect_exit 0 distribute "$image" --recipe dates.yaml
expect_equal "$(changing)" ""

# The page lists what the caller needs for all that, no more and no less. Copies that have failed are
# none of moto's.
cat "$aws_log.before" "$aws_log" >all.jsonl
"$aws_python" "$TOEHOLD_SOURCE/tests/support/iam_policy.py" "$TOEHOLD_SOURCE/docs/how-to/distribute-an-image.md" \
  all.jsonl -ec2:DeregisterImage -ec2:DeleteSnapshot || fail "the page and the calls differ"
