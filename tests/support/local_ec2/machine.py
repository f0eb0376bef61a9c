"""The machine of one instance: its folders, its network and its processes."""
import json
import os
import shutil
import subprocess
import sys
import threading
import uuid

from .cloud import GATEWAY, cloud

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT = os.path.join(os.path.dirname(__file__), "boot.py")


def ip(*batches):
    """Runs `ip` once for each: its options, then its batch."""
    for *options, text in batches:
        subprocess.run(["ip", *options, "-batch", "-"], input=text, text=True, check=True)


class Machine:
    def __init__(self, name, layers, address):
        self.name = name
        self.layers = layers
        self.address = address
        self.folder = os.path.join(cloud.folder, name)
        self.host = "ip-" + address.replace(".", "-")
        self.pid = None       # of its first process, while there is one
        self.process = None   # boot.py
        self.booted = threading.Event()  # all that it does at boot is done
        for part in ("upper", "work", "root"):
            os.makedirs(os.path.join(self.folder, part))
        self.console = os.path.join(self.folder, "console")
        link = "v" + name[-12:]
        subprocess.run(["ip", "netns", "add", name], check=True)
        ip([f"link add {link} type veth peer name eth0 netns {name}\n"
            f"link set {link} master cloud0 up\n"
            f"route replace {address}/32 dev cloud0 src {GATEWAY}\n"],
           ["-n", name, f"addr add {address}/32 dev eth0\nlink set lo up\nlink set eth0 up\n"
            f"route add {GATEWAY}/32 dev eth0\nroute add default via {GATEWAY} src {address}\n"])

    def boot(self, config, on_end):
        """Starts it; on_end(CAUSE) is called from a thread when it has ended, however that came."""
        boot_id = os.path.join(self.folder, "boot-id")
        with open(boot_id, "w") as file:
            file.write(f"{uuid.uuid4()}\n")
        parts = {part: os.path.join(self.folder, part) for part in ("root", "upper", "work")}
        config = {**config, **parts, "layers": self.layers, "boot_id": boot_id, "hostname": self.host}
        path = os.path.join(self.folder, "boot.json")
        with open(path, "w") as file:
            json.dump(config, file)
        reading, writing = os.pipe()
        with open(self.console, "ab") as console:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.name}", "unshare", "--mount", "--uts", "--ipc", "--pid",
                 sys.executable, "-I", "-S", BOOT, path, str(writing)],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, pass_fds=[writing],
                start_new_session=True)
        os.close(writing)
        self.booted.clear()
        threading.Thread(target=self.watch, args=(self.process, reading, on_end), daemon=True).start()

    def watch(self, process, reading, on_end):
        cause = "killed"
        with os.fdopen(reading) as lines:
            for line in lines:
                word, _, value = line.strip().partition(" ")
                if word == "pid":
                    self.pid = int(value)
                elif word == "up":
                    self.booted.set()
                elif word == "ended":
                    cause = value
        process.wait()
        self.pid = None
        self.booted.clear()
        on_end(cause)

    def signal(self, number):
        pid = self.pid
        if pid is not None:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def start(self, words, environment, directory="/", **options):
        """A process in there, as root; a Popen of nsenter, whose process group is the program's too."""
        return subprocess.Popen(
            ["nsenter", "--target", str(self.pid), "--mount", "--uts", "--ipc", "--net", "--pid",
             "--root", "--wdns=" + directory, "/usr/bin/env", "-i",
             *[f"{key}={value}" for key, value in environment.items()], *words],
            stdin=subprocess.DEVNULL, start_new_session=True, **options)

    def path(self, inside):
        """A path in there as one of ours, while it runs."""
        return f"/proc/{self.pid}/root{inside}"

    def copy_to_layer(self, folder):
        """What it has written so far, as a layer for other machines to start from."""
        subprocess.run(["cp", "-a", os.path.join(self.folder, "upper"), folder], check=True)

    def remove(self):
        subprocess.run(["ip", "netns", "delete", self.name], check=False)
        ip([f"route flush {self.address}/32 dev cloud0\n"])
        shutil.rmtree(self.folder, ignore_errors=True)


class LightMachine:
    """The same without processes: it is up at once and does what it is told."""

    def __init__(self, name, layers, address):
        self.name, self.layers, self.address = name, layers, address
        self.console = "/dev/null"
        self.pid = None
        self.booted = threading.Event()
        self.on_end = None

    def boot(self, _, on_end):
        self.on_end = on_end
        self.pid = os.getpid()
        self.booted.set()

    def signal(self, _):
        self.booted.clear()
        self.pid = None
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end("poweroff")

    def copy_to_layer(self, _):
        pass

    def remove(self):
        pass


def make_machine(name, layers, address):
    return (LightMachine if cloud.light else Machine)(name, layers, address)
