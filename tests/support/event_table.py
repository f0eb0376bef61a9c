#!/usr/bin/env python3
"""Compares what a run told with what the same documents tell elsewhere.

  event_table.py EXPECTED LOG-FOLDER TARGET [DOCUMENT=WHY...] [DOCUMENT~WHY...]

EXPECTED: tests/data/events/expected.txt. LOG-FOLDER: of a run (TOE_...). DOCUMENT=WHY: not in this
run. DOCUMENT~WHY: this target cannot reboot, so all but the way there is compared. Prints a row "TARGET DOCUMENT RESULT" each, the first differences, and ends with 1 if there
are any. With TARGET "write" it writes EXPECTED anew, from that run.

What must not be equal is left out: times, ids, hosts, folders and process ids, and that a document
has another name where it was sent to. Of output it takes
what the console's log has of it, a line each and a digest of much.
"""
import difflib
import hashlib
import json
import re
import sys

OF_THE_RUN = {"seq", "time", "executionId", "bootId", "logDirectory", "version", "fingerprint", "pid", "seconds"}
# In the sandbox the process of a step is the one that carries out its action (docs/compatibility.md).
LEFT_OUT = ("runStarted", "runFinished", "processStarted")
OF_A_REBOOT = re.compile('{"type": "(?:rebootRequested|resumed|attemptStarted|note)"')
SCRATCH = re.compile(r"/[^ ]*/(?:script|toehold)-[0-9A-Za-z-]+(?:/[^ ]*)?")
LONG = 400


def with_our_names(text, names):
    """Of documents that were sent elsewhere, and without folders."""
    def ours(found):
        number = int(found[1]) - 1
        return (names[number] if number < len(names) else "inner") + ".yml"
    text = re.sub(r"/[^ \x22]*/\w+-document-(\d+)\.yaml", ours, text)
    return re.sub(r"/[^ \x22]*/(\w+\.yml)", r"\1", text)


def short(value):
    if isinstance(value, dict):
        return {key: short(item) for key, item in value.items() if key not in OF_THE_RUN}
    if isinstance(value, list):
        return [short(item) for item in value]
    if isinstance(value, str):
        value = SCRATCH.sub("SCRATCH", value)
        if len(value) > LONG:
            return f"{value[:20]}... {len(value)} characters {hashlib.sha256(value.encode()).hexdigest()[:16]}"
    return value


def lines_of_events(path):
    """(document, line) each; a document inside of another one counts as the outer one's."""
    names, current = [], ""
    for text in open(path):
        event = json.loads(with_our_names(text, names))
        if event["type"] == "runStarted":
            names = [document["name"] for document in event["documents"]]
        if event["type"] in LEFT_OUT:
            continue
        identity = re.split("[/>]", event.get("document") or event.get("step") or "")[0]
        current = names[int(identity)] if identity else current
        yield current, json.dumps(short(event), ensure_ascii=False)


def lines_of_output(path, names):
    """What steps printed: (document, "Step stream text" or how much it was)."""
    document, step, printed = "", "", {}
    for line in open(path, encoding="utf-8", errors="backslashreplace", newline="\n"):
        text = line.rstrip("\n")
        found = re.match(r"\S+ \S+ (\w+) (.*)", text)
        told = found[2] if found else text
        if match := re.match(r"Document (\w+)\.yml$", with_our_names(told, names)):
            document = match[1] if match[1] in names else document
        elif match := re.match(r"Step (\w+)$", told):
            step = match[1]
        elif match := re.match(r"(?:CmdExecution: )?(Stdout|Stderr): ?(.*)", told):
            printed.setdefault((document, step, match[1]), []).append(match[2])
    for (document, step, stream), lines in printed.items():
        whole = "\n".join(lines)
        if len(whole) > LONG:
            whole = f"{len(lines)} lines {hashlib.sha256(whole.encode()).hexdigest()[:16]}"
        yield document, f"{step} {stream} {json.dumps(whole, ensure_ascii=False)}"


def read_run(folder):
    told = {}
    for document, line in lines_of_events(f"{folder}/events.jsonl"):
        told.setdefault(document, []).append(line)
    for document, line in lines_of_output(f"{folder}/console.log", list(told)):
        told.setdefault(document, []).append(line)
    return told


def read_expected(path):
    told = {}
    for line in open(path):
        if line.startswith("== "):
            lines = told.setdefault(line[3:].strip(), [])
        else:
            lines.append(line.rstrip("\n"))
    return told


def write_expected(path, told):
    with open(path, "w") as file:
        for document, lines in told.items():
            file.write(f"== {document}\n" + "".join(line + "\n" for line in lines))


def main():
    path, folder, target, *words = sys.argv[1:]
    told = read_run(folder)
    if target == "write":
        write_expected(path, told)
        return
    reasons = {word.split(mark, 1)[0]: (mark, word.split(mark, 1)[1]) for mark in "=~" for word in words if mark in word}
    wrong = 0
    for document, lines in read_expected(path).items():
        mark, reason = reasons.get(document, ("", ""))
        if mark == "=":
            print(f"{target:10} {document:12} skipped: {reason}")
            continue
        found = told.get(document, [])
        if mark == "~":
            lines, found = [[line for line in some if not OF_A_REBOOT.match(line)] for some in (lines, found)]
        result = "ok" + (f", but {reason}" if reason else "") if found == lines else "DIFFERENT"
        print(f"{target:10} {document:12} {result}")
        if found != lines:
            wrong = 1
            print(*list(difflib.unified_diff(lines, found, "expected", target, lineterm="", n=0))[:12], sep="\n")
    sys.exit(wrong)


main()
