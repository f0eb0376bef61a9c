#!/usr/bin/env python3
"""A person at a terminal: starts a program on one, waits for what it shows and types.

  type_into.py PROGRAM ARGUMENT... -- SHOWN TYPED [SHOWN TYPED]...

TYPED that begins with ! is a command that is run here instead.
Prints all that the terminal showed; exits as the program did, or with 99 when it waited in vain.
"""
import os
import pty
import select
import subprocess
import sys

cut = len(sys.argv) - 1 - sys.argv[::-1].index("--")
command, talk = sys.argv[1:cut], sys.argv[cut + 1:]
child, terminal = pty.fork()
if child == 0:
    os.environ["TERM"] = "dumb"
    os.execvp(command[0], command)
shown, seen = b"", 0
patience = 60
while True:
    ready, _, _ = select.select([terminal], [], [], patience)
    try:
        more = os.read(terminal, 65536) if ready else b""
    except OSError:  # the other side is gone
        break
    if not more:
        if not ready:
            sys.stdout.write(shown.decode(errors="replace"))
            print(f"\n[waited {patience} s for {talk[:1]}]")
            sys.exit(99)
        break
    shown += more
    while talk and (at := shown.find(talk[0].encode(), seen)) >= 0:
        seen = at + len(talk[0].encode())
        if talk[1].startswith("!"):
            subprocess.run(talk[1][1:], shell=True, check=True)
        else:
            os.write(terminal, talk[1].encode() + b"\n")
        talk = talk[2:]
sys.stdout.write(shown.decode(errors="replace").replace("\r", ""))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
