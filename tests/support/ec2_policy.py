#!/usr/bin/env python3
"""Compares the policies of pages with the calls that a controller has made on the local EC2.

  ec2_policy.py CALLS KEY PAGE... [NAME=VALUE...] [WORD...]

CALLS: calls.jsonl of local_ec2; only those of access key KEY count. NAME=VALUE: what stands for a
placeholder of the pages. If there is a page, every call must be allowed: each action that it needs,
on each resource, with the tags that the resource had or was to get. The same calls on things
without our tags must not be. Words:

  +ACTION   must be among what was needed
  all       all actions of the first page must, but for those that follow as
  -ACTION   another test has it
"""
import fnmatch
import json
import re
import sys

ACCOUNT = "123456789012"
# The resources of each action, by the Service Authorization Reference. "new": made by the call, which
# has the tags of the request; else the parameters that name them, which have tags of their own.
LAUNCHED = {"instance": "new", "volume": "new", "network-interface": "new"}
RESOURCES = {
    "RunInstances": {**LAUNCHED, "image": "ImageId", "subnet": "SubnetId", "security-group": "SecurityGroupId.",
                     "snapshot": "?", "key-pair": "KeyName", "spot-instances-request": "?"},
    "CreateImage": {"instance": "InstanceId", "image": "new", "snapshot": "new"},
    "CopyImage": {"image": "new", "snapshot": "new"},
    "CreateSecurityGroup": {"security-group": "new", "vpc": "VpcId"},
    "AuthorizeSecurityGroupIngress": {"security-group": "GroupId", "security-group-rule": "new"},
    "ImportKeyPair": {"key-pair": "new"},
    "CreateTags": {"": "ResourceId."},
    "StopInstances": {"instance": "InstanceId."},
    "TerminateInstances": {"instance": "InstanceId."},
    "GetConsoleOutput": {"instance": "InstanceId"},
    "DeregisterImage": {"image": "ImageId"},
    "DescribeImageAttribute": {"image": "ImageId"},
    "ModifyImageAttribute": {"image": "ImageId"},
    "EnableImageDeprecation": {"image": "ImageId"},
    "EnableImageDeregistrationProtection": {"image": "ImageId"},
    "DeleteSnapshot": {"snapshot": "SnapshotId"},
    "ModifySnapshotAttribute": {"snapshot": "SnapshotId"},
    "DeleteSecurityGroup": {"security-group": "GroupId"},
    "DeleteKeyPair": {"key-pair": "KeyPairId"},
    "CreateLaunchTemplateVersion": {"launch-template": "LaunchTemplateId"},
    "ModifyLaunchTemplate": {"launch-template": "LaunchTemplateId"},
}
# What must not be done to a thing of somebody else's.
HARMFUL = {"ec2:" + name for name in (
    "CreateImage", "AuthorizeSecurityGroupIngress", "CreateTags", "StopInstances", "TerminateInstances",
    "GetConsoleOutput", "DeregisterImage", "DeleteSnapshot", "DeleteSecurityGroup", "DeleteKeyPair")}
HARMFUL.add("ssm:SendCommand")
PREFIXES = {"i": "instance", "ami": "image", "snap": "snapshot", "vol": "volume", "sg": "security-group",
            "key": "key-pair", "eni": "network-interface"}
S3_ACTIONS = {"HeadObject": "GetObject", "ListObjectsV2": "ListBucket", "CreateMultipartUpload": "PutObject",
              "UploadPart": "PutObject", "CompleteMultipartUpload": "PutObject", "PostObject": "PutObject",
              "DeleteObjects": "DeleteObject"}


def arn(kind, region, name):
    owner = "" if kind in ("image", "snapshot") else ACCOUNT
    return f"arn:aws:ec2:{region}:{owner}:{kind}/{name}"


def request_tags(words):
    """By type of resource, those of TagSpecification.N; of CreateTags, by ""."""
    tags = {}
    for name, kind in words.items():
        if found := re.fullmatch(r"(TagSpecification\.\d+)\.ResourceType", name):
            tags[kind] = pairs(words, found[1] + ".Tag.")
    plain = pairs(words, "Tag.")
    return {**tags, **({"": plain} if plain else {})}


def pairs(words, prefix):
    return {words[name]: words.get(name[:-3] + "Value", "") for name in words
            if name.startswith(prefix) and name.endswith(".Key")}


def named(words, parameter):
    """The values of "ImageId", or of "InstanceId.1", "InstanceId.2"; also those of a network interface."""
    if not parameter.endswith("."):
        return [words[parameter]] if parameter in words else []
    found = [value for name, value in words.items() if name.startswith(parameter)]
    return found or [value for name, value in words.items() if re.match(r"NetworkInterface\.1\.SecurityGroupId", name)]


def context(tags, kind):
    known = {f"aws:{kind}/{key}": [value] for key, value in tags.items()}
    if kind == "RequestTag":
        known["aws:TagKeys"] = list(tags)
    return known


def needs_of_ec2(call):
    words, operation, region = call["parameters"], call["operation"], call["region"]
    action, asked = f"ec2:{operation}", request_tags(call["parameters"])
    if operation not in RESOURCES:
        yield action, "*", {}
        return
    for kind, parameter in RESOURCES[operation].items():
        if parameter == "?":
            continue
        request = context(asked.get(kind, {}), "RequestTag")
        if parameter == "new":
            yield action, arn(kind, region, "new"), request
            continue
        # What a request leaves out is the account's default, of which there is always one.
        for name in named(words, parameter) or (["default"] if kind in ("subnet", "security-group") else []):
            own = context(call["tags"].get(name, {}), "ResourceTag")
            yield action, arn(kind or PREFIXES[name.split("-")[0]], region, name), {**own, **request}
    if operation != "RunInstances":
        return
    yield action, arn("snapshot", region, "of-the-image"), {}
    if words.get("InstanceMarketOptions.MarketType") == "spot":
        yield action, arn("spot-instances-request", region, "new"), context(
            asked.get("spot-instances-request", {}), "RequestTag")
    if profile := words.get("IamInstanceProfile.Name"):
        yield "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{profile}", {"iam:PassedToService": ["ec2.amazonaws.com"]}


def needs_of_tags(call):
    """A call that gives what it makes tags needs ec2:CreateTags for that."""
    for kind, tags in request_tags(call["parameters"]).items():
        if kind:
            yield "ec2:CreateTags", arn(kind, call["region"], "new"), {
                "ec2:CreateAction": [call["operation"]], **context(tags, "RequestTag")}


def needs_of_ssm(call):
    words, operation, region = call["parameters"], call["operation"], call["region"]
    action = f"ssm:{operation}"
    if operation == "SendCommand":
        yield action, f"arn:aws:ssm:{region}::document/{words['DocumentName']}", {}
        name = words["InstanceIds.1"]
        tags = {f"ssm:resourceTag/{key}": [value] for key, value in call["tags"].get(name, {}).items()}
        yield action, arn("instance", region, name), tags
    elif operation in ("GetParameter", "PutParameter"):
        owner = "" if words["Name"].startswith("/aws/") else ACCOUNT
        yield action, f"arn:aws:ssm:{region}:{owner}:parameter/{words['Name'].lstrip('/')}", {}
    else:
        yield action, "*", {}


def needs_of_s3(call):
    operation = call["operation"]
    action = "s3:" + S3_ACTIONS.get(operation, operation)
    bucket, _, key = call["path"].lstrip("/").partition("/")
    keys = [value for name, value in call["parameters"].items() if name.startswith("Key.")] or [key]
    if action == "s3:ListBucket":
        prefix = re.search(r"(?:^|&)prefix=([^&]*)", call["parameters"]["query"].replace("%2F", "/"))
        yield action, f"arn:aws:s3:::{bucket}", {"s3:prefix": [prefix[1] if prefix else ""]}
        return
    for key in keys:
        yield action, f"arn:aws:s3:::{bucket}/{key}", {}


def needs_of_logs(call):
    """Of what works on a group and not on one stream, the stream's name is left empty."""
    words, operation = call["parameters"], call["operation"]
    group = f"arn:aws:logs:{call['region']}:{ACCOUNT}:log-group:{words['logGroupName']}"
    yield f"logs:{operation}", f"{group}:log-stream:{words.get('logStreamName', '')}", {}


def needs_of(call):
    if call["service"] == "ec2":
        return [*needs_of_ec2(call), *needs_of_tags(call)]
    if call["service"] == "ssm":
        return list(needs_of_ssm(call))
    if call["service"] == "s3":
        return list(needs_of_s3(call))
    if call["service"] == "logs":
        return list(needs_of_logs(call))
    name = f"{call['service']}:{call['operation']}"
    return [] if name == "sts:GetCallerIdentity" else [(name, "*", {})]  # which nobody needs a permission for


def as_list(value):
    return value if isinstance(value, list) else [value]


def holds(operator, key, wanted, values):
    wanted = as_list(wanted)
    if operator == "Null":
        return (not values) == (wanted == ["true"])
    if operator == "StringEquals":
        return any(value in wanted for value in values or [])
    if operator == "StringLike":
        return any(fnmatch.fnmatchcase(value, pattern) for value in values or [] for pattern in wanted)
    if operator == "ForAllValues:StringEquals":
        return all(value in wanted for value in values or [])
    sys.exit(f"{operator} of a page is not known here")


def allows(statement, need):
    action, resource, known = need
    if action not in as_list(statement["Action"]):
        return False
    if not any(fnmatch.fnmatchcase(resource, pattern) for pattern in as_list(statement["Resource"])):
        return False
    return all(holds(operator, key, wanted, known.get(key))
               for operator, keys in statement.get("Condition", {}).items() for key, wanted in keys.items())


def read_statements(path, placeholders):
    text = open(path).read()
    for name, value in placeholders.items():
        text = re.sub(rf"\b{re.escape(name)}\b", value, text)
    for block in re.findall(r"```json\n(.*?)```", text, re.S):
        for statement in json.loads(f"[{block}]"):
            if "Sid" in statement:  # others are of roles that trust
                assert statement["Effect"] == "Allow", statement
                yield statement


def check_allowed(needs, statements):
    wrong = []
    for need in needs:
        if not any(allows(statement, need) for statement in statements):
            wrong.append(f"not allowed: {need[0]} on {need[1]} with {need[2]}")
        action, resource, known = need
        foreign = {key: value for key, value in known.items() if "esourceTag/" not in key and "CreateAction" not in key}
        on_foreign = action in HARMFUL and not resource.endswith(("/new", "/AWS-RunShellScript"))
        if on_foreign and any(allows(statement, (action, resource, foreign)) for statement in statements):
            wrong.append(f"allowed on things of others: {action} on {resource}")
    return wrong


def check_made(made, statements, words):
    listed = {action for statement in statements for action in as_list(statement["Action"])}
    wrong = [f"nothing needed {word[1:]}" for word in words if word.startswith("+") and word[1:] not in made]
    if "all" in words:
        wrong += [f"listed, and nothing needed it: {action}" for action in sorted(listed - made)
                  if "-" + action not in words]
        wrong += [f"said to be needed elsewhere only, and was needed: {word[1:]}" for word in words
                  if word.startswith("-") and word[1:] in made]
    return wrong


def main():
    calls, key, *more = sys.argv[1:]
    placeholders = dict(word.split("=", 1) for word in more if "=" in word)
    pages = [word for word in more if word.endswith(".md")]
    words = [word for word in more if word == "all" or word[0] in "+-"]
    statements = [list(read_statements(page, placeholders)) for page in pages]
    needs = [need for line in open(calls) for call in [json.loads(line)] if call["access_key"] == key
             for need in needs_of(call)]
    made = {need[0] for need in needs}
    wrong = check_allowed(needs, sum(statements, [])) if pages else []
    wrong += check_made(made, statements[0] if pages else [], words)
    print(*sorted(set(wrong))[:40], sep="\n")
    print(f"{len(needs)} needs of {len(made)} actions, {sum(map(len, statements))} statements")
    sys.exit(1 if wrong or not needs else 0)


main()
