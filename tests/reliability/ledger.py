"""Documents whose steps note in a ledger, which no kill and no power cut can touch, when they begin
and end; and what must hold of it and of the journal when the run was cut and the same command was
given again. Used by kill_agent.py and power_cut.py.
"""
import json

STEPS = 20
# What a step that was running when the lights went out comes to, by kind of document.
KINDS = {
    "again": "maxAttempts: 4",  # a failed attempt, repeated
    "fail": "",                 # a failed attempt, the last one: the run fails there
}


def document(kind, note, work):
    """`note`: shell command that appends its argument to the ledger; `work`: what a step does."""
    lines = ["name: cut", "schemaVersion: 1.0", "phases:", "  - name: build", "    steps:"]
    for number in range(1, STEPS + 1):
        lines += [f"      - name: S{number}", "        action: ExecuteBash"]
        if KINDS[kind]:
            lines.append(f"        {KINDS[kind]}")
        lines += ["        inputs:", "          commands:", f"            - {note} 'begin {number}'",
                  f"            - {work}", f"            - {note} 'end {number}'"]
    return "\n".join(lines) + "\n"


def read_events(text):
    """The events of whole records; a half one at the end was never told to anybody."""
    events = []
    for line in text.split("\n")[:-1]:
        record = json.loads(line)
        for event in record.get("batch", [record]):
            event.pop("crc", None)
            events.append(event)
    return events


def check(kind, ledger, before, after, exit_code):
    """`ledger`: its lines. `before`: the journal at the cut; `after`: the log at the end, which holds all
    of it. Returns what the cut met: "between steps", "in a step" or "after the last step"."""
    begun = [int(line.split()[1]) for line in ledger if line.startswith("begin ")]
    ended = [int(line.split()[1]) for line in ledger if line.startswith("end ")]
    assert begun == sorted(begun), ("out of order", begun)

    assert after[:len(before)] == before, "the journal has lost what it had"
    finished, running, started = set(), None, set()
    for event in before:
        if event["type"] == "attemptStarted":
            running = event["step"]
            started.add(running)
        if event["type"] == "stepFinished":
            finished.add(event["step"])
            running = None
    number_of = lambda step: int(step.rsplit("S", 1)[1].split("/")[0])

    for event in after[len(before):]:
        if event["type"] == "attemptStarted":
            assert event["step"] not in finished, ("a finished step ran again", event)
        if event["type"] == "stepFinished":
            assert event["step"] not in finished, ("finished twice", event)
            finished.add(event["step"])
    for step in (event["step"] for event in before if event["type"] == "stepFinished"):
        assert begun.count(number_of(step)) == 1, ("a finished step ran twice", step, begun)

    if running and kind == "fail":
        assert exit_code == 1, ("a step in doubt did not fail the run", exit_code)
        number = number_of(running)
        assert begun.count(number) <= 1, ("a step in doubt was run again", number, begun)
        assert max(begun, default=0) <= number, ("steps ran behind a failed one", begun)
        return "in a step"
    assert exit_code == 0, exit_code
    assert set(ended) == set(range(1, STEPS + 1)), ("a step was skipped", ended)
    for number in range(1, STEPS + 1):
        in_doubt = running is not None and number == number_of(running)
        assert begun.count(number) == 1 or in_doubt, ("ran twice", number, begun)
    if running:
        return "in a step"
    return "between steps" if len(started) < STEPS else "after the last step"
