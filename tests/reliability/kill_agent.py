#!/usr/bin/env python3
"""Kills the agent with SIGKILL at random moments of a document of 20 steps, gives the same command
again, and checks that no finished step ran twice, none was skipped, and the step that was running
was treated as documented.

  kill_agent.py --agent toehold-agent --times 300 [--seed N]
"""
import argparse
import collections
import glob
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ledger  # noqa: E402


def journal(folder):
    path = folder + "/state/events.jsonl"
    return ledger.read_events(open(path).read()) if os.path.exists(path) else []


def log(folder, before):
    paths = sorted(glob.glob(folder + "/logs/TOE_*/events.jsonl"), key=os.path.getmtime)
    if not before:  # killed before the run had begun: what is left of it is an empty log
        del paths[:-1]
    assert len(paths) == 1, ("more than one log", paths)
    return ledger.read_events(open(paths[0]).read())


def one(agent, kind, folder, moment):
    """None when the run ended before the moment."""
    notes = folder + "/ledger"
    open(notes, "w").close()
    with open(folder + "/doc.yml", "w") as file:
        file.write(ledger.document(kind, f"sh -c 'echo \"$0\" >>{notes}'", "true"))
    command = [agent, "run", "--documents", folder + "/doc.yml", "--state-directory", folder + "/state",
               "--log-directory", folder + "/logs"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with open(folder + "/told", "w") as told:
        process = subprocess.Popen(command, **{**quiet, "stdout": told})
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
    if os.path.getsize(folder + "/told"):  # it has told its end, so the same command is another run
        return None
    before = journal(folder)
    code = subprocess.run(command, **quiet).returncode
    lines = open(notes).read().split("\n")[:-1]
    return ledger.check(kind, lines, before, log(folder, before), code)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", required=True)
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    met = collections.Counter()
    longest = 0.2
    while sum(met.values()) < options.times:
        kind = chance.choice(list(ledger.KINDS))
        moment = chance.uniform(0, longest)
        with tempfile.TemporaryDirectory(prefix="toehold-kill.") as folder:
            try:
                what = one(options.agent, kind, folder, moment)
            except AssertionError as wrong:
                print(f"FAILED: seed {options.seed}, kill {sum(met.values()) + 1} ({kind}, "
                      f"{moment * 1000:.0f} ms): {wrong}")
                return 1
        if what is None:
            longest = max(0.02, longest * 0.95)
            continue
        longest *= 1.01
        met[f"{what}, {kind}"] += 1
    print(f"seed {options.seed}: killed {options.times} times: " +
          "; ".join(f"{count} {what}" for what, count in sorted(met.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
