"""The agent of an instance without processes: answers the scripts of toehold's SSM transport as a
real one would, and plays a recorded stream as its run, so that whole builds go through it.

  settings "plays": [{"match": RE, "stream": FILE, "takes": SECONDS, "until": FILE, "exit": 0}]: the
      first that fits the files that a stage was sent; "stream" is what `toehold-agent run --stream
      FILE` has written; in its middle it waits for so long, or until there is the other file
  settings "packages": FILE: what is /var/lib/dpkg/status there
"""
import base64
import functools
import json
import os
import re
import struct
import time
import urllib.parse

from moto.s3.models import s3_backends

from .cloud import in_background, settings

PIECE = 256 << 10
HEARTBEAT = 15
INLINE = 12 << 10
DATA = re.compile(r"^mark='([0-9a-f]*)' request='([^']*)' words='([^']*)'")
TABLE = []
for number in range(256):
    for _ in range(8):
        number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
    TABLE.append(number)
folders = {}  # by instance id: what was brought there, by path


@functools.lru_cache(maxsize=256)
def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return f"{crc ^ 0xFFFFFFFF:08x}"


@functools.lru_cache(maxsize=8)
def content(path):
    with open(path, "rb") as file:
        return file.read()


def frame(kind, payload):
    return kind + struct.pack("<I", len(payload)) + payload


def chunk(number, frames):
    return f"toehold-chunk {number} {len(frames)} {crc32c(frames)}\n".encode() + frames


def answer(mark, kind, *parts):
    encoded = "".join(" =" + base64.b64encode(part).decode() for part in parts)
    return f"\ntoehold-{mark} {kind}{encoded} .\n"


def bucket_of(life):
    return s3_backends[life.instance.ec2_backend.account_id]["aws"]


def fetch(life, mark, words):
    path, url = words[0], urllib.parse.urlparse(words[3])
    bucket, _, key = urllib.parse.unquote(url.path).strip("/").partition("/")
    found = bucket_of(life).get_object(bucket, key)
    if found is None:
        return answer(mark, "failed", b"there is no such object")
    keeps = path.endswith(".json")  # an agent is nobody's to read
    folders.setdefault(life.id, {})[path] = found.value.decode() if keeps else ""
    return answer(mark, "done")


class Relay:
    """The chunks of one program on their way to S3."""

    def __init__(self, life, request):
        self.backend = bucket_of(life)
        self.bucket = urllib.parse.urlparse(request["url"]).path.strip("/")
        self.prefix = request["keyPrefix"]
        self.number = 0

    def send(self, frames):
        self.backend.put_object(self.bucket, f"{self.prefix}{self.number:08d}", chunk(self.number, frames))
        self.number += 1

    def send_all(self, text):
        for at in range(0, len(text), PIECE):
            self.send(frame(b"o", text[at:at + PIECE]))
        self.send(frame(b"r", b'{"exitCode":0}'))

    def rest(self, is_over):
        spoken = time.monotonic()
        while not is_over():
            time.sleep(0.1)
            if time.monotonic() - spoken > HEARTBEAT:
                self.send(b"")
                spoken = time.monotonic()

    def play(self, item, offset):
        stream = content(item["stream"])[offset:]
        half = stream.rfind(b"\n", 0, len(stream) // 2) + 1
        if half:
            self.send(frame(b"o", stream[:half]))
        end = time.monotonic() + item.get("takes", 0)
        self.rest(lambda: time.monotonic() >= end and os.path.exists(item.get("until", "/")))
        ended = json.dumps({"type": "ended", "exitCode": item.get("exit", 0)}, separators=(",", ":"))
        self.send_all(stream[half:] + ended.encode() + b"\n")


def play_for(files, place):
    sent = files.get(f"{place}-files.json", "")
    return next(item for item in settings["plays"] if re.search(item.get("match", ""), sent))


def printed(words):
    if words[:2] == ["uname", "-m"]:
        return b"x86_64\n"
    if words[:2] == ["id", "-u"]:
        return b"0\n"
    if words[:2] == ["sh", "-c"] and "packages" in words and settings["packages"]:
        return b"/var/lib/dpkg/status\n" + content(settings["packages"])
    return b""


def run(life, request, words):
    files = folders.setdefault(life.id, {})
    agent, *words = words
    if words[1:2] == ["follow"]:
        relay = Relay(life, request)
        offset = int(words[words.index("--offset") + 1])
        in_background(relay.play, play_for(files, words[2]), offset)
        return answer(request["mark"], "s3")
    text = printed(words)
    if agent not in files:
        return answer(request["mark"], "shell", b"0", text, b"", str(len(text)).encode())
    if len(text) > INLINE:
        in_background(Relay(life, request).send_all, text)
        return answer(request["mark"], "s3")
    return answer(request["mark"], "inline", chunk(0, frame(b"o", text) + frame(b"r", b'{"exitCode":0}')))


def respond(life, script):
    """What the command prints, or None for a script that is not toehold's."""
    data = DATA.match(script)
    if data is None or not settings["plays"]:
        return None
    mark, request, words = data[1], base64.b64decode(data[2]), data[3].split()
    words = [base64.b64decode(word).decode()[:-1] for word in words]
    if not request:
        return fetch(life, mark, words)
    request = json.loads(request)
    if request["work"] == "run":
        return run(life, request, words)
    return answer(request["mark"], "s3" if request["work"] == "renew" else "gone")
