"""What cloud-init would make of an instance's user data and key: words for boot.py."""
import email
import gzip
import shlex

import yaml

from .cloud import cloud
from .machine import PATH

USER = "admin"
SCRIPTS = "/var/lib/cloud/instance/scripts"


def parts(user_data):
    """(content type, text, how to merge it) of each part."""
    if user_data[:2] == b"\x1f\x8b":
        user_data = gzip.decompress(user_data)
    text = user_data.decode()
    if text.startswith(("Content-Type: multipart/", "MIME-Version:")):
        for part in email.message_from_string(text).walk():
            if not part.is_multipart():
                merge = part.get("Merge-Type") or part.get("X-Merge-Type") or ""
                yield part.get_content_type(), part.get_payload(decode=True).decode(), merge
    elif text.startswith("#cloud-config"):
        yield "text/cloud-config", text, ""
    elif text.startswith("#!"):
        yield "text/x-shellscript", text, ""
    elif text.startswith("#cloud-boothook"):
        yield "text/cloud-boothook", text, ""
    elif text:
        yield "text/plain", text, ""


def commands(items):
    """A list of commands as the lines of a script, as cloud-init writes it."""
    lines = [item if isinstance(item, str) else shlex.join(map(str, item)) for item in items or []]
    return "\n".join(lines)


def merge(config, read, how):
    """A later part replaces what an earlier one said, unless its Merge-Type wants lists kept."""
    for key, value in read.items() if isinstance(read, dict) else ():
        keep = "list(append)" in how and isinstance(value, list) and isinstance(config.get(key), list)
        config[key] = config[key] + value if keep else value


def key_files(config):
    files = []
    for name, text in (config.get("ssh_keys") or {}).items():
        kind, _, half = name.partition("_")
        if half in ("private", "public"):
            public = half == "public"
            path = f"/etc/ssh/ssh_host_{kind}_key" + (".pub" if public else "")
            files.append([path, 0o644 if public else 0o600, "root", text.rstrip("\n") + "\n"])
    return files


def boot_words(user_data, public_key, is_first_boot, address):
    """`early`, `late`, `files`, `delete`, `sshd`, `environment` of boot.py for this boot."""
    config, scripts, complaints = {}, [], []
    early = []
    for kind, text, how in parts(user_data):
        if kind == "text/cloud-config":
            try:
                merge(config, yaml.safe_load(text) or {}, how)
            except yaml.YAMLError as failure:
                complaints.append(f"cloud-init: invalid cloud-config: {failure}")
        elif kind == "text/cloud-boothook":
            early.append(text)
        elif kind == "text/x-shellscript":
            scripts.append(text)
        else:
            complaints.append(f"cloud-init: user data of kind {kind} is left alone")
    early += [f"echo {shlex.quote(line)} >&2" for line in complaints]
    early.append(commands(config.get("bootcmd")))
    words = {"early": [script for script in early if script], "late": [], "files": [], "delete": [],
             "sshd": ["/usr/sbin/sshd", "-D", "-e"], "environment": environment()}
    if not is_first_boot:
        return words
    words["delete"] = ["/etc/ssh/ssh_host_*key*"] if config.get("ssh_deletekeys", True) else []
    words["files"] = key_files(config)
    name = "ip-" + address.replace(".", "-")
    words["files"] += [["/etc/hostname", 0o644, "root", name + "\n"],
                       ["/etc/hosts", 0o644, "root", f"127.0.0.1 localhost\n127.0.1.1 {name}\n"]]
    words["files"].append(["/etc/sudoers.d/90-cloud-init-users", 0o440, "root", f"{USER} ALL=(ALL) NOPASSWD:ALL\n"])
    keys = [key.strip() for key in [public_key or "", *(config.get("ssh_authorized_keys") or [])] if key.strip()]
    for user, home in (("root", "/root"), (USER, f"/home/{USER}")) if keys else ():
        words["files"].append([f"{home}/.ssh/authorized_keys", 0o600, user, "\n".join(keys) + "\n"])
    for number, text in enumerate(scripts):
        path = f"{SCRIPTS}/part-{number + 1:03d}"
        words["files"].append([path, 0o700, "root", text])
        words["late"].append(path)
    if config.get("runcmd"):
        words["files"].append([f"{SCRIPTS}/runcmd", 0o700, "root", "#!/bin/sh\n" + commands(config["runcmd"]) + "\n"])
        words["late"].append(f"{SCRIPTS}/runcmd")
    words["files"].append(["/var/lib/cloud/instance/boot-finished", 0o644, "root", "done\n"])
    return words


def environment():
    return {"PATH": PATH, "LANG": "C.UTF-8", "AWS_ENDPOINT_URL": cloud.url,
            "AWS_METADATA_SERVICE_TIMEOUT": "20"}
