"""The layer that makes this machine's root an image: what is not to be seen is hidden, and what an
image of EC2 has is added. The programs that speak with systemd are stood in for."""
import os
import shutil
import sys

from .cloud import METADATA, cloud
from .cloud_config import USER

HIDDEN = ["root/.ssh", "home", "var/lib/toehold", "var/lib/cloud", "var/lib/amazon", "var/log", "etc/ssh", "tmp", "run"]
STOOD_IN = ["usr/bin/systemctl", "usr/bin/systemd-run", "usr/sbin/shutdown", "usr/sbin/reboot",
            "usr/sbin/poweroff", "usr/sbin/halt", "usr/bin/cloud-init"]
SSHD = """PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
SetEnv AWS_ENDPOINT_URL={url} AWS_METADATA_SERVICE_TIMEOUT=20
Subsystem sftp internal-sftp
"""


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def hide(layer, name, mode):
    folder = os.path.join(layer, name)
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, mode)
    os.setxattr(folder, "trusted.overlay.opaque", b"y")


def lines_of(path):
    with open(path) as file:
        return file.read().splitlines()


def add_user(layer):
    """The image's own user; and root has no password that sshd would call locked."""
    users = [line for line in lines_of("/etc/passwd") if not line.startswith(f"{USER}:")]
    taken = {line.split(":")[2] for line in users}
    # Far from what useradd gives: other tests look for the processes of their own users.
    number = next(number for number in range(47000, 60000) if str(number) not in taken)
    write(f"{layer}/etc/passwd", "\n".join([*users, f"{USER}:x:{number}:{number}::/home/{USER}:/bin/bash", ""]))
    groups = [line for line in lines_of("/etc/group") if not line.startswith(f"{USER}:")]
    write(f"{layer}/etc/group", "\n".join([*groups, f"{USER}:x:{number}:", ""]))
    others = [line for line in lines_of("/etc/shadow") if line.split(":")[0] not in (USER, "root")]
    write(f"{layer}/etc/shadow", "\n".join(["root:*:19000::::::", *others, f"{USER}:*:19000:0:99999:7:::", ""]), 0o640)
    write(f"{layer}/etc/sudoers.d/90-cloud-init-users", f"{USER} ALL=(ALL) NOPASSWD:ALL\n", 0o440)
    for folder in (f"{layer}/home/{USER}", f"{layer}/home/{USER}/.ssh"):
        os.makedirs(folder)
        os.chmod(folder, 0o700)
        os.chown(folder, number, number)


def stand_in(layer):
    """Real ones stay reachable for what they can do without a systemd that runs."""
    library = f"{layer}/usr/lib/local-ec2"
    os.makedirs(library)
    if os.path.exists("/usr/bin/systemctl"):
        shutil.copy("/usr/bin/systemctl", f"{library}/systemctl")
    with open(os.path.join(os.path.dirname(__file__), "stand_in.py")) as file:
        text = file.read()
    # Ours may be of a home folder, which is hidden.
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else os.path.realpath(sys.executable)
    for name in STOOD_IN:
        write(f"{layer}/{name}", f"#!{python} -IS\n{text.replace('METADATA', METADATA)}", 0o755)


def make_base(folder):
    layer = os.path.join(folder, "base")
    os.makedirs(layer)
    os.chmod(layer, 0o755)
    for parent in ("etc", "usr/bin", "usr/sbin", "usr/lib", "var/lib", "root"):
        os.makedirs(f"{layer}/{parent}", exist_ok=True)
    for name in HIDDEN:
        hide(layer, name, {"tmp": 0o1777, "root/.ssh": 0o700}.get(name, 0o755))
    os.chmod(f"{layer}/root", 0o700)
    write(f"{layer}/etc/ssh/sshd_config", SSHD.format(url=cloud.url))
    write(f"{layer}/etc/ssh/ssh_config", "")
    write(f"{layer}/etc/machine-id", "0123456789abcdef0123456789abcdef\n", 0o444)
    os.makedirs(f"{layer}/var/log/apt")
    add_user(layer)
    stand_in(layer)
    return layer
