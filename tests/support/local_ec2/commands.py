"""SSM's Run Command and inventory: scripts really run in the machines, as root."""
import os
import re
import shutil
import signal
import tempfile
import threading
import time
import uuid

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.ssm.responses import SimpleSystemManagerResponse as Responses

from . import light
from .cloud import cloud, in_background, settings
from .machine import PATH

STDOUT, STDERR, CUT = 24000, 8000, "--output truncated--"
PLUGIN = "aws:runShellScript"
commands = {}
lock = threading.Lock()


def cut(text, most):
    return text if len(text) <= most else text[:most - len(CUT)] + CUT


class Invocation:
    """One command on one instance."""

    def __init__(self, command, life):
        self.command, self.life = command, life
        self.status, self.details, self.code = "Pending", "Pending", -1
        self.out = self.err = ""
        self.begun = None
        self.ended = None
        self.process = None
        self.cancelled = False

    def end(self, status, details, code):
        self.status, self.details, self.code, self.ended = status, details, code, utcnow()

    def run(self):
        deadline = time.monotonic() + self.command["delivery"]
        while not self.life.is_online() and not self.cancelled:
            if time.monotonic() > deadline:
                return self.end("TimedOut", "DeliveryTimedOut", -1)
            if self.life.state() in ("terminated", "stopped"):
                return self.end("Failed", "Undeliverable", -1)
            time.sleep(0.02)
        if self.cancelled:
            return self.end("Cancelled", "Cancelled", -1)
        self.begun = utcnow()
        self.status = self.details = "InProgress"
        if cloud.light:
            return self.answer()
        try:
            self.work()
        except (OSError, ProcessLookupError):
            self.end("Failed", "Failed", -1)
        return None

    def answer(self):
        script = "\n".join(self.command["parameters"].get("commands", []))
        for item in settings["answers"]:
            if re.search(item.get("match", ""), script):
                time.sleep(item.get("takes", 0))
                self.out, self.err = cut(item.get("stdout", ""), STDOUT), cut(item.get("stderr", ""), STDERR)
                code = item.get("code", 0)
                return self.end("Success" if code == 0 else "Failed", "Success" if code == 0 else "Failed", code)
        self.out = light.respond(self.life, script) or ""
        return self.end("Success", "Success", 0)

    def folder(self):
        return (f"/var/lib/amazon/ssm/{self.life.id}/document/orchestration/{self.command['id']}"
                "/awsrunShellScript/0.awsrunShellScript")

    def work(self):
        script = f"{self.folder()}/_script.sh"
        parameters = self.command["parameters"]
        os.makedirs(self.life.machine.path(self.folder()), mode=0o700, exist_ok=True)
        with open(os.open(self.life.machine.path(script), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700), "w") as file:
            file.write("\n".join(parameters.get("commands", [])) + "\n")
        environment = {"PATH": PATH, "AWS_SSM_INSTANCE_ID": self.life.id, "AWS_ENDPOINT_URL": cloud.url,
                       "AWS_METADATA_SERVICE_TIMEOUT": "20",
                       "AWS_SSM_REGION_NAME": self.life.instance.region_name, "LANG": "C.UTF-8"}
        directory = (parameters.get("workingDirectory") or [""])[0] or "/usr/bin"
        limit = float((parameters.get("executionTimeout") or ["3600"])[0])
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            self.process = self.life.machine.start(["sh", "-c", script], environment, directory,
                                                   stdout=out, stderr=err)
            ended = self.wait(limit)
            out.seek(0)
            err.seek(0)
            self.out = cut(out.read(4 * STDOUT).decode(errors="replace"), STDOUT)
            self.err = cut(err.read(4 * STDERR).decode(errors="replace"), STDERR)
        shutil.rmtree(self.life.machine.path(self.folder()), ignore_errors=True)
        self.judge(ended)

    def wait(self, limit):
        """False when it took too long."""
        deadline = time.monotonic() + limit
        while self.process.poll() is None:
            if time.monotonic() > deadline or self.cancelled:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                return self.cancelled
            time.sleep(0.01)
        return True

    def judge(self, ended):
        code = self.process.returncode
        if self.cancelled:
            self.end("Cancelled", "Cancelled", -1)
        elif not ended:
            self.end("TimedOut", "TimedOut", 137)
        elif code == 194:  # it wants a reboot, and to be run again after it
            self.life.reboot()
            self.run()
        elif code == 0:
            self.end("Success", "Success", 0)
        else:
            self.end("Failed", "Failed", code if code > 0 else 128 - code)

    def cancel(self):
        self.cancelled = True
        if self.ended is None:
            self.status = self.details = "Cancelling"

    def entry(self):
        whole = self.status in ("Success", "Failed")
        return {"CommandId": self.command["id"], "InstanceId": self.life.id, "Comment": self.command["comment"],
                "DocumentName": self.command["document"], "PluginName": PLUGIN, "ResponseCode": self.code,
                "ExecutionStartDateTime": self.begun.isoformat() if self.begun else "",
                "ExecutionEndDateTime": self.ended.isoformat() if self.ended else "",
                "Status": self.status, "StatusDetails": self.details,
                "StandardOutputContent": self.out if whole else "", "StandardErrorContent": self.err if whole else "",
                "StandardOutputUrl": "", "StandardErrorUrl": ""}


def status_of(command):
    states = [item.status for item in command["invocations"].values()]
    for state in ("InProgress", "Pending", "Cancelling", "TimedOut", "Cancelled", "Failed"):
        if state in states:
            return state
    return "Success"


def shown(command):
    return {"CommandId": command["id"], "DocumentName": command["document"], "Comment": command["comment"],
            "Parameters": command["parameters"], "InstanceIds": list(command["invocations"]), "Targets": [],
            "RequestedDateTime": command["at"], "Status": status_of(command), "StatusDetails": status_of(command),
            "TimeoutSeconds": command["delivery"], "TargetCount": len(command["invocations"])}


def lives_here(self):
    backend = ec2_backends[self.current_account][self.region]
    return {instance.id: cloud.lives[instance.id] for instance in backend.all_instances()
            if instance.id in cloud.lives}


def send_command(self):
    here = lives_here(self)
    ids = self._get_param("InstanceIds", [])
    for wanted in ids:
        if wanted not in here or not here[wanted].is_registered():
            raise JsonRESTError("InvalidInstanceId", f"Instances [[{wanted}]] not in a valid state for account "
                                   f"{self.current_account}")
    document = self._get_param("DocumentName")
    if document != "AWS-RunShellScript":
        raise JsonRESTError("InvalidDocument", f"document {document} does not exist")
    command = {"id": str(uuid.uuid4()), "document": document, "comment": self._get_param("Comment", ""),
               "parameters": self._get_param("Parameters", {}), "at": utcnow(), "since": time.monotonic(),
               "delivery": self._get_int_param("TimeoutSeconds") or 3600}
    command["invocations"] = {wanted: Invocation(command, here[wanted]) for wanted in ids}
    with lock:
        commands[command["id"]] = command
    for invocation in command["invocations"].values():
        in_background(invocation.run)
    return ActionResult({"Command": shown(command)})


def get_command_invocation(self):
    command = commands.get(self._get_param("CommandId"))
    wanted = self._get_param("InstanceId")
    if (command is None or wanted not in command["invocations"]
            or time.monotonic() - command["since"] < settings["invocation_after"]):
        raise JsonRESTError("InvocationDoesNotExist", "")
    return ActionResult(command["invocations"][wanted].entry())


def list_command_invocations(self):
    wanted, instance_id = self._get_param("CommandId"), self._get_param("InstanceId")
    details = self._get_bool_param("Details", False)
    states = {item["value"] for item in self._get_param("Filters", []) or [] if item["key"] == "Status"}
    entries = []
    for command in list(commands.values()):
        for invocation in command["invocations"].values():
            if wanted not in (None, command["id"]) or instance_id not in (None, invocation.life.id):
                continue
            if states and invocation.status not in states:
                continue
            entry = {**invocation.entry(), "RequestedDateTime": command["at"]}
            if details:
                output = entry["StandardOutputContent"]
                entry["CommandPlugins"] = [{"Name": PLUGIN, "Status": entry["Status"], "ResponseCode": invocation.code,
                                            "StatusDetails": entry["StatusDetails"], "Output": cut(output, 2500)}]
            entries.append(entry)
    return ActionResult({"CommandInvocations": entries})


def list_commands(self):
    wanted = self._get_param("CommandId")
    found = [shown(command) for command in list(commands.values()) if wanted in (None, command["id"])]
    return ActionResult({"Commands": found})


def cancel_command(self):
    command = commands.get(self._get_param("CommandId"))
    if command is None:
        raise JsonRESTError("InvalidCommandId", "")
    ids = self._get_param("InstanceIds", []) or list(command["invocations"])
    for wanted in ids:
        command["invocations"][wanted].cancel()
    return EmptyResult()


def describe_instance_information(self):
    wanted = None
    for item in self._get_param("Filters", []) or []:
        if item["Key"] == "InstanceIds":
            wanted = item["Values"]
    for item in self._get_param("InstanceInformationFilterList", []) or []:
        if item["key"] == "InstanceIds":
            wanted = item["valueSet"]
    entries = []
    for life in lives_here(self).values():
        if (wanted is None or life.id in wanted) and life.is_registered():
            online = life.is_online()
            entries.append({"InstanceId": life.id, "PingStatus": "Online" if online else "ConnectionLost",
                            "LastPingDateTime": utcnow(), "AgentVersion": "3.3.0.0", "PlatformType": "Linux",
                            "PlatformName": "Debian GNU/Linux", "PlatformVersion": "12", "ResourceType": "EC2Instance",
                            "IPAddress": life.instance.private_ip, "ComputerName": life.instance.private_dns_name})
    return ActionResult({"InstanceInformationList": entries})


def start_session(self):
    """A session by itself: what its plugin would do is the test's."""
    life = lives_here(self).get(self._get_param("Target"))
    if life is None or not life.is_online():
        raise JsonRESTError("TargetNotConnected", f"{self._get_param('Target')} is not connected.")
    return ActionResult({"SessionId": "session-1", "TokenValue": "token", "StreamUrl": "wss://127.0.0.1/none"})


def install():
    for operation in (send_command, get_command_invocation, list_command_invocations, list_commands, cancel_command,
                      describe_instance_information, start_session):
        setattr(Responses, operation.__name__, operation)
