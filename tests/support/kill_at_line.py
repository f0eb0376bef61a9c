#!/usr/bin/env python3
"""Starts a build and kills it with SIGKILL as soon as its inventory has so many lines.

  kill_at_line.py NUMBER FOLDER PROGRAM ARGUMENT...

FOLDER is that of all builds; what it has already is left alone. Exits with 0 when the build was
killed, with 3 when it ended before.
"""
import os
import subprocess
import sys
import time

wanted, folder, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
before = set(os.listdir(folder)) if os.path.isdir(folder) else set()
with subprocess.Popen(command, stdin=subprocess.DEVNULL) as build:
    inventory = None
    while build.poll() is None:
        if inventory is None and os.path.isdir(folder):
            for name in set(os.listdir(folder)) - before:
                inventory = os.path.join(folder, name, "inventory.jsonl")
        try:
            with open(inventory, "rb") as file:
                lines = file.read().count(b"\n")
        except (TypeError, FileNotFoundError):
            lines = -1
        if lines >= wanted:
            build.kill()
            sys.exit(0)
        time.sleep(0.0005)
sys.exit(3)
