"""moto's instances with a life: patches of its models, made by install()."""
import base64
import ipaddress
import os
import random
import subprocess

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import instances as models
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.responses import EC2Response
from moto.ec2.utils import Base64EncodedString, filter_dict_attribute_mapping

from . import lives
from .cloud import cloud, in_background
from .once import with_token

first = {name: getattr(owner, name) for owner, name in (
    (InstanceBackend, "run_instances"), (Instance, "prep_nics"), (Instance, "terminate"),
    (EC2Response, "_parse_block_device_mapping"), (SecurityGroupBackend, "delete_security_group"))}


def wrong_state(instance):
    state = instance._state.name
    raise EC2ClientError("IncorrectInstanceState", f"The instance '{instance.id}' is not in a state from which it "
                         f"can do this: it is '{state}'")


def check_launch(backend, image, user_data, key_name):
    if image.state != "available":
        raise EC2ClientError("InvalidAMIID.Unavailable", f"The image ID '{image.id}' is not available")
    if key_name and key_name not in backend.key_pairs:
        raise EC2ClientError("InvalidKeyPair.NotFound", f"The key pair '{key_name}' does not exist")
    if user_data and len(base64.b64decode(str(user_data))) > 16384:
        raise EC2ClientError("InvalidParameterValue", "User data is limited to 16384 bytes")


def mappings_of(image, asked):
    """The block devices of an instance: the image's root as the call changes it, then the rest."""
    root = {"DeviceName": image.root_device_name, "NoDevice": None, "VirtualName": None, "Ebs": {}}
    others = []
    for mapping in asked or []:
        if mapping["DeviceName"] == image.root_device_name:
            root = mapping
        else:
            others.append(mapping)
    ebs = root["Ebs"]
    ebs["VolumeSize"] = int(ebs.get("VolumeSize") or image.size)
    if ebs["VolumeSize"] < image.size:
        raise EC2ClientError("InvalidBlockDeviceMapping", f"Volume of size {ebs['VolumeSize']}GB is smaller than "
                             f"snapshot '{image.ebs_snapshot.id}', expect size >= {image.size}GB")
    ebs["SnapshotId"] = image.ebs_snapshot.id if image.ebs_snapshot.id in image.ec2_backend.snapshots else None
    ebs["VolumeType"] = ebs.get("VolumeType") or "gp3"
    ebs["Encrypted"] = ebs.get("Encrypted") or image.encrypted
    ebs.setdefault("DeleteOnTermination", True)
    return [root, *others]


def run_instances(self, image_id, count, user_data, security_group_names, **kwargs):
    template = kwargs.get("launch_template")
    if template and not image_id:
        image_id = self._get_template_from_args(template).image_id
    image = next(iter(self.describe_images(ami_ids=[image_id])), None)
    if image is None:
        raise EC2ClientError("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")
    check_launch(self, image, user_data, kwargs.get("key_name"))
    kwargs["block_device_mappings"] = mappings_of(image, kwargs.get("block_device_mappings"))
    kwargs.setdefault("is_instance_type_default", False)
    tags = dict(kwargs.get("tags", {}))
    reservation = first["run_instances"](self, image_id, count, user_data, security_group_names, **kwargs)
    role = {name: kwargs.get(name) for name in ("iam_instance_profile_name", "iam_instance_profile_arn")}
    for instance in reservation.instances[1:] if any(role.values()) else ():  # moto does the first
        self.associate_iam_instance_profile(instance.id, **role)
    for instance in reservation.instances:
        if instance.lifecycle == "spot":
            instance.spot_instance_request_id = f"sir-{random.randrange(16**8):08x}"
        for nic in instance.nics.values():
            nic.delete_on_termination = True
            nic.add_tags(tags.get("network-interface", {}))
        life = lives.Life(instance, image.layers or cloud.base_layers)
        cloud.lives[instance.id] = life
        life.set_state("pending")
        in_background(life.launch)
    return reservation


def prep_nics(self, nic_spec, private_ip=None, **kwargs):
    """Addresses that no other instance has, whatever its region."""
    subnet_id = next((nic["SubnetId"] for nic in nic_spec if nic.get("SubnetId")), self._subnet_id)
    if not subnet_id:
        subnets = self.ec2_backend.get_default_subnets()
        subnet_id = (subnets.get(self._placement.zone) or next(iter(subnets.values()))).id
        self._subnet_id = subnet_id
    subnet = self.ec2_backend.get_subnet(subnet_id)
    self._placement.zone = subnet.availability_zone
    network = ipaddress.ip_network(subnet.cidr_block)
    address = str(network.network_address + cloud.next_host())
    first["prep_nics"](self, nic_spec, private_ip=private_ip or address, **kwargs)


def check_auto_public_ip(self):
    if str(self.public_ip_auto_assign).lower() == "true":
        self.public_ip = self.private_ip_address


def stop(self):
    before = lives.previous(self)
    if self.lifecycle == "spot":
        raise EC2ClientError("UnsupportedOperation", f"You can't stop the Spot Instance '{self.id}' because it is "
                             "associated with a one-time Spot Instance request.")
    if self._state.name in ("stopping", "stopped"):
        return before
    if self._state.name != "running":
        wrong_state(self)
    life = lives.life_of(self.id)
    life.set_state("stopping", lives.USER_INITIATED)
    in_background(life.stop)
    return before


def start(self):
    before = lives.previous(self)
    if self._state.name in ("pending", "running"):
        return before
    if self._state.name != "stopped":
        wrong_state(self)
    for nic in self.nics.values():
        nic.start()
    life = lives.life_of(self.id)
    life.set_state("pending")
    in_background(life.start)
    return before


def reboot(self):
    if self._state.name != "running":
        wrong_state(self)
    in_background(lives.life_of(self.id).reboot)


def terminate(self):
    before = lives.previous(self)
    if self._state.name not in ("shutting-down", "terminated"):
        life = lives.life_of(self.id)
        life.set_state("shutting-down", lives.USER_INITIATED)
        in_background(life.terminate)
    return before


def parse_block_devices(self):
    parsed = first["_parse_block_device_mapping"](self)
    for asked, mapping in zip(self._get_param("BlockDeviceMappings", []), parsed):
        if "DeleteOnTermination" not in asked.get("Ebs", {}):
            mapping["Ebs"]["DeleteOnTermination"] = True
    return parsed


def get_console_output(self):
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    path, text = lives.life_of(instance.id).machine.console, ""
    if os.path.isfile(path):
        with open(path, errors="replace") as file:
            text = file.read()[-65536:]
    return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(),
                         "Output": Base64EncodedString.from_raw_string(text)})


def delete_security_group(self, name=None, group_id=None):
    group = self.get_security_group_by_name_or_id(name or group_id)
    for instance in self.all_instances():
        groups = [*instance.security_groups, *(item for nic in instance.nics.values() for item in nic._group_set)]
        if group in groups and instance._state.name != "terminated":
            raise EC2ClientError("DependencyViolation", f"resource {group.id} has a dependent object")
    return first["delete_security_group"](self, name, group_id)


def make_network():
    """One bridge that all instances are at; the cloud has its two addresses."""
    from .cloud import GATEWAY, METADATA
    from .machine import ip
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    ip([f"link add cloud0 type bridge\naddr add {GATEWAY}/32 dev cloud0\naddr add {METADATA}/32 dev cloud0\n"
        "link set cloud0 up\n"])


def install():
    lives.original_terminate = first["terminate"]
    InstanceBackend.run_instances = run_instances
    Instance.prep_nics = prep_nics
    NetworkInterface.check_auto_public_ip = check_auto_public_ip
    Instance.stop, Instance.start, Instance.reboot, Instance.terminate = stop, start, reboot, terminate
    Instance.spot_instance_request_id = None
    SecurityGroupBackend.delete_security_group = delete_security_group
    EC2Response._parse_block_device_mapping = parse_block_devices
    EC2Response.get_console_output = get_console_output
    models.settings.ENABLE_KEYPAIR_VALIDATION = False
    filter_dict_attribute_mapping.update({"client-token": "client_token", "instance-lifecycle": "lifecycle"})
    with_token(EC2Response, "run_instances")
