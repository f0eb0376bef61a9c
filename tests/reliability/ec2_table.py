#!/usr/bin/env python3
"""What ec2.sh found, as the tables of docs/reliability.md: ec2_table.py FOLDER"""
import collections
import glob
import json
import os
import sys

from ec2_cells import CALLS, FAULTS

LETTERS = {"as without it": "=", "as without it, one sweep": "= s", "failed": "f", "failed, one sweep": "f s",
           "stopped by hand": "i", "stopped by hand, one sweep": "i s", "not met": "-"}


def lines_of(pattern):
    for path in sorted(glob.glob(os.path.join(sys.argv[1], pattern))):
        if not path.endswith(".log"):
            with open(path) as file:
                yield from map(json.loads, file)


cells = {(line["call"], line["fault"]): line for line in lines_of("faults.*")}
print("| call | " + " | ".join(FAULTS) + " |")
print("| --- " * (len(FAULTS) + 1) + "|")
for name, *_ in CALLS:
    row = []
    for fault in FAULTS:
        line = cells.get((name, fault))
        row.append("" if line is None else "**no**" if line["wrong"] else LETTERS[line["outcome"]])
    print(f"| {name} | " + " | ".join(row) + " |")
held = sum(1 for line in cells.values() if not line["wrong"])
print(f"\n{held} of {len(cells)} cells held")

turns = collections.defaultdict(lambda: [0, 0])
for line in lines_of("kills-*"):
    count = turns[(line["way"], line["turn"], line["kind"])]
    count[0] += 1
    count[1] += not line["wrong"]
for (way, turn, kind), (runs, held) in sorted(turns.items()):
    print(f"{way}, killed at a {kind}, {turn}: {held} of {runs} held")
