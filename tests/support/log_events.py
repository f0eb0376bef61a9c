#!/usr/bin/env python3
"""What CloudWatch Logs has of a run, as boto3 reads it. AWS_* variables say where.

  log_events.py print GROUP STREAM             a message a line
  log_events.py same GROUP STREAM CONSOLE-LOG  fails unless it is all of that file, in order and once;
                                               a line may be several events
  log_events.py covers GROUP STREAM CONSOLE-LOG  the same, but lines may be there more than once
"""
import sys

import boto3


def read(group, stream):
    logs = boto3.client("logs")
    events, token = [], None
    while True:
        more = {"nextToken": token} if token else {}
        page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **more)
        events += page["events"]
        if page["nextForwardToken"] == token or not page["events"]:
            return events
        token = page["nextForwardToken"]


def same(events, path):
    times = [event["timestamp"] for event in events]
    assert times == sorted(times), "the events are not in the order of time"
    messages = iter(event["message"] for event in events)
    text = open(path, "rb").read().decode("utf-8", "replace")
    assert text.endswith("\n"), "the log's last line has no end"
    for number, line in enumerate(text[:-1].split("\n"), 1):
        line, got = line[24:], ""
        while len(got) < len(line):
            part = next(messages, None)
            assert part is not None, f"line {number} and those behind it are missing: {line[:200]}"
            assert len(part.encode()) <= 262144 - 26, f"line {number}: an event of {len(part)}"
            got += part
        assert got == line, f"line {number}: {got[:200]!r} instead of {line[:200]!r}"
    left = list(messages)
    assert not left, f"{len(left)} events too many: {left[0][:200]!r}"


def covers(events, path):
    messages = {event["message"] for event in events}
    for number, line in enumerate(open(path).read().split("\n")[:-1], 1):
        assert line[24:] in messages, f"line {number} is missing: {line[:200]}"


command, group, stream, *rest = sys.argv[1:]
events = read(group, stream)
if command == "print":
    sys.stdout.write("".join(event["message"] + "\n" for event in events))
else:
    {"same": same, "covers": covers}[command](events, *rest)
