"""The requests of a test below /local-ec2/: settings, faults, timers, and what is left."""
import json
import os
import threading

from moto.ec2.models import ec2_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.ssm.models import ssm_backends

from . import faults
from .cloud import cloud, settings


def left_of_region(region, backend):
    for instance in backend.all_instances():
        if instance._state.name != "terminated":
            yield ["instance", region, instance.id, instance._state.name]
    for image in list(backend.amis.values()):
        if image.owner_id == backend.account_id:
            yield ["image", region, image.id, image.name]
    for snapshot in list(backend.snapshots.values()):
        if snapshot.from_ami is None or owned_by(backend, snapshot):
            yield ["snapshot", region, snapshot.id, snapshot.description]
    for volume in list(backend.volumes.values()):
        yield ["volume", region, volume.id, volume.status]
    for groups in list(backend.groups.values()):
        for group in list(groups.values()):
            if group.name != "default":
                yield ["security-group", region, group.id, group.name]
    for pair in list(backend.key_pairs.values()):
        yield ["key-pair", region, pair.id, pair.key_name]
    for interface in list(backend.enis.values()):
        yield ["network-interface", region, interface.id, interface.status]
    for template in list(backend.launch_templates.values()):
        yield ["launch-template", region, template.id, template.name]


def owned_by(backend, snapshot):
    """Not one that moto made for a preset image."""
    image = backend.amis.get(snapshot.from_ami)
    return image is None or image.owner_id == backend.account_id


def left():
    entries = []
    for regions in list(ec2_backends.values()):
        for region, backend in list(regions.items()):
            entries += list(left_of_region(region, backend))
    for regions in list(ssm_backends.values()):
        for region, backend in list(regions.items()):
            entries += [["parameter", region, name] for name in list(backend._parameters)
                        if not name.startswith("/aws/")]
    for regions in list(s3_backends.values()):
        for backend in list(regions.values()):
            for bucket in list(backend.buckets.values()):
                entries += [["object", bucket.region_name, bucket.name, key] for key, _ in list(bucket.keys.items())]
    for regions in list(logs_backends.values()):
        for region, backend in list(regions.items()):
            for group in list(backend.groups.values()):
                entries += [["log-stream", region, group.name, name] for name in list(group.streams)]
    for life in list(cloud.lives.values()):
        if life.state() in ("terminated", "stopped") and life.machine.pid is not None:
            entries.append(["process", "-", life.id, life.machine.pid])
    if not cloud.light:
        for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
            if name not in cloud.lives or cloud.lives[name].state() == "terminated":
                entries.append(["address", "-", name])
    return entries


def advance(request):
    lives = [cloud.lives[request["instance"]]] if request.get("instance") else list(cloud.lives.values())
    for life in lives:
        life.timers.advance(request["seconds"])


def do(path, body):
    """(status, what to answer as JSON)"""
    request = json.loads(body) if body else None
    verb, _, name = path.removeprefix("/local-ec2/").partition("/")
    if verb == "left":
        return 200, left()
    if verb == "faults":
        faults.set_rules(request)
    elif verb == "calls":
        return 200, list(faults.calls)
    elif verb == "settings":
        unknown = set(request) - set(settings)
        if unknown:
            return 400, f"no such settings: {sorted(unknown)}"
        settings.update(request)
    elif verb == "advance":
        advance(request)
    elif verb == "instance":
        return of_instance(*name.split("/"), request)
    else:
        return 404, f"no such request: {path}"
    return 200, None


def of_instance(instance_id, verb, request):
    life = cloud.lives.get(instance_id)
    if life is None:
        return 404, f"no instance {instance_id}"
    if verb == "spot-notice":
        life.interrupt(request["seconds"])
    elif verb == "crash":
        life.crash()
    elif verb == "timers":
        return 200, life.timers.lines()
    return 200, {"pid": life.machine.pid, "console": life.machine.console, "state": life.state(),
                 "threads": threading.active_count()}
