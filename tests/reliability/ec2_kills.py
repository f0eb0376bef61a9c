#!/usr/bin/env python3
"""Kills the controller of builds on the local EC2, goes on or cleans up, and counts what is left.

  ec2_kills.py WAY all SHARD OF FILE   every line of the inventory, every note in the build's folder, the
                                       entry in the store, and random moments, each with each of the three turns; of these
                                       the ones whose number is SHARD modulo OF, a JSON line each to FILE
  ec2_kills.py WAY some COUNT SEED     so many of them

WAY is the recipe, WAY.yml. Called within ec2.sh. By turns comes `resume`, which brings the build to
its end with every step done once and one instance each for build and test, but for those that had ended; `cleanup`; or the sweep of
another machine when the leases are over. Each leaves nothing but the image that was delivered.
"""
import glob
import json
import os
import random
import re
import subprocess
import sys
import time

from ec2_account import BUCKET, ENVIRONMENT, HOME, TOEHOLD, alive, begin, forget, launched, s3, settle, sweep, take

BUILDS = os.path.join(HOME, "builds")
WAY = sys.argv[1]
LINES = 16
BUSY = 75
NOTES = ["build.json", "base-image", "identity", "first-lease-build", "packages.json", "state-build/stage.json",
         "packages-after.json", "cleaning", "cleaned", "first-lease-test", "state-test/stage.json"]
TURNS = ("resume", "cleanup", "sweep")
LONGEST = {"ssh": 7.0, "ssm": 10.5}[WAY]  # a build takes about that


def points(seed):
    """(kind, where): a line, a note and how long after it, the store's entry, or seconds since the start."""
    chance = random.Random(seed)
    yield from (("line", line) for line in range(1, LINES + 1))
    for note in NOTES if WAY == "ssh" else NOTES[:2] + NOTES[3:]:  # the third is a key
        yield "note", (note, 0.0)
        yield "note", (note, chance.choice([0.005, 0.02, 0.06]))
    yield from (("entry", pause) for pause in (0.0, 0.01))
    yield from (("moment", round(chance.uniform(0.0, LONGEST), 3)) for _ in range(8))


def listed():
    """How many images `toehold images` has."""
    return len(glob.glob(os.path.join(HOME, "images", "*", "image.json")))


def folder_of_build():
    names = os.listdir(BUILDS) if os.path.isdir(BUILDS) else []
    return os.path.join(BUILDS, names[0]) if names else None


def is_there(kind, where, begun):
    if kind == "moment":
        return time.monotonic() - begun >= where
    if kind == "entry":
        return listed() > 0
    folder = folder_of_build()
    if folder is None:
        return False
    if kind == "note":
        return os.path.exists(os.path.join(folder, where[0]))
    try:
        with open(os.path.join(folder, "inventory.jsonl"), "rb") as file:
            return file.read().count(b"\n") >= where
    except FileNotFoundError:
        return False


def kill_at(kind, where):
    """False when the build ended before."""
    with open("told", "w") as told, subprocess.Popen([TOEHOLD, "build", WAY + ".yml", "--view", "none"],
                                                     stdin=subprocess.DEVNULL, stdout=told, stderr=told,
                                                     env=ENVIRONMENT) as build:
        begun = time.monotonic()
        while build.poll() is None:
            if is_there(kind, where, begun):
                time.sleep(where[1] if kind == "note" else where if kind == "entry" else 0)
                build.kill()
                return build.wait() < 0
            time.sleep(0.002)
    return False


def state_of(folder):
    try:
        with open(os.path.join(folder, "build.json")) as file:
            return json.load(file)["state"]
    except (TypeError, FileNotFoundError):
        return ""


def ended_before(known):
    """How many instances had done their part, and are started once more to learn that."""
    ours = list(launched() - known)
    return len(ours) - sum(1 for one in alive() if one in ours)


def go_on(known):
    """What is wrong with the build after `resume`."""
    folder = folder_of_build()
    expected = 2 + ended_before(known)
    command = [TOEHOLD, "resume", os.path.basename(folder), "--view", "none"]
    try:
        for _ in range(2):
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                                  env=ENVIRONMENT)
            if done.returncode != BUSY:  # what the dead one has sent last may come behind its end
                break
    except subprocess.TimeoutExpired:
        return ["resume takes more than 120 s"]
    if done.returncode != 0:
        return [f"resume ended with {done.returncode}: {done.stderr[-700:]}"]
    left, images = settle()
    wrong = [f"{len(images)} images after resume"] if len(images) != 1 else []
    started = len(launched() - known)
    if started != expected:
        wrong.append(f"{started} instances were started")
    return wrong + ["left by resume: " + ", ".join(left)] * bool(left)


def one(kind, where, turn):
    known = launched()
    note = {"way": WAY, "kind": kind, "where": where, "turn": turn}
    begun = time.monotonic()
    if not kill_at(kind, where):
        note["turn"] = "ended before"
    elif turn == "resume" and state_of(folder_of_build()) == "running":
        wrong = go_on(known)
        return finish(note, wrong, begun)
    elif turn == "resume":
        note["turn"] = "cleanup"
    return finish(note, [], begun)


def finish(note, wrong, begun):
    left, _ = settle() if note["turn"] == "ended before" else ([], [])
    if left:
        wrong.append("left: " + ", ".join(left))
    note["killed_with"] = state_of(folder_of_build())
    problem = sweep(note["turn"] == "sweep")
    if problem:
        wrong.append(problem)
    left, images = settle()
    if note["turn"] != "sweep" and listed() != len(images):
        wrong.append(f"{listed()} images are listed after {note['turn']}, and {len(images)} are there")
    # Only what is in the bucket no tag leads to.
    if note["turn"] == "sweep":
        left = [one for one in left if not one.startswith("object")]
    if left:
        wrong.append(f"left after {note['turn']}: " + ", ".join(left))
        sweep(True)
    take(images)
    empty_bucket()
    forget()
    return wrong, {**note, "seconds": round(time.monotonic() - begun, 1)}


def empty_bucket():
    for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=item["Key"])


def report(number, wrong, note):
    print(("HELD   " if not wrong else "FAILED ") + f"{number} {WAY} {note['kind']} {note['where']}: {note['turn']}, "
          f"{note['seconds']} s", *wrong, sep="\n    ", flush=True)


def all_of_them(shard, of, path):
    failures = 0
    runs = [(kind, where, turn) for turn in TURNS for kind, where in points(turn)]
    only = os.environ.get("POINTS", "")
    with open(path, "a", buffering=1) as file:
        for number, (kind, where, turn) in enumerate(runs):
            if number % of != shard or not re.search(only, f"{kind} {where} {turn}"):
                continue
            wrong, note = one(kind, where, turn)
            file.write(json.dumps({**note, "wrong": wrong}) + "\n")
            report(number, wrong, note)
            failures += bool(wrong)
    return failures


def some(count, seed):
    """In every part of the build, with every turn."""
    chance = random.Random(seed)
    lines = [("line", line) for line in range(4, 13)]
    notes = [("note", (note, 0.0)) for note in NOTES[4:]] + [("entry", 0.0)]
    chosen = chance.sample(lines, count - count // 2) + chance.sample(notes, count // 2)
    failures = 0
    for number, (kind, where) in enumerate(chosen):
        wrong, note = one(kind, where, TURNS[(number + seed) % 3])
        report(number, wrong, note)
        failures += bool(wrong)
    return failures


def main():
    begin()
    if sys.argv[2] == "all":
        return all_of_them(int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    return some(int(sys.argv[3]), int(sys.argv[4]))


sys.exit(main() != 0)
