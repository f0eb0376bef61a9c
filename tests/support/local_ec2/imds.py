"""The instance metadata service, and what the programs of stand_in.py ask for. Who asks is known by
the address, as each instance has its own."""
import base64
import http.server
import json
import secrets
import time

from .cloud import METADATA, cloud, in_background
from .lives import seconds_of

# Of the instances' roles, so that logs of calls tell them from a controller.
KEY_ID = "ASIAIOSFODNN7EXAMPLE"

tokens = set()


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def role_of(life):
    association = life.instance.ec2_backend.iam_instance_profile_associations.get(life.id)
    if association is None or not association.iam_instance_profile.roles:
        return None
    return association.iam_instance_profile.roles[0].name


def credentials():
    return {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": KEY_ID,
            "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "Token": "of-the-instance",
            "LastUpdated": stamp(time.time()), "Expiration": stamp(time.time() + 6 * 3600)}


def identity(life):
    instance = life.instance
    return {"accountId": instance.owner_id, "architecture": instance.architecture, "imageId": instance.image_id,
            "availabilityZone": instance.placement.zone, "instanceId": life.id, "region": instance.region_name,
            "instanceType": instance.instance_type, "privateIp": instance.private_ip, "version": "2017-09-30"}


def metadata(life):
    """What is there, by path below /latest/."""
    instance = life.instance
    role = role_of(life)
    items = {"instance-id": life.id, "ami-id": instance.image_id, "instance-type": instance.instance_type,
             "local-ipv4": instance.private_ip, "hostname": instance.private_dns_name,
             "local-hostname": instance.private_dns_name, "placement/region": instance.region_name,
             "placement/availability-zone": instance.placement.zone,
             "instance-life-cycle": "spot" if instance.lifecycle == "spot" else "on-demand"}
    if instance.public_ip:
        items["public-ipv4"] = instance.public_ip
    if role:
        items["iam/security-credentials/"] = items["iam/security-credentials"] = role
        items[f"iam/security-credentials/{role}"] = json.dumps(credentials())
    if life.spot_notice:
        items["spot/instance-action"] = json.dumps({"action": "terminate", "time": stamp(life.spot_notice)})
        items["spot/termination-time"] = stamp(life.spot_notice)
    if instance.metadata_options.instance_metadata_tags == "enabled":
        for tag in instance.get_tags():
            items[f"tags/instance/{tag['key']}"] = tag["value"]
    found = {f"meta-data/{path}": value for path, value in items.items()}
    found["dynamic/instance-identity/document"] = json.dumps(identity(life))
    if instance.user_data:
        found["user-data"] = base64.b64decode(str(instance.user_data))
    return found


def run_timer(life, command, wanted):
    if life.machine.pid is not None:
        with open(life.machine.console, "ab") as console:
            life.machine.start(command, {**life.environment(), **wanted}, stdout=console, stderr=console)


def power(life, request):
    def end():
        time.sleep(0 if request["force"] else 0.2)  # whoever asked gets its answer first
        (life.reboot if request["action"] == "reboot" else life.power_off)(request["force"])

    if request["delay"] is None:
        in_background(end)
    else:
        life.timers.cancel("shutdown")
        life.timers.arm("shutdown", request["delay"], request["action"], lambda: in_background(end))
    return {}


def arm(life, request):
    unit = (request["unit"] or f"run-{secrets.token_hex(4)}").removesuffix(".timer").removesuffix(".service")
    name, command = f"{unit}.timer", request["command"]
    armed = life.timers.arm(name, seconds_of(request["after"]), " ".join(command),
                            lambda: run_timer(life, command, request["environment"]))
    if not armed:
        return {"code": 1, "err": f"Failed to start transient timer unit: Unit {name} was already loaded or has "
                                  "a fragment file.\n"}
    return {"err": f"Running timer as unit: {name}\nWill run service as unit: {unit}.service\n"}


def of_units(life, request):
    armed = {line.split()[1] for line in life.timers.lines()}
    if request["do"] == "stop":
        for unit in request["units"]:
            life.timers.cancel(unit)
        return {}
    active = all(unit in armed for unit in request["units"])
    return {"out": "active\n" if active else "inactive\n", "code": 0 if active else 3}


def machine_asks(life, request):
    what = request["do"]
    if what == "power":
        return power(life, request)
    if what == "timer":
        return arm(life, request)
    if what == "timers":
        return {"out": "".join(f"{line}\n" for line in life.timers.lines())}
    if what == "cancel-shutdown":
        life.timers.cancel("shutdown")
        return {}
    return of_units(life, request)


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *unused):
        pass

    def life(self):
        asker = self.client_address[0]
        return next((life for life in list(cloud.lives.values()) if life.machine.address == asker), None)

    def reply(self, status, text, **headers):
        body = text if isinstance(text, bytes) else text.encode()
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self):
        life = self.life()
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        if life is None or self.path != "/local-ec2/machine":
            return self.reply(404, "")
        return self.reply(200, json.dumps(machine_asks(life, request)))

    def do_PUT(self):
        if self.path != "/latest/api/token" or not self.headers.get("X-aws-ec2-metadata-token-ttl-seconds"):
            return self.reply(400, "")
        token = secrets.token_hex(16)
        tokens.add(token)
        return self.reply(200, token, X_aws_ec2_metadata_token_ttl_seconds="21600")

    def do_GET(self):
        life = self.life()
        if life is None:
            return self.reply(404, "")
        options = life.instance.metadata_options
        if options.http_endpoint == "disabled":
            return self.reply(403, "")
        token = self.headers.get("X-aws-ec2-metadata-token")
        if (token or options.http_tokens == "required") and token not in tokens:
            return self.reply(401, "")
        found = metadata(life).get(self.path.removeprefix("/latest/"))
        return self.reply(404, "Not Found") if found is None else self.reply(200, found)

    do_HEAD = do_GET


def serve():
    server = http.server.ThreadingHTTPServer((METADATA, 80), Handler)
    server.daemon_threads = True
    in_background(server.serve_forever)
