"""Starts the machine of one instance and stays until it has ended; a program of its own.

  unshare --mount --uts --ipc --pid boot.py CONFIG TELL

CONFIG is a JSON file: `root` (an empty folder to mount at), `layers` (lowest last), `upper`, `work`,
`boot_id` (a file), `hostname`, `environment`, `delete` (patterns), `files` ([path, mode, user, text]),
`early` and `late` (scripts), `sshd` (its words; empty: none), `grace` (seconds to end in). TELL is a
descriptor that gets a line for each thing that happened: "pid N" (of its first process), "sshd",
"up", and "ended CAUSE" with poweroff, reboot, killed or failed. Standard output is the console.
SIGTERM to the first process ends the machine as a shutdown does.
"""
import ctypes
import glob
import json
import os
import pwd
import signal
import subprocess
import sys
import time

RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


started = []  # kept, as a Popen that nobody holds waits for its process by itself


class Shutdown(Exception):
    pass


def checked(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount(source, target, kind="", flags=0, data=""):
    words = [word.encode() for word in (source, target, kind)]
    checked(libc.mount(*words, flags, data.encode()), f"mount {target}")


def make_devices(folder):
    os.umask(0)
    mount("dev", folder, "tmpfs", NOSUID, "mode=755")
    for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
        os.mknod(f"{folder}/{name}", 0o20666, os.makedev(1, minor))
    os.mknod(f"{folder}/tty", 0o20666, os.makedev(5, 0))
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("ptmx", "pts/ptmx"),
                         ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2")):
        os.symlink(target, f"{folder}/{name}")
    for name in ("pts", "shm"):
        os.mkdir(f"{folder}/{name}")
    mount("devpts", f"{folder}/pts", "devpts", NOSUID | NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5")
    mount("shm", f"{folder}/shm", "tmpfs", NOSUID | NODEV)
    os.umask(0o022)


def protect_kernel(proc, boot_id):
    """What all machines here share is to be read only; the network's part is this one's own."""
    mount(f"{proc}/sys", f"{proc}/sys", flags=BIND)
    mount("", f"{proc}/sys", flags=BIND | REMOUNT | RDONLY)
    mount(f"{proc}/sys/net", f"{proc}/sys/net", flags=BIND)
    mount("", f"{proc}/sys/net", flags=BIND | REMOUNT)
    if os.path.exists(f"{proc}/sysrq-trigger"):
        mount("/dev/null", f"{proc}/sysrq-trigger", flags=BIND)
    mount(boot_id, f"{proc}/sys/kernel/random/boot_id", flags=BIND)


def enter_root(config):
    root = config["root"]
    mount("none", "/", flags=REC | PRIVATE)
    mount("overlay", root, "overlay", 0, f"lowerdir={':'.join(config['layers'])},upperdir={config['upper']},"
          f"workdir={config['work']},index=off,metacopy=off,redirect_dir=off")
    for name in ("proc", "sys", "dev", "run", "tmp"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    mount("proc", f"{root}/proc", "proc", NOSUID | NODEV | NOEXEC)
    mount("sysfs", f"{root}/sys", "sysfs", RDONLY | NOSUID | NODEV | NOEXEC)
    mount("run", f"{root}/run", "tmpfs", NOSUID | NODEV, "mode=755")
    mount("tmp", f"{root}/tmp", "tmpfs", NOSUID | NODEV, "mode=1777")
    make_devices(f"{root}/dev")
    protect_kernel(f"{root}/proc", config["boot_id"])
    os.chdir(root)
    checked(libc.pivot_root(b".", b"."), "pivot_root")
    checked(libc.umount2(b".", 2), "umount")
    os.chdir("/")
    for name in ("lock", "sshd", "systemd/system"):
        os.makedirs(f"/run/{name}", exist_ok=True)


def write_files(config):
    for pattern in config["delete"]:
        for path in glob.glob(pattern):
            os.unlink(path)
    for path, mode, user, text in config["files"]:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        entry = pwd.getpwnam(user)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        os.chmod(path, mode)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def spawn(words, **options):
    started.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True, **options))
    return started[-1].pid


def run(words):
    """Runs a program to its end; what else ends meanwhile is reaped on the way."""
    child = spawn(words)
    while True:
        pid, status = os.wait()
        if pid == child:
            if status != 0:
                print(f"{words[0]}: exit {os.waitstatus_to_exitcode(status)}", flush=True)
            return


def serve(words, tell):
    """The life of the first process once all is up: sshd is kept running, orphans are reaped."""
    starts, server = 0, None
    while True:
        if words and server is None and starts < 5:
            starts += 1
            server = spawn(words)
            tell("sshd")
        try:
            if os.wait()[0] == server:
                server = None
                time.sleep(0.05)
        except ChildProcessError:
            signal.pause()


def end_all(grace):
    """As a shutdown does: SIGTERM to all, and what does not heed it goes with the first process."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("shutting down", flush=True)
    os.kill(-1, signal.SIGTERM)
    os.kill(-1, signal.SIGCONT)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.005)
        except ChildProcessError:
            return


def first_process(config, tell):
    def shut_down(*_):
        raise Shutdown

    signal.signal(signal.SIGTERM, shut_down)
    try:
        enter_root(config)
        libc.sethostname(config["hostname"].encode(), len(config["hostname"]))
        with open("/proc/self/comm", "w") as file:
            file.write("systemd")
        os.environ.clear()
        os.environ.update(config["environment"])
        print(f"{config['hostname']} boots", flush=True)
        for script in config["early"]:
            run(["/bin/sh", "-c", script])
        write_files(config)
        if config["sshd"] and not glob.glob("/etc/ssh/ssh_host_*_key"):
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/ssh_host_ed25519_key"])
        # Not ">&N": dash takes one digit there.
        late = "\n".join([*config["late"], f"echo up >/proc/self/fd/{tell.fd}"])
        spawn(["/bin/sh", "-c", late], pass_fds=[tell.fd])
        serve(config["sshd"], tell)
    except Shutdown:
        end_all(config["grace"])


class Teller:
    def __init__(self, fd):
        self.fd = fd

    def __call__(self, text):
        os.write(self.fd, f"{text}\n".encode())


def main():
    with open(sys.argv[1]) as file:
        config = json.load(file)
    tell = Teller(int(sys.argv[2]))
    child = os.fork()
    if child == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        code = 1
        try:
            first_process(config, tell)
            code = 0
        except BaseException as failure:  # the machine must end here, whatever it was
            print(f"kernel panic: {failure!r}", flush=True)
        os._exit(code)
    tell(f"pid {child}")
    status = os.waitpid(child, 0)[1]
    # How the kernel says that reboot(2) was called in there.
    causes = {0: "poweroff", 256: "failed", signal.SIGHUP: "reboot", signal.SIGINT: "poweroff"}
    tell(f"ended {causes.get(status, 'killed')}")


main()
