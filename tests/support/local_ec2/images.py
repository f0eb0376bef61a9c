"""moto's images made of layers, with what their life cycle has: patches, made by install()."""
import copy
import datetime
import os
import re
import time

from moto.core.parse import default_timestamp_parser as parse_timestamp
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.models import amis
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.responses import EC2Response
from moto.ec2.utils import convert_tag_spec, random_ami_id

from . import faults
from .cloud import cloud, in_background, settings
from .lives import life_of
from .once import with_token

BASE_SIZE = 8
describe_in_backend, describe_in_response = AmiBackend.describe_images, EC2Response.describe_images
deregister_in_backend = AmiBackend.deregister_image
modify_permissions = EC2Response.modify_image_attribute


def check_name(backend, name):
    if not re.fullmatch(r"[A-Za-z0-9()\[\] ./\-'@_]{3,128}", name or ""):
        raise EC2ClientError("InvalidAMIName.Malformed", f"AMI names must be between 3 and 128 characters long: {name}")
    for image in backend.amis.values():
        if image.name == name and image.owner_id == backend.account_id:
            raise EC2ClientError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image.id}")


def own_image(backend, image_id):
    image = backend.describe_images(ami_ids=[image_id])[0]
    if image.owner_id != backend.account_id:
        raise EC2ClientError("AuthFailure", f"Not authorized for images: [{image_id}]")
    return image


def new_image(backend, name, description, specifications, size, **options):
    tags = convert_tag_spec(specifications)
    wrong = set(tags) - {"image", "snapshot"}
    if wrong:
        raise EC2ClientError("InvalidParameterValue", f"'{wrong.pop()}' is not a valid taggable resource type")
    image = Ami(backend, random_ami_id(), name=name, description=description, state="pending",
                root_device_type="ebs", root_device_name="/dev/xvda", hypervisor="xen",
                image_location=f"{backend.account_id}/{name}", **options)
    image.size = size
    image.ebs_snapshot.volume.size = size
    image.ebs_snapshot.status = "pending"
    image.ebs_snapshot.progress_text = "0%"
    image.add_tags(tags.get("image", {}))
    image.ebs_snapshot.add_tags(tags.get("snapshot", {}))
    backend.amis[image.id] = image
    return image


def become_available(image, work, setting):
    """In a thread: `work`, but no sooner than the test wants it, by now; then available, or failed."""
    begun = time.monotonic()
    fault = faults.take("Image", {"Name": image.name, "ImageId": image.id})
    work()
    while (left := begun + (seconds := settings[setting]) - time.monotonic()) > 0:
        image.ebs_snapshot.progress_text = f"{round(99 * (1 - left / seconds))}%"
        time.sleep(min(left, 0.1))
    if fault:
        image.state, image.ebs_snapshot.status = "failed", "error"
        image.state_reason = {"Code": fault["code"], "Message": fault.get("message", fault["code"])}
        return
    image.ebs_snapshot.progress_text = "100%"
    image.ebs_snapshot.status = "completed"
    image.state = "available"


def take_layer(life, image, no_reboot):
    """A running instance is shut down for it, unless that is not wanted."""
    folder = os.path.join(cloud.folder, image.id)
    with life.work:
        restart = life.state() == "running" and not no_reboot
        if restart:
            life.end_processes()
        life.machine.copy_to_layer(folder)
        if restart:
            life.boot()
    image.layers = [folder, *life.machine.layers]


def create_image(self):
    backend = self.ec2_backend
    instance = backend.get_instance(self._get_param("InstanceId"))
    name = self._get_param("Name")
    check_name(backend, name)
    if instance._state.name not in ("running", "stopped"):
        raise EC2ClientError("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'running' or "
                             f"'stopped' state: it is '{instance._state.name}'")
    self.error_on_dryrun()
    root = instance.block_device_mapping.get(instance.root_device_name)
    size = backend.volumes[root.volume_id].size if root else BASE_SIZE
    image = new_image(backend, name, self._get_param("Description", ""), self._get_param("TagSpecifications", []),
                      size, architecture=instance.architecture, virtualization_type="hvm",
                      region_name=instance.placement.zone,
                      snapshot_description=f"Created by CreateImage({instance.id})")
    image.instance_id = instance.id
    image.source_image_id = instance.image_id
    image.source_image_region = self.region
    image.encrypted = image.ebs_snapshot.encrypted = bool(root and backend.volumes[root.volume_id].encrypted)
    life, no_reboot = life_of(instance.id), self._get_bool_param("NoReboot", False)
    in_background(become_available, image, lambda: take_layer(life, image, no_reboot), "image_pending_for")
    return ActionResult({"ImageId": image.id})


def copy_image(self):
    backend = self.ec2_backend
    region, source_id = self._get_param("SourceRegion"), self._get_param("SourceImageId")
    name = self._get_param("Name")
    check_name(backend, name)
    source = ec2_backends[self.current_account][region].describe_images(ami_ids=[source_id])[0]
    if source.state != "available":
        raise EC2ClientError("InvalidAMIID.Unavailable", f"The image ID '{source_id}' is not available")
    self.error_on_dryrun()
    image = new_image(backend, name, self._get_param("Description") or source.description,
                      self._get_param("TagSpecifications", []), source.size, source_ami=source,
                      snapshot_description=f"Copied for DestinationAmi from SourceAmi {source_id}")
    image.source_image_id, image.source_image_region = source_id, region
    if self._get_bool_param("CopyImageTags", False):
        image.add_tags({tag["key"]: tag["value"] for tag in source.get_tags()})
    image.kms_key_id = self._get_param("KmsKeyId")
    image.encrypted = bool(self._get_bool_param("Encrypted", False) or image.kms_key_id or source.encrypted)
    image.ebs_snapshot.encrypted = image.encrypted
    image.ebs_snapshot.kms_key_id = image.kms_key_id
    image.layers, image.imds_support = source.layers, source.imds_support
    in_background(become_available, image, lambda: None, "copy_pending_for")
    return ActionResult({"ImageId": image.id})


def describe_images(self, ami_ids=None, filters=None, exec_users=None, owners=None):
    """Images of other accounts that may be launched from here are seen as well, with our own tags."""
    view = copy.copy(self)
    view.amis = dict(self.amis)
    for account, regions in list(ec2_backends.items()):
        if account == self.account_id or self.region_name not in regions:
            continue
        for image in list(regions[self.region_name].amis.values()):
            if {"UserId": self.account_id} in image.launch_permissions:
                view.amis[image.id] = copy.copy(image)
                view.amis[image.id].ec2_backend = self
    return describe_in_backend(view, ami_ids, filters, exec_users, owners)


def is_hidden(self, image):
    if image.state == "disabled":
        return not self._get_bool_param("IncludeDisabled", False)
    if not image.deprecation_time or image.owner_id == self.current_account:
        return False
    over = image.deprecation_time < utcnow().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return over and not self._get_bool_param("IncludeDeprecated", False)


def describe_images_response(self):
    result = describe_in_response(self).result
    if not self._get_param("ImageIds", []):
        result["Images"] = [image for image in result["Images"] if not is_hidden(self, image)]
    return ActionResult(result)


def deregister_image(self):
    image_id = self._get_param("ImageId")
    if image_id in self.ec2_backend.deleted_amis:
        raise EC2ClientError("InvalidAMIID.Unavailable", f"The image ID '{image_id}' is no longer available")
    image = own_image(self.ec2_backend, image_id)
    if image.deregistration_protection.startswith("enabled"):
        raise EC2ClientError("OperationNotPermitted", f"Image {image_id} is protected against deregistration")
    self.error_on_dryrun()
    deregister_in_backend(self.ec2_backend, image_id)
    result = {"Return": True}
    if self._get_bool_param("DeleteAssociatedSnapshots", False):
        self.ec2_backend.snapshots.pop(image.ebs_snapshot.id, None)
        result["DeleteSnapshotResults"] = [{"SnapshotId": image.ebs_snapshot.id, "ReturnCode": "success"}]
    return ActionResult(result)


def setter(change):
    """An operation of an own image that changes its entry."""
    def call(self):
        image = own_image(self.ec2_backend, self._get_param("ImageId"))
        self.error_on_dryrun()
        return ActionResult(change(self, image) or {"Return": True})
    return call


def deprecate(self, image):
    at = self._get_param("DeprecateAt")
    image.deprecation_time = at if isinstance(at, str) else at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def undeprecate(_, image):
    image.deprecation_time = None


def protect(self, image):
    cooldown = self._get_bool_param("WithCooldown", False)
    image.deregistration_protection = "enabled-with-cooldown" if cooldown else "enabled-without-cooldown"
    return {"Return": image.deregistration_protection}


def unprotect(_, image):
    image.deregistration_protection = "disabled"
    return {"Return": "disabled"}


def set_state(state):
    def change(_, image):
        image.state = state
    return change


def modify_image_attribute(self):
    image = own_image(self.ec2_backend, self._get_param("ImageId"))
    description = self._get_param("Description.Value") or (
        self._get_param("Value") if self._get_param("Attribute") == "description" else None)
    imds = self._get_param("ImdsSupport.Value") or (
        self._get_param("Value") if self._get_param("Attribute") == "imdsSupport" else None)
    if description:
        image.description = description
    if imds:
        image.imds_support = imds
    return EmptyResult() if description or imds else modify_permissions(self)


def mappings(self):
    ebs = {"SnapshotId": self.ebs_snapshot.id, "VolumeSize": self.size, "DeleteOnTermination": True,
           "VolumeType": "gp3", "Encrypted": self.encrypted}
    return [{"DeviceName": self.root_device_name, "Ebs": ebs}]


def parse_date(value):
    """moto does this again to what it has read, for each region."""
    return value if isinstance(value, datetime.datetime) else parse_timestamp(value)


def install():
    amis.parse_timestamp = parse_date
    defaults = {"size": BASE_SIZE, "layers": None, "encrypted": False, "kms_key_id": None, "deprecation_time": None,
                "deregistration_protection": "disabled", "imds_support": None, "ena_support": True,
                "platform_details": "Linux/UNIX", "usage_operation": "RunInstances", "source_image_id": None,
                "source_image_region": None, "state_reason": None, "block_device_mappings": property(mappings),
                "sriov_net_support": "simple"}
    for name, value in defaults.items():
        setattr(Ami, name, value)
    Snapshot.progress_text = "100%"
    Snapshot.progress = property(lambda self: self.progress_text)
    AmiBackend.describe_images = describe_images
    operations = {
        "create_image": create_image, "copy_image": copy_image, "describe_images": describe_images_response,
        "deregister_image": deregister_image, "modify_image_attribute": modify_image_attribute,
        "enable_image_deprecation": setter(deprecate), "disable_image_deprecation": setter(undeprecate),
        "enable_image_deregistration_protection": setter(protect),
        "disable_image_deregistration_protection": setter(unprotect),
        "disable_image": setter(set_state("disabled")), "enable_image": setter(set_state("available"))}
    for name, operation in operations.items():
        setattr(EC2Response, name, operation)
    with_token(EC2Response, "copy_image")
