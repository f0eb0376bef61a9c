#!/usr/bin/env python3
"""Fails when one of the secrets can be read in one of the files, in any form that masking knows.

  find_secrets.py SECRETS-FILE FILE...    SECRETS-FILE has a secret a line
"""
import base64
import json
import sys
import urllib.parse


def base64_cores(secret):
    """The digits that the secret's own bytes decide, after 0, 1 and 2 other bytes."""
    for skip in range(3):
        text = base64.b64encode(b"\0" * skip + secret).decode()
        yield text[(skip * 8 + 5) // 6:(skip + len(secret)) * 8 // 6]


def forms(secret):
    raw = secret.encode()
    yield "as it is", secret
    yield "its first half", secret[:len(secret) // 2]
    yield "its second half", secret[len(secret) // 2:]
    yield "for JSON", json.dumps(secret)[1:-1]
    yield "for URLs", urllib.parse.quote(secret, safe="")
    for core in base64_cores(raw):
        yield "in base64", core
        yield "in base64, its first half", core[:len(core) // 2]
        yield "in base64, its second half", core[len(core) // 2:]


def main():
    secrets = open(sys.argv[1]).read().splitlines()
    found = 0
    for path in sys.argv[2:]:
        content = open(path, "rb").read().decode("utf-8", "replace")
        joined = content.replace("\\n", "").replace("\r", "").replace("\n", "")
        for secret in secrets:
            for form, text in forms(secret):
                if text in content or text in joined:
                    print(f"{path} has the secret {secret[:4]}... {form}")
                    found += 1
    return 1 if found else 0


sys.exit(main())
