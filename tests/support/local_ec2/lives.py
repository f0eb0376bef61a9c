"""What becomes of each instance: boots, reboots, stops and ends, asked for from either side."""
import base64
import copy
import re
import signal
import threading
import time

from . import faults
from .cloud import cloud, in_background, settings
from .cloud_config import boot_words, environment
from .machine import make_machine
from .timers import Timers

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
USER_INITIATED = ("Client.UserInitiatedShutdown", "User initiated shutdown")
ITS_OWN = ("Client.InstanceInitiatedShutdown", "Instance initiated shutdown")


class Life:
    def __init__(self, instance, layers):
        self.instance = instance
        self.id = instance.id
        self.work = threading.RLock()    # held by what changes the machine
        self.down = threading.Event()    # the machine has no processes
        self.down.set()
        self.ordered = False             # it ends because we ended it
        self.has_booted = False
        self.up_since = None
        self.was_online = False
        self.spot_notice = None          # when it ends for that
        self.timers = Timers(self)
        self.machine = make_machine(instance.id, layers, instance.private_ip)

    def set_state(self, name, reason=("", "")):
        code, text = reason
        state = self.instance._state
        state.name, state.code = name, CODES[name]
        stamp = time.strftime("%Y-%m-%d %H:%M:%S GMT", time.gmtime())
        self.instance._reason = f"{text} ({stamp})" if text else ""
        self.instance.state_reason.code = code
        self.instance.state_reason.message = f"{code}: {text}" if text else ""

    def state(self):
        return self.instance._state.name

    def launch(self):
        """From pending to running; or at once to its end, when the test wants it so."""
        begun = time.monotonic()
        with self.work:
            fault = faults.take("Boot", {"InstanceType": self.instance.instance_type, "InstanceId": self.id})
            if fault:
                self.finish((fault["code"], fault.get("message", fault["code"])))
                return
            if self.state() == "pending":
                self.boot()
        time.sleep(max(0.0, begun + settings["pending_for"] - time.monotonic()))
        with self.work:
            if self.state() == "pending":
                self.set_state("running")

    def boot(self):
        key = self.instance.ec2_backend.key_pairs.get(self.instance.key_name)
        user_data = self.instance.user_data
        data = base64.b64decode(str(user_data)) if user_data else b""
        words = boot_words(data, key.public_key if key else "", not self.has_booted, self.machine.address)
        words["grace"] = settings["grace"]
        self.up_since = None
        self.down.clear()
        self.machine.boot(words, self.on_end)
        self.has_booted = True
        while self.machine.pid is None and not self.down.is_set():
            time.sleep(0.002)
        self.up_since = time.monotonic()

    def on_end(self, cause):
        self.timers.clear()
        self.down.set()
        if not self.ordered:
            in_background(self.after_end, cause)

    def after_end(self, cause):
        """It ended by itself, by reboot(2) or because its first process is gone."""
        with self.work:
            if self.state() not in ("running", "pending"):
                return
            if cause == "reboot":
                self.boot()
            elif cause == "poweroff":
                self.end_by_behaviour()
            else:
                self.set_state("stopped", ("Server.InternalError", "Internal error on launch or in use"))

    def end_processes(self, force=False):
        self.ordered = True
        self.machine.booted.clear()  # its SSM agent is the first to go
        if not self.down.is_set():
            self.machine.signal(signal.SIGKILL if force else signal.SIGTERM)
            if not self.down.wait(settings["grace"] + 2):
                self.machine.signal(signal.SIGKILL)
                self.down.wait(5)
        self.ordered = False

    def reboot(self, force=False):
        with self.work:
            if self.state() == "running":
                self.end_processes(force)
                self.boot()

    def end_by_behaviour(self):
        if self.instance.instance_initiated_shutdown_behavior == "terminate":
            self.set_state("shutting-down", ITS_OWN)
            self.finish(ITS_OWN)
        else:
            self.set_state("stopped", ITS_OWN)

    def power_off(self, force=False):
        """As the instance asked for it."""
        with self.work:
            if self.state() in ("running", "pending"):
                ends = self.instance.instance_initiated_shutdown_behavior == "terminate"
                self.set_state("shutting-down" if ends else "stopping", ITS_OWN)
                self.end_processes(force)
                self.end_by_behaviour()

    def stop(self, reason=USER_INITIATED, force=False):
        begun = time.monotonic()
        with self.work:
            self.end_processes(force)
            time.sleep(max(0.0, begun + settings["stop_takes"] - time.monotonic()))
            if self.state() == "stopping":
                self.set_state("stopped", reason)

    def start(self):
        with self.work:
            if self.state() == "pending":
                self.boot()
                self.set_state("running")

    def terminate(self, reason=USER_INITIATED):
        begun = time.monotonic()
        with self.work:
            self.end_processes(force=True)
            time.sleep(max(0.0, begun + settings["stop_takes"] - time.monotonic()))
            self.finish(reason)

    def finish(self, reason):
        """Nothing of it stays but its entry."""
        if self.state() == "terminated":
            return
        self.end_processes(force=True)
        self.machine.remove()
        original_terminate(self.instance)
        self.set_state("terminated", reason)

    def crash(self):
        self.machine.signal(signal.SIGKILL)

    def interrupt(self, seconds):
        """EC2 takes a spot instance back."""
        self.spot_notice = time.time() + seconds

        def take_back():
            time.sleep(seconds)
            if self.state() == "running":
                self.set_state("shutting-down", SPOT)
                self.terminate(SPOT)

        in_background(take_back)

    def is_online(self):
        backend = self.instance.ec2_backend
        up_since = self.up_since  # another thread may boot it now
        online = (settings["ssm"] and self.state() in ("running", "pending") and self.machine.booted.is_set()
                  and self.id in backend.iam_instance_profile_associations
                  and up_since is not None and time.monotonic() - up_since >= settings["online_after"])
        self.was_online = self.was_online or online
        return online

    def is_registered(self):
        """SSM goes on to take commands for what it has lost for a while, as at a reboot."""
        return self.is_online() or (self.was_online and self.state() == "running")

    def environment(self):
        return environment()


SPOT = ("Server.SpotInstanceTermination", "Spot instance termination")


def original_terminate(instance):  # replaced by instances.py, which knows moto's
    raise NotImplementedError


def life_of(instance_id):
    """moto shows an instance a moment before it has a life."""
    end = time.monotonic() + 10
    while instance_id not in cloud.lives and time.monotonic() < end:
        time.sleep(0.002)
    return cloud.lives[instance_id]


def previous(instance):
    return copy.copy(instance._state)


def seconds_of(span):
    """systemd's time spans: "90", "1h 30min", "600s"."""
    units = {"": 1, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hr": 3600, "d": 86400, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([0-9.]+)\s*([a-z]*)", str(span)))
