"""What is there at the start: a bucket, a role for instances, the parameter of the base image."""
import json

from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.ssm.models import Parameter, ssm_backends

BUCKET, PROFILE = "toehold-test", "toehold-test-instance"
PARAMETER = "/aws/service/debian/release/12/latest/amd64"
REGIONS = ("us-east-1", "eu-central-1")


def add_parameters(image_id):
    """By hand, as moto lets nobody make a parameter of AWS."""
    for region in REGIONS:
        ssm_backends[ACCOUNT][region]._parameters[PARAMETER].append(Parameter(
            account_id=ACCOUNT, name=PARAMETER, value=image_id, parameter_type="String", description=None,
            allowed_pattern=None, keyid=None, last_modified_date=utcnow(), version=1, data_type="text"))


def make_presets():
    s3_backends[ACCOUNT]["aws"].create_bucket(BUCKET, "us-east-1")
    iam = iam_backends[ACCOUNT]["aws"]
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
    role = iam.create_role(role_name=PROFILE, assume_role_policy_document=trust, path="/", permissions_boundary=None,
                           description="", tags=[], max_session_duration="3600")
    iam.create_instance_profile(name=PROFILE, path="/", role_names=[role.name], tags=[])
    backend = ec2_backends[ACCOUNT]["us-east-1"]
    image = max(backend.amis.values(), key=lambda image: image.creation_date)
    add_parameters(image.id)
    subnets = backend.get_default_subnets()
    return {"base_ami": image.id, "base_ami_name": image.name, "base_ami_owner": image.owner_id,
            "base_ami_pattern": "debian-12-amd64-*", "base_parameter": PARAMETER, "bucket": BUCKET,
            "instance_profile": PROFILE, "aws_account": ACCOUNT, "ssh_user": "admin",
            "vpc": backend.default_vpc.id, "subnet": subnets["us-east-1a"].id, "subnet_b": subnets["us-east-1b"].id}
