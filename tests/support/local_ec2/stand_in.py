# systemd's programs for a machine whose first process is not systemd: reboots, ends and timers go to
# the cloud that runs the machine; the rest is answered as on a machine where all is well.
import json
import os
import socket
import sys

REAL = "/usr/lib/local-ec2/systemctl"
name = os.path.basename(sys.argv[0])
words = sys.argv[1:]


def tell(request):
    """Asks the cloud; ends with what it says."""
    body = json.dumps({**request, "directory": os.getcwd()}).encode()
    with socket.create_connection(("METADATA", 80), timeout=30) as connection:
        connection.sendall(b"POST /local-ec2/machine HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    answer = json.loads(answer.split(b"\r\n\r\n", 1)[1])
    if not {"-q", "--quiet"} & set(words) or answer.get("code"):
        print(answer.get("out", ""), end="")
        print(answer.get("err", ""), end="", file=sys.stderr)
    sys.stdout.flush()
    sys.exit(answer.get("code", 0))


def power(action, delay=None, force=False):
    if os.geteuid() != 0:
        sys.exit("Access denied: only root may do this")
    tell({"do": "power", "action": action, "delay": delay, "force": force})


def systemctl():
    plain = [word for word in words if not word.startswith("-")]
    verb = plain[0] if plain else "list-units"
    if verb in ("reboot", "poweroff", "halt"):
        power("reboot" if verb == "reboot" else "poweroff", force="--force" in words or "-f" in words)
    if verb == "list-timers":
        tell({"do": "timers"})
    if verb in ("stop", "is-active", "status", "show") and any(word.endswith(".timer") for word in plain):
        tell({"do": verb, "units": plain[1:]})
    if verb == "is-system-running":
        print("running")
    elif verb in ("enable", "disable", "is-enabled", "mask", "unmask", "preset") and os.path.exists(REAL):
        os.environ["SYSTEMD_OFFLINE"] = "1"
        os.execv(REAL, ["systemctl", *words])
    elif verb == "is-active":
        print("inactive")
        sys.exit(3)


def shutdown():
    action, time = "poweroff", None
    for word in words:
        if word in ("-r", "--reboot"):
            action = "reboot"
        elif word == "-c":
            tell({"do": "cancel-shutdown"})
        elif not word.startswith("-") and time is None:
            time = word
    if time is None:
        time = "+1"
    if time == "now" or time == "+0":
        power(action)
    power(action, 60 * int(time.lstrip("+")))


def split_run(words):
    """Options and the command of systemd-run."""
    with_value = {"-u": "unit", "-p": "property", "-E": "setenv", "-H": "host", "-M": "machine"}
    options, flags, index = [], [], 0
    while index < len(words) and words[index].startswith("-"):
        word = words[index]
        index += 1
        if word == "--":
            break
        if word in with_value or (word.startswith("--") and "=" not in word and word[2:] in (
                "unit", "property", "setenv", "on-active", "on-boot", "timer-property", "description", "uid",
                "gid", "slice", "service-type", "working-directory", "nice")):
            options.append((with_value.get(word, word[2:]), words[index]))
            index += 1
        elif "=" in word and word.startswith("--"):
            key, _, value = word[2:].partition("=")
            options.append((key, value))
        else:
            flags.append(word)
    return options, flags, words[index:]


def systemd_run():
    options, flags, command = split_run(words)
    single = dict(options)
    environment = dict(value.partition("=")[::2] for key, value in options if key == "setenv")
    for key, _ in options:
        if key.startswith("on-") and key not in ("on-active", "on-boot"):
            sys.exit(f"local EC2: systemd-run --{key} is not stood in for")
    if "on-active" in single or "on-boot" in single:
        tell({"do": "timer", "unit": single.get("unit"), "command": command, "environment": environment,
              "after": single.get("on-active") or single["on-boot"]})
    os.environ.update(environment)
    if "working-directory" in single:
        os.chdir(single["working-directory"])
    waits = {"--wait", "-P", "--pipe", "-t", "--pty", "--scope", "-S", "--shell"} & set(flags)
    if not waits:
        if os.fork() != 0:
            sys.exit(0)
        os.setsid()
        nothing = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
    os.execvp(command[0], command)


if name == "systemctl":
    systemctl()
elif name == "systemd-run":
    systemd_run()
elif name == "shutdown":
    shutdown()
elif name in ("reboot", "poweroff", "halt"):
    power("reboot" if name == "reboot" else "poweroff", force="-f" in words)
elif name == "cloud-init" and words[:1] == ["status"]:
    print("status: done")
