"""What the parts of the cloud share: its folder, settings, and what it knows of each instance."""
import os
import threading

GATEWAY = "172.31.0.1"  # of the default VPC, and where the server listens
METADATA = "169.254.169.254"

# What a test may change by POST /local-ec2/settings; times are in seconds.
settings = {
    "online_after": 0.0,        # from an instance's start to the first ping of its SSM agent
    "pending_for": 0.0,         # the least time that an instance is pending
    "stop_takes": 0.0,          # the least time that an instance is stopping or shutting down
    "image_pending_for": 0.0,   # the least time that a new image is pending
    "copy_pending_for": 0.0,    # the same for a copy
    "invocation_after": 0.0,    # from SendCommand until GetCommandInvocation knows it
    "grace": 1.0,               # what programs have to end in before the machine does
    "ssm": True,                # false: no SSM agent ever gets online
    "answers": [],              # of commands when light: {"match", "code", "stdout", "stderr", "takes"}
    "plays": [],                # of runs when light, see light.py
    "packages": "",             # a file, the same
}


class Cloud:
    def __init__(self):
        self.folder = ""
        self.url = ""
        self.light = os.environ.get("LOCAL_EC2_LIGHT") == "1"
        self.lock = threading.RLock()
        self.lives = {}   # by instance id, what becomes of each: lives.Life
        self.tokens = {}  # (operation, account, region, ClientToken) -> (parameters, what it made)
        self.base_layers = ["/"]
        self.addresses = 15

    def next_host(self):
        """A number that no other instance has, to end its private address with."""
        with self.lock:
            self.addresses += 1
            return self.addresses


cloud = Cloud()


def in_background(work, *arguments):
    threading.Thread(target=work, args=arguments, daemon=True).start()
