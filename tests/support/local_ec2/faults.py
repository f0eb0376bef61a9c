"""Faults by rule, and the log of all calls.

A test gives rules by POST /local-ec2/faults, a JSON list that replaces all. The first rule that fits
a call, and is due, acts:

  {"operation": "RunInstances", "match": {"InstanceType": RE, ...}, "nth": 1, "times": 1,
   "effect": "before", "code": "InsufficientInstanceCapacity", "message": "...", "status": 400, "seconds": 5}

`match`: the call's parameters, flat as EC2's Query protocol has them ("Placement.AvailabilityZone",
"Filter.1.Value.1"); those of JSON protocols in the same way ("Parameters.commands.1"); "region" and
"account" as well. Every expression must be found. It acts from the nth fitting call on, `times`
times (0: for ever). Effects:

  before     the error instead of the work (the default)
  after      the work is done, and the answer is the error
  lost       the work is done, and the connection is closed without an answer
  closed     the connection is closed, and nothing is done
  slow       `seconds` pass before the work
  malformed  the work is done, and the answer is cut in its middle
  not-found-window   calls that name what is younger than `seconds` say that there is no such thing;
             without "operation" that goes for all Describe and Get calls; counts for ever

Two operations are no calls: "Boot" (parameters InstanceType, InstanceId): the instance is terminated
right after its launch with `code` as the StateReason; "Image" (Name): the image ends as failed.
"""
import json
import re
import threading
import time
import urllib.parse

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

lock = threading.Lock()
rules = []
calls = []
all_calls = None  # a file that gets them all, whatever a test clears
born = {}  # by id, when an answer had it first
IDS = re.compile(r"\b(?:i|ami|snap|vol|sg|key|lt)-[0-9a-f]{8,17}\b")
NOT_FOUND = {"i": "InvalidInstanceID.NotFound", "ami": "InvalidAMIID.NotFound", "snap": "InvalidSnapshot.NotFound",
             "vol": "InvalidVolume.NotFound", "sg": "InvalidGroup.NotFound", "key": "InvalidKeyPair.NotFound",
             "lt": "InvalidLaunchTemplateId.NotFound"}


def set_rules(new):
    with lock:
        rules[:] = [{**rule, "count": 0} for rule in new]
        calls.clear()


def note_call(noted, form):
    """In the file it has what is in a browser's form, and the tags, before it, of the things that it names."""
    calls.append(noted)
    if all_calls is None:
        return
    ids = {value for value in noted["parameters"].values() if IDS.fullmatch(str(value))}
    backend = ec2_backends[DEFAULT_ACCOUNT_ID][noted["region"] or "us-east-1"]
    tags = {name: dict(backend.tags[name]) for name in ids if name in backend.tags}
    with lock:
        all_calls.write(json.dumps({**noted, **form, "tags": tags}) + "\n")
        all_calls.flush()


def flatten(value, name=""):
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = [(str(index + 1), item) for index, item in enumerate(value)]
    else:
        return {name: value if isinstance(value, str) else json.dumps(value)}
    flat = {}
    for key, item in pairs:
        flat.update(flatten(item, f"{name}.{key}" if name else key))
    return flat


def parameters(call, body):
    if call["target"]:
        try:
            return flatten(json.loads(body or b"{}"))
        except ValueError:
            return {}
    if call["service"] == "s3":
        words = {"path": call["path"], "query": call["query"]}
        if call["operation"] == "DeleteObjects":
            words.update(flatten({"Key": re.findall("<Key>(.*?)</Key>", body.decode("latin-1"))}))
        return words
    return {key: values[0] for key, values in urllib.parse.parse_qs(body.decode("latin-1")).items()}


def fits(rule, operation, words):
    if rule.get("operation") not in (None, operation):
        return False
    return all(name in words and re.search(want, str(words[name])) for name, want in rule.get("match", {}).items())


def is_due(rule):
    rule["count"] += 1
    first, times = rule.get("nth", 1), rule.get("times", 1)
    return rule["count"] >= first and (times == 0 or rule["count"] < first + times)


def young(rule, operation, words):
    """The error for a call that names something too young, or None."""
    if not rule.get("operation") and not operation.startswith(("Describe", "Get")):
        return None
    for value in words.values():
        for found in IDS.findall(str(value)):
            if time.monotonic() - born.get(found, 0) < rule["seconds"]:
                code = NOT_FOUND[found.split("-")[0]]
                return {"effect": "before", "code": code, "message": f"The ID '{found}' does not exist"}
    return None


def take(operation, words):
    """The rule that acts on this call, if one does."""
    with lock:
        for rule in rules:
            if not fits(rule, operation, words):
                continue
            if rule.get("effect") == "not-found-window":
                error = young(rule, operation, words)
                if error:
                    return error
            elif is_due(rule):
                return rule
    return None


def note_answer(operation, body):
    """A snapshot is told of by what describes its image; all others by what makes them."""
    makes = operation.startswith(("Run", "Create", "Copy", "Import", "Register"))
    if makes or operation.startswith("Describe"):
        with lock:
            for found in IDS.findall(body.decode("latin-1")):
                if makes or found.startswith("snap-"):
                    born.setdefault(found, time.monotonic())


def error_answer(call, rule):
    """(status, content type, body) of the error that a rule tells."""
    code, message = rule.get("code", "InternalError"), rule.get("message", rule.get("code", "InternalError"))
    busy = code in ("RequestLimitExceeded", "InternalError", "Unavailable", "SlowDown", "ServiceUnavailable")
    status = rule.get("status", 503 if busy else 400)
    if call["target"]:
        return status, "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    if call["service"] == "ec2":
        text = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>REQ</RequestID></Response>"
    elif call["service"] == "s3":
        text = f"<Error>{inner}<RequestId>REQ</RequestId></Error>"
    else:
        text = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>REQ</RequestId></ErrorResponse>"
    return status, "text/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
