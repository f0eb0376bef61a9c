#!/usr/bin/env python3
"""Cuts the power of a virtual machine (kill -9 of QEMU) at random moments of a document of 20 steps,
boots it again, gives the same command, and checks what kill_agent.py checks. The ledger is a file
of this machine behind the guest's second serial port: what it holds has left the guest.

  power_cut.py --agent toehold-agent --disk base.qcow2 --times 50 [--seed N]

The disk is one that boots with systemd 252 or later and sshd, as toehold makes for
`mmdebstrap:bookworm`; it is not changed.
"""
import argparse
import base64
import collections
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ledger  # noqa: E402

BOOT = 300  # seconds; an emulated machine beside other work
NOTED = re.compile(r"(begin|end) \d+")
NOTE = "sh -c 'echo \"$0\" >/dev/ttyS1'"


class Machine:
    def __init__(self, folder, disk, accelerator):
        self.folder, self.accelerator, self.process = folder, accelerator, None
        self.disk, self.ledger = f"{folder}/disk.qcow2", f"{folder}/ledger"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", disk, "-F", "qcow2", self.disk],
                       check=True)
        for key in ("login", "host"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{key}"],
                           check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        read = lambda name: open(f"{folder}/{name}", "rb").read()
        line = lambda path, mode, content: \
            f"f+~ {path} {mode} root root - {base64.b64encode(content).decode()}\n"
        lines = ("d /root/.ssh 0700 root root -\n" +
                 line("/root/.ssh/authorized_keys", "0600", read("login.pub")) +
                 line("/etc/ssh/ssh_host_ed25519_key", "0600", read("host")) +
                 line("/etc/ssh/ssh_host_ed25519_key.pub", "0644", read("host.pub")))
        with open(f"{folder}/smbios", "w") as file:
            file.write("io.systemd.credential.binary:tmpfiles.extra=" +
                       base64.b64encode(lines.encode()).decode())
        with open(f"{folder}/known_hosts", "wb") as file:
            file.write(f"[127.0.0.1]:{self.port} ".encode() + read("host.pub"))
        open(self.ledger, "w").close()

    def boot(self):
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", self.accelerator, "-cpu",
             "host" if self.accelerator == "kvm" else "qemu64", "-m", "768", "-smp", "2", "-display",
             "none", "-nodefaults", "-no-user-config", "-drive",
             f"file={self.disk},if=virtio,format=qcow2", "-netdev",
             f"user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22", "-device",
             "virtio-net-pci,netdev=n,romfile=", "-device", "virtio-rng-pci", "-smbios",
             f"type=11,path={self.folder}/smbios", "-chardev",
             f"file,id=console,append=on,path={self.folder}/console", "-serial", "chardev:console",
             "-chardev", f"file,id=ledger,append=on,path={self.ledger}", "-serial", "chardev:ledger"],
            stdin=subprocess.DEVNULL)
        end = time.monotonic() + BOOT
        while self.ssh("true", timeout=10).returncode != 0:
            assert self.process.poll() is None, "QEMU has ended"
            assert time.monotonic() < end, "it does not boot: " + open(f"{self.folder}/console").read()[-2000:]
            time.sleep(0.5)

    def ssh_words(self, command):
        return ["ssh", "-F", "none", "-q", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o",
                f"UserKnownHostsFile={self.folder}/known_hosts", "-i", f"{self.folder}/login", "-p",
                str(self.port), "root@127.0.0.1", command]

    def ssh(self, command, timeout=BOOT, text=""):
        try:
            return subprocess.run(self.ssh_words(command), input=text, text=True, capture_output=True,
                                  timeout=timeout)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess([], 255, "", "timed out")

    def must(self, command, text=""):
        done = self.ssh(command, text=text)
        assert done.returncode == 0, (command, done.returncode, done.stderr)
        return done.stdout

    def cut(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None


def journal(machine, place):
    return ledger.read_events(machine.must(f"cat {place}/state/events.jsonl 2>/dev/null || true"))


def log(machine, place, before):
    folders = machine.must(f"ls -dtr {place}/logs/TOE_*").split()
    if not before:  # cut before the run had begun: what is left of it is an empty log
        del folders[:-1]
    assert len(folders) == 1, ("more than one log", folders)
    return ledger.read_events(machine.must(f"cat {folders[0]}/events.jsonl"))


def one(machine, kind, place, moment):
    """None when the run ended before the moment; else what the cut met."""
    open(machine.ledger, "w").close()
    text = ledger.document(kind, NOTE, "head -c 100000 /dev/urandom | sha256sum")
    machine.must(f"mkdir -p {place} && cat >{place}/doc.yml && sync", text)
    run = (f"/opt/toehold-agent run --documents {place}/doc.yml --state-directory {place}/state "
           f"--log-directory {place}/logs")
    process = subprocess.Popen(machine.ssh_words(run), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(moment)
    if process.poll() is not None:
        return None
    machine.cut()
    process.wait()
    machine.boot()
    before = journal(machine, place)
    code = machine.ssh(run).returncode
    after = log(machine, place, before)
    # A line that the cut went through is no note; the port turns \n into \r\n.
    lines = [line.strip("\r\0") for line in open(machine.ledger, errors="replace").read().split("\n")]
    whole = [line for line in lines if NOTED.fullmatch(line)]
    try:
        return ledger.check(kind, whole, before, after, code)
    except AssertionError as wrong:
        raise AssertionError(f"{wrong}\nledger {lines}\nlast events before the cut {before[-3:]}") from None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", required=True)
    parser.add_argument("--disk", required=True)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--accelerator", default="tcg")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    met = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="toehold-power.") as folder:
        machine = Machine(folder, os.path.abspath(options.disk), options.accelerator)
        try:
            machine.boot()
            with open(options.agent, "rb") as agent:
                machine.must("base64 -d >/opt/toehold-agent && chmod 755 /opt/toehold-agent && sync",
                             base64.b64encode(agent.read()).decode())
            longest, tries = 4.0, 0
            while sum(met.values()) < options.times:
                kind = chance.choice(list(ledger.KINDS))
                tries += 1
                what = one(machine, kind, f"/opt/r{tries}", chance.uniform(0.1, longest))
                if what is None:
                    longest = max(1.0, longest * 0.9)
                    continue
                longest *= 1.03
                met[f"{what}, {kind}"] += 1
                print(f"cut {sum(met.values())} of {options.times}: {what}, {kind}", flush=True)
        except AssertionError as wrong:
            print(f"FAILED: seed {options.seed}, cut {sum(met.values()) + 1}: {wrong}")
            return 1
        finally:
            if machine.process:
                machine.cut()
    print(f"seed {options.seed}: power cut {options.times} times: " +
          "; ".join(f"{count} {what}" for what, count in sorted(met.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
