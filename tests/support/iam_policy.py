#!/usr/bin/env python3
"""Compares docs/iam-policy.md with the calls that were made.

  iam_policy.py PAGE CALLS [-ACTION...]    CALLS: the log of fault_proxy.py; -ACTION: another test has it
"""
import json
import re
import sys

# What IAM calls the permission for a call, where it is not the call's own name.
PERMISSIONS = {
    "s3:HeadObject": "s3:GetObject", "s3:ListObjectsV2": "s3:ListBucket",
    "s3:CreateMultipartUpload": "s3:PutObject", "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
}
NEEDS_NONE = {"sts:GetCallerIdentity"}
# IAM knows no resource for them.
ON_NO_RESOURCE = re.compile("ec2:Describe(?!ImageAttribute)")
# Asked for by a service in our name: not among our calls.
ASKED_BY_SERVICES = {"kms:Decrypt", "secretsmanager:GetSecretValue"}

page = open(sys.argv[1]).read()
listed = set()
for block in re.findall(r"```json\n(.*?)```", page, re.S):
    for statement in json.loads(f"[{block}]"):
        if "Sid" not in statement:
            continue  # of a role that trusts
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        everything = statement["Resource"] == "*"
        assert statement["Effect"] == "Allow" and everything == all(map(ON_NO_RESOURCE.match, actions)), statement
        listed |= set(actions)
needed = set()
for line in open(sys.argv[2]):
    call = json.loads(line)
    name = f"{call['service']}:{call['operation']}"
    if call["service"] != "imds" and name not in NEEDS_NONE:
        needed.add(PERMISSIONS.get(name, name))
wrong = 0
for action in sorted(needed - listed):
    print(f"{action} was needed, and {sys.argv[1]} does not list it")
    wrong = 1
for action in sorted(listed - needed - ASKED_BY_SERVICES - {word[1:] for word in sys.argv[3:]}):
    print(f"{sys.argv[1]} lists {action}, and nothing needed it")
    wrong = 1
print(f"{len(listed)} actions are listed, {len(needed)} were needed")
sys.exit(wrong)
