#!/usr/bin/env python3
"""Builds on the local EC2, each with a fault in one of its AWS calls, and counts what is left.

  ec2_faults.py all SHARD OF FILE   each cell of ec2_cells.py whose number is SHARD modulo OF;
                                    a line of JSON for each goes into FILE
  ec2_faults.py some SEED FLOW...   one build a flow, with a fault in each of its calls at once

Called within ec2.sh, in the folder of the recipes. A cell holds when the build succeeded and has
made its instances once and one image, or has failed with the exit code 1 and names the call; and
when nothing else is there then, or, where the fault was in the way of the removal, after one sweep.
"""
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

from ec2_account import ENVIRONMENT, OTHER, REGIONS, TOEHOLD, ask, begin, forget, launched, settle, sweep, take
from ec2_cells import CALLS, COVERS, FLOWS, HARMLESS, QUICKLY, REMOVAL, SLOW, cells

# For a build that tries again and again, after which it is told to stop; in the short form none does,
# and one build has many faults.
PATIENCE = 45 + SLOW if sys.argv[1] == "all" else 300


def build(flow, attempts):
    """(exit code, stderr, the calls); told to stop when it takes too long."""
    environment = {**ENVIRONMENT, "AWS_MAX_ATTEMPTS": str(attempts)}
    with open("told", "w+") as told, subprocess.Popen(
            [TOEHOLD, "build", flow["recipe"], "--view", "none", *flow["options"]], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=told, env=environment) as process:
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
        told.seek(0)
        return process.returncode, told.read(), ask("calls")


def is_met(rule, calls):
    return any(call["fault"] and call["operation"] == rule["operation"] and
               all(re.search(want, str(call["parameters"].get(key, ""))) for key, want in rule["match"].items())
               for call in calls)


def judge(flow_name, rules, fault, operation, number):
    """(what is wrong, what to note) of one build; `fault` and `operation` of what may make it fail."""
    flow, wrong, known = FLOWS[flow_name], [], launched()
    ask("faults", rules + flow.get("always", []))
    begun = time.monotonic()
    code, told, calls = build(flow, 2 if fault == "500 for ever" else 5)
    note = {"flow": flow_name, "exit": code, "seconds": round(time.monotonic() - begun, 1)}
    ask("faults", [])
    missed = [rule for rule in rules if not is_met(rule, calls) and rule.get("effect") != "not-found-window"]
    wrong += [f"the fault was not met: {rule}" for rule in missed]
    left, images = settle()
    if fault in HARMLESS and code != flow["exit"]:
        wrong.append(f"exit code {code} instead of {flow['exit']}")
    if code not in (0, 1, 130):
        wrong.append(f"exit code {code}")
    if code == 1 and flow["exit"] == 0 and operation not in told and not operation.startswith(("Put", "Get")):
        wrong.append(f"the error does not name {operation}")
    new = len(launched() - known)
    if code == 0 and new != flow["instances"] or new > flow["instances"]:
        wrong.append(f"{new} instances were started")
    here = [image for region, image in images if region == REGIONS[0]]
    if code == flow["exit"] and len(here) != (1 if code == 0 else 0):
        wrong.append(f"{len(here)} images")
    if flow_name == "everywhere" and code == 1 and len(here) == 1:
        wrong += complete()
        images = settle()[1]
    elif left:
        if not (fault in ("500 for ever", "malformed") and operation in REMOVAL):
            wrong.append("left without a need: " + ", ".join(left))
        wrong += finish(number, left)
    take(images)
    failed = code != flow["exit"]
    note["outcome"] = ("not met" if not any(call["fault"] for call in calls) else "stopped by hand" if code == 130 else
                       "failed" if failed else "as without it") + (", one sweep" if left else "")
    forget()
    return wrong, {**note, "left": left, "told": told[-1500:] if wrong or failed else ""}


def report(what, wrong, note):
    print(("HELD   " if not wrong else "FAILED ") + f"{what}: {note['outcome']}, {note['seconds']} s", *wrong,
          sep="\n    ", flush=True)
    if wrong:
        print(note["told"], flush=True)
    return bool(wrong)


def complete():
    """A distribution that has failed is gone on with, and cleanup then takes away no copy."""
    wrong = []
    done = subprocess.run([TOEHOLD, "distribute", "everywhere"], capture_output=True, text=True,
                          env=ENVIRONMENT)
    if done.returncode != 0:
        wrong.append(f"distribute ended with {done.returncode}: {done.stderr[-700:]}")
    wrong += [problem for problem in [sweep(False)] if problem]
    left, images = settle()
    if left or len(images) != 3:
        wrong.append(f"{len(images)} images after distribute, and " + ", ".join(left))
    return wrong


def finish(number, left):
    wrong = []
    by_tags = number % 2 == 0 and not any(one.startswith("object") or OTHER in one for one in left)
    problem = sweep(by_tags)
    if problem:
        wrong.append(problem)
    after, _ = settle()
    if after:
        wrong.append(("by tags" if by_tags else "by the inventory") + ", left after the sweep: " + ", ".join(after))
        sweep(True)
    return wrong


def all_cells(shard, of, path):
    failures = 0
    only = os.environ.get("CELLS", "")
    with open(path, "w", buffering=1) as file:
        for number, (name, flow, operation, fault, rule) in enumerate(cells(os.environ["BASE_AMI"])):
            if number % of != shard or not re.search(only, f"{name} / {fault}"):
                continue
            wrong, note = judge(flow, [rule], fault, operation, number)
            file.write(json.dumps({"call": name, "fault": fault, **note, "wrong": wrong}) + "\n")
            failures += report(f"{name} / {fault}", wrong, note)
    return failures


def some(seed, flows):
    """Each flow once with a fault in every call that it has of its own, then two that are fatal."""
    all_rules = list(cells(os.environ["BASE_AMI"]))
    failures = 0
    for flow in flows:
        rules = []
        for index, (name, of_flow, *_) in enumerate(CALLS):
            known = [rule for call, _, _, fault, rule in all_rules if call == name and fault in HARMLESS]
            if of_flow in COVERS[flow]:
                rule = known[(index + seed) % len(known)]
                rules.append({**rule, "times": 1} if rule.get("times") == 3 and index % 3 else rule)
        failures += report(f"{flow}, with {len(rules)} faults", *judge(flow, rules, "500 once", "", 0))
    fatal = [cell for cell in all_rules if cell[1] in COVERS[flows[0]] and cell[0] in QUICKLY and cell[3] not in HARMLESS]
    for number, (name, flow, operation, fault, rule) in enumerate(random.Random(seed).sample(fatal, 2)):
        failures += report(f"{name} / {fault}", *judge(flow, [rule], fault, operation, number))
    return failures


def main():
    ask("settings", {"image_pending_for": 0.5, "copy_pending_for": 0.5})
    begin()
    if sys.argv[1] == "all":
        return all_cells(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    return some(int(sys.argv[2]), sys.argv[3:])


sys.exit(main() != 0)
