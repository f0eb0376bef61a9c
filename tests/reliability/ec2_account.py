"""What is in the account of the local EC2, counted by Describe calls, and how it goes away.

For ec2_faults.py and ec2_kills.py, which run within ec2.sh with $BUCKET.
"""
import json
import os
import shutil
import subprocess
import time
import urllib.request

import boto3

URL = os.environ["AWS_ENDPOINT_URL"]
TOEHOLD, HOME = os.environ["TOEHOLD"], os.environ["TOEHOLD_HOME"]
# Of the controller; our own calls have another key.
ENVIRONMENT = {**os.environ, "AWS_ACCESS_KEY_ID": os.environ["CONTROLLER_KEY"]}
REGIONS = ("us-east-1", "eu-central-1")
OTHER = "210987654321"  # an account that copies go to


def of_other_account():
    taken = boto3.client("sts", region_name=REGIONS[0]).assume_role(
        RoleArn=f"arn:aws:iam::{OTHER}:role/EC2ImageBuilderDistributionCrossAccountRole",
        RoleSessionName="test", DurationSeconds=3600 * 12)["Credentials"]
    return boto3.client("ec2", region_name=REGIONS[1], aws_access_key_id=taken["AccessKeyId"],
                        aws_secret_access_key=taken["SecretAccessKey"], aws_session_token=taken["SessionToken"])


ec2_of = {region: boto3.client("ec2", region_name=region) for region in REGIONS}
ec2_of[f"{REGIONS[1]} of {OTHER}"] = of_other_account()
s3 = boto3.client("s3", region_name="us-east-1")
BUCKET = os.environ["BUCKET"]


def ask(path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(f"{URL}/local-ec2/{path}", data) as answer:
        return json.load(answer)


def tags_of(thing):
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", [])}


def is_delivered(thing):
    return tags_of(thing).get("toehold:lease-until") == "delivered"


def there(region):
    """(kind, id, thing) of all that is there, by Describe calls."""
    ec2 = ec2_of[region]
    for reservation in ec2.get_paginator("describe_instances").paginate().build_full_result()["Reservations"]:
        for one in reservation["Instances"]:
            if one["State"]["Name"] != "terminated":
                yield "instance", one["InstanceId"], one
    for one in ec2.describe_images(Owners=["self"])["Images"]:
        yield "image", one["ImageId"], one
    for one in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]:
        yield "snapshot", one["SnapshotId"], one
    for one in ec2.describe_volumes()["Volumes"]:
        yield "volume", one["VolumeId"], one
    for one in ec2.describe_security_groups()["SecurityGroups"]:
        if one["GroupName"] != "default":
            yield "security-group", one["GroupId"], one
    for one in ec2.describe_key_pairs()["KeyPairs"]:
        yield "key-pair", one["KeyPairId"], one
    for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []) if region == REGIONS[0] else []:
        yield "object", one["Key"], {}


before = set()  # what was there at the start


def begin():
    before.update((region, name) for region in ec2_of for _, name, _ in there(region))


def look():
    """(what is left, delivered images)"""
    left, images = [], []
    for region in ec2_of:
        for kind, name, thing in there(region):
            if (region, name) in before:
                continue
            if kind == "image" and is_delivered(thing):
                images.append((region, thing))
            elif not (kind == "snapshot" and is_delivered(thing)):
                left.append(f"{kind} {name} in {region}")
    return left, images


def settle():
    """What is on its way out gets 20 s for it."""
    end = time.monotonic() + 20
    while True:
        left, images = look()
        if not left or time.monotonic() > end:
            return left, images
        time.sleep(0.1)


def take(images):
    for region, image in images:
        if image.get("DeregistrationProtection", "disabled") != "disabled":
            ec2_of[region].disable_image_deregistration_protection(ImageId=image["ImageId"])
        ec2_of[region].deregister_image(ImageId=image["ImageId"])
        for device in image["BlockDeviceMappings"]:
            if device.get("Ebs", {}).get("SnapshotId"):
                ec2_of[region].delete_snapshot(SnapshotId=device["Ebs"]["SnapshotId"])


def launched():
    """Ids of the instances that were ever started."""
    pages = ec2_of[REGIONS[0]].get_paginator("describe_instances").paginate()
    return {one["InstanceId"] for page in pages for reservation in page["Reservations"]
            for one in reservation["Instances"]}


def alive():
    """Those of them that are not on their way out."""
    pages = ec2_of[REGIONS[0]].get_paginator("describe_instances").paginate()
    return {one["InstanceId"] for page in pages for reservation in page["Reservations"]
            for one in reservation["Instances"] if one["State"]["Name"] not in ("shutting-down", "terminated")}


def expire_leases():
    over = [{"Key": "toehold:lease-until", "Value": "2020-01-01T00:00:00Z"}]
    for region in REGIONS:
        names = [name for kind, name, thing in there(region)
                 if "toehold:lease-until" in tags_of(thing) and not is_delivered(thing)]
        if names:
            ec2_of[region].create_tags(Resources=names, Tags=over)


def sweep(by_tags):
    """One sweep, of another machine or of this one."""
    if not by_tags:
        command = [TOEHOLD, "cleanup", "--all"]
    else:
        time.sleep(4)  # what was asked for as the controller was killed may only come to be now
        shutil.rmtree(os.path.join(HOME, "builds"), ignore_errors=True)
        expire_leases()
        command = [TOEHOLD, "cleanup", "--target", "ec2", "--yes", *(w for r in REGIONS for w in ("--region", r))]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    return "" if done.returncode == 0 else f"the sweep ended with {done.returncode}: {done.stdout}{done.stderr}"


def forget():
    shutil.rmtree(os.path.join(HOME, "builds"), ignore_errors=True)
    shutil.rmtree(os.path.join(HOME, "images"), ignore_errors=True)
