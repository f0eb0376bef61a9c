"""Every AWS call of a build on EC2, and what can befall it: the cells of ec2_faults.py."""
import os

# How to come to a call: the recipe and options of a build. "exit" is what it ends with if all is well.
FLOWS = {
    "ssh": {"recipe": "ssh.yml", "options": ["--no-test"], "exit": 0, "instances": 1},
    "subnet": {"recipe": "subnet.yml", "options": ["--no-test"], "exit": 0, "instances": 1},
    "name": {"recipe": "name.yml", "options": ["--no-test"], "exit": 0, "instances": 1},
    "ssm": {"recipe": "ssm.yml", "options": ["--no-test"], "exit": 0, "instances": 1},
    "tested": {"recipe": "ssh.yml", "options": [], "exit": 0, "instances": 2},
    "refused": {"recipe": "refused.yml", "options": [], "exit": 1, "instances": 2},
    "everywhere": {"recipe": "everywhere.yml", "options": ["--no-test"], "exit": 0, "instances": 1},
    "logs": {"recipe": "logs.yml", "options": ["--no-test"], "exit": 0, "instances": 1,
             # A POST with a policy counts as the other POST to a bucket there; this one has no query.
             "always": [{"operation": "DeleteObjects", "match": {"query": "^$"}, "code": "AccessDenied",
                         "status": 403, "times": 0}]},
}

# (name, flow, operation, match, the window in which a thing is not found). A window is either
# seconds for what is young, or the code that the service has for it. What distribution does to an
# image comes when it is available, minutes after it was made.
CALLS = [
    ("DescribeImages by id", "ssh", "DescribeImages", {"ImageId.1": "."}, 0),
    ("DescribeImages by name", "name", "DescribeImages", {"Filter.1.Name": "name"}, 0),
    ("ssm:GetParameter", "ssm", "GetParameter", {}, 0),
    ("RunInstances, dry run", "ssh", "RunInstances", {"DryRun": "true"}, 0),
    ("DescribeVpcs", "ssh", "DescribeVpcs", {}, 0),
    ("DescribeSubnets", "subnet", "DescribeSubnets", {}, 0),
    ("DescribeSecurityGroups", "ssh", "DescribeSecurityGroups", {}, 0),
    ("CreateSecurityGroup", "ssh", "CreateSecurityGroup", {}, 0),
    ("AuthorizeSecurityGroupIngress", "ssh", "AuthorizeSecurityGroupIngress", {}, 2),
    ("ImportKeyPair", "ssh", "ImportKeyPair", {}, 0),
    ("RunInstances", "ssh", "RunInstances", {"ClientToken": "."}, 2),
    ("DescribeInstances", "ssh", "DescribeInstances", {}, 2),
    ("StopInstances", "ssh", "StopInstances", {}, 0),
    ("CreateImage", "ssh", "CreateImage", {}, 0),
    ("DescribeImages of ours", "ssh", "DescribeImages", {"Filter.1.Name": "image-id"}, 3),
    ("DescribeSnapshots", "ssh", "DescribeSnapshots", {}, 3),
    ("CreateTags", "ssh", "CreateTags", {}, 3),
    ("RunInstances of the test", "tested", "RunInstances", {"ClientToken": ".", "ImageId": "^(?!{base_ami})"}, 3),
    ("TerminateInstances", "ssh", "TerminateInstances", {}, 0),
    ("DescribeKeyPairs", "ssh", "DescribeKeyPairs", {}, 0),
    ("DeleteKeyPair", "ssh", "DeleteKeyPair", {}, 0),
    ("DeleteSecurityGroup", "ssh", "DeleteSecurityGroup", {}, 0),
    ("DeregisterImage", "refused", "DeregisterImage", {}, 0),
    ("DeleteSnapshot", "refused", "DeleteSnapshot", {}, 0),
    ("ssm:DescribeInstanceInformation", "ssm", "DescribeInstanceInformation", {}, "InvalidInstanceId"),
    ("ssm:SendCommand", "ssm", "SendCommand", {}, "InvalidInstanceId"),
    ("ssm:GetCommandInvocation", "ssm", "GetCommandInvocation", {}, "InvocationDoesNotExist"),
    ("s3:PutObject", "ssm", "PutObject", {}, 0),
    ("s3:GetObject, by the instance", "ssm", "GetObject", {"query": "X-Amz-Signature"}, 0),
    ("s3:PostObject, by the instance", "ssm", "DeleteObjects", {"query": "^$"}, 0),
    ("s3:GetObject", "ssm", "GetObject", {"query": "^$"}, "NoSuchKey"),
    ("s3:DeleteObjects", "ssm", "DeleteObjects", {"query": "delete"}, 0),
    ("s3:ListObjectsV2", "ssm", "ListObjectsV2", {}, 0),
    ("logs:CreateLogStream, by the instance", "logs", "CreateLogStream", {}, 0),
    ("logs:PutLogEvents, by the instance", "logs", "PutLogEvents", {}, 0),
    ("logs:GetLogEvents", "logs", "GetLogEvents", {}, "ResourceNotFoundException"),
    ("logs:DeleteLogStream", "logs", "DeleteLogStream", {}, 0),
    ("sts:AssumeRole", "everywhere", "AssumeRole", {}, 0),
    ("sts:GetCallerIdentity", "everywhere", "GetCallerIdentity", {}, 0),
    ("DescribeImages there", "everywhere", "DescribeImages", {"region": "eu-central-1"}, 3),
    ("CopyImage", "everywhere", "CopyImage", {}, 0),
    ("DescribeImageAttribute", "everywhere", "DescribeImageAttribute", {}, 0),
    ("ModifyImageAttribute", "everywhere", "ModifyImageAttribute", {}, 0),
    ("ModifySnapshotAttribute", "everywhere", "ModifySnapshotAttribute", {}, 0),
    ("CreateTags there", "everywhere", "CreateTags", {"region": "eu-central-1"}, 0),
    ("EnableImageDeprecation", "everywhere", "EnableImageDeprecation", {}, 0),
    ("DescribeLaunchTemplateVersions", "everywhere", "DescribeLaunchTemplateVersions", {}, 0),
    ("CreateLaunchTemplateVersion", "everywhere", "CreateLaunchTemplateVersion", {}, 0),
    ("ModifyLaunchTemplate", "everywhere", "ModifyLaunchTemplate", {}, 0),
    ("ssm:GetParameter there", "everywhere", "GetParameter", {"region": "eu-central-1"}, 0),
    ("ssm:PutParameter", "everywhere", "PutParameter", {}, 0),
]

# In the short form a build stands for these flows.
COVERS = {"tested": {"ssh", "tested"}, "refused": {"refused", "subnet", "name"}, "ssm": {"ssm"},
          "everywhere": {"everywhere"}}
# What fails before there is an instance.
QUICKLY = {"DescribeVpcs", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "ImportKeyPair", "ssm:GetParameter"}

# What a removal needs: while it fails for ever, or its answer cannot be read, a sweep may be needed.
REMOVAL = {"DescribeInstances", "TerminateInstances", "DescribeKeyPairs", "DeleteKeyPair", "DescribeSecurityGroups",
           "DeleteSecurityGroup", "DescribeImages", "DeregisterImage", "DeleteSnapshot", "DeleteObjects",
           "ListObjectsV2", "DeleteLogStream"}

FAULTS = ["throttled three times", "500 once", "500 for ever", "answer lost", "500 after the effect",
          "not found at first", "slow", "malformed"]
SLOW = float(os.environ.get("SLOW", "2"))  # seconds
# With these a build comes to its end as if they were not.
HARMLESS = set(FAULTS) - {"500 for ever", "malformed"}


def throttling(name):
    if name.startswith("s3:"):
        return {"code": "SlowDown", "status": 503}
    if name.startswith(("ssm:", "sts:", "logs:")):
        return {"code": "ThrottlingException", "status": 400}
    return {"code": "RequestLimitExceeded", "status": 503}


def rule_of(cell_name, fault, window):
    """What cloud_faults is to be told, or None when there is no such cell."""
    broken = {"code": "InternalError", "status": 500}
    if fault == "not found at first":
        if not window:
            return None
        if isinstance(window, str):
            return {"effect": "before", "code": window, "status": 404 if cell_name.startswith("s3:") else 400, "times": 2}
        return {"effect": "not-found-window", "seconds": window}
    return {
        "throttled three times": {**throttling(cell_name), "times": 3},
        "500 once": broken,
        "500 for ever": {**broken, "times": 0},
        "answer lost": {"effect": "lost"},
        "500 after the effect": {**broken, "effect": "after"},
        # The instance gives that up after five seconds; done half a minute later, when the build is
        # over, it is for a lifecycle rule to remove.
        "slow": {"effect": "slow", "seconds": 2 if cell_name == "s3:PostObject, by the instance" else SLOW},
        "malformed": {"effect": "malformed"},
    }[fault]


def cells(base_ami):
    """(name, flow, operation, fault, rule) of each."""
    for name, flow, operation, match, window in CALLS:
        for fault in FAULTS:
            rule = rule_of(name, fault, window)
            if rule is not None:
                match_here = {key: value.replace("{base_ami}", base_ami) for key, value in match.items()}
                yield name, flow, operation, fault, {**rule, "operation": operation, "match": match_here}
