"""What moto lacks of copying machine images, as far as distributing them needs it.

A copy is pending for its first two looks, may be of another account's image that is shared with it (and whose snapshots
are), has the tags that were asked for, and is made once for each client token; a name is taken once. Deprecation and
deregistration protection are kept and shown. So is the client token of a launch template's version.
"""
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError, InvalidAMIIdError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.responses.amis import AmisResponse
from moto.ec2.responses.launch_templates import LaunchTemplates
from moto.ec2.utils import random_ami_id

PENDING_LOOKS = 2
describe_images = EC2Backend.describe_images
create_version = LaunchTemplates.create_launch_template_version
versions = {}


def source_for(backend, image_id, region):
    for account in list(ec2_backends):
        image = ec2_backends[account][region].amis.get(image_id)
        if image is None:
            continue
        shared = account == backend.account_id or (
            {"UserId": backend.account_id} in image.launch_permissions
            and backend.account_id in image.ebs_snapshot.create_volume_permission_userids)
        if shared:
            return image
    raise InvalidAMIIdError([image_id])


def copy_image(self):
    backend, parameter = self.ec2_backend, self._get_param
    token, name = parameter("ClientToken"), parameter("Name")
    tokens = backend.__dict__.setdefault("copy_tokens", {})
    if token and token in tokens:
        return ActionResult({"ImageId": tokens[token]})
    source = source_for(backend, parameter("SourceImageId"), parameter("SourceRegion"))
    if any(image.name == name and image.owner_id == backend.account_id for image in backend.amis.values()):
        raise EC2ClientError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use")
    image = Ami(backend, random_ami_id(), source_ami=source, name=name, description=parameter("Description"))
    image.description = parameter("Description") or ""
    image.state, image.looks = "pending", PENDING_LOOKS
    image.source_image_id, image.source_image_region = source.id, parameter("SourceRegion")
    image.ebs_snapshot.encrypted = bool(parameter("Encrypted"))
    backend.amis[image.id] = image
    tokens[token] = image.id
    for kind in parameter("TagSpecifications", []):
        tags = {tag["Key"]: tag["Value"] for tag in kind.get("Tags", [])}
        (image if kind["ResourceType"] == "image" else image.ebs_snapshot).add_tags(tags)
    return ActionResult({"ImageId": image.id})


def describe(self, ami_ids=None, **more):
    images = describe_images(self, ami_ids=ami_ids, **more)
    for image in images if ami_ids else []:
        image.looks = getattr(image, "looks", 0) - 1
        if image.state == "pending" and image.looks < 0:
            image.state = "available"
    return images


def enable_deprecation(self):
    at = self._get_param("DeprecateAt")  # EC2 keeps whole minutes
    self.ec2_backend.amis[self._get_param("ImageId")].deprecation_time = f"{at:%Y-%m-%dT%H:%M}:00.000Z"
    return ActionResult({"Return": True})


def enable_protection(self):
    with_cooldown = str(self._get_param("WithCooldown")).lower() == "true"
    image = self.ec2_backend.amis[self._get_param("ImageId")]
    image.deregistration_protection = f"enabled-{'with' if with_cooldown else 'without'}-cooldown"
    return ActionResult({"Return": image.deregistration_protection})


def create_launch_template_version(self):
    token = self._get_param("ClientToken")
    if token not in versions or not token:
        versions[token] = create_version(self)
    return versions[token]


def install():
    AmisResponse.copy_image = copy_image
    AmisResponse.enable_image_deprecation = enable_deprecation
    AmisResponse.enable_image_deregistration_protection = enable_protection
    LaunchTemplates.create_launch_template_version = create_launch_template_version
    EC2Backend.describe_images = describe
