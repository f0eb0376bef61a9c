#!/usr/bin/env python3
"""Compares where aws_probe and boto3 find credentials and settings: same files, same environment.

  aws_credentials.py PROBE PROXY-URL FOLDER

STS and instance metadata are a moto server behind fault_proxy.py, whose log tells which roles were
assumed with which keys. What moto lacks, SSO's portal and a container's endpoint, is served here.
"""
import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import urllib.request

probe, proxy, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
home = folder / "user"
os.environ["HOME"] = str(home)  # botocore looks for the cache of SSO when it is imported

import botocore.exceptions
import botocore.session

MADE_UP = "ASIA"  # what moto's STS gives begins so, and is new each time


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        keys = None
        if self.path == "/container" and self.headers.get("Authorization") == "Basic TOKEN":
            keys = {"AccessKeyId": "CONTAINER", "SecretAccessKey": "S", "Token": "T", "Expiration": "2099-01-01T00:00:00Z"}
        if self.path.startswith("/federation/credentials") and self.headers.get("x-amz-sso_bearer_token") == "SSO":
            keys = {"roleCredentials": {"accessKeyId": "SSOKEY", "secretAccessKey": "S", "sessionToken": "T",
                                        "expiration": 4070908800000}}
        body = json.dumps(keys or {"message": "no"}).encode()
        self.send_response(200 if keys else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *unused):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
own = f"http://127.0.0.1:{server.server_port}"

KEYS = "aws_access_key_id = {0}\naws_secret_access_key = S{0}\n"
ROLE = "role_arn = arn:aws:iam::123456789012:role/{0}\n"
ENV_KEYS = {"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "SENV"}
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": own + "/container",
             "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(home / "token")}
SSO = {"AWS_ENDPOINT_URL_SSO": own}
SSO_ROLE = "sso_account_id = 123456789012\nsso_role_name = R\n"
PROCESS = "credential_process = sh -c 'cat \"$HOME/process keys.json\"'\n"
NO_METADATA = {"AWS_EC2_METADATA_DISABLED": "true"}

# name: (config, credentials, environment, --profile)
CASES = {
    "nothing": ("", "", NO_METADATA, None),
    "the environment": ("", "[default]\n" + KEYS.format("FILE"), ENV_KEYS, None),
    "the environment with a token": ("", "", {**ENV_KEYS, "AWS_SESSION_TOKEN": "T+/="}, None),
    "half of the environment": ("", "", {"AWS_ACCESS_KEY_ID": "ENV"}, None),
    "the default profile": ("", "[default]\n" + KEYS.format("FILE"), {}, None),
    "a token in a file": ("", "[default]\n" + KEYS.format("FILE") + "aws_session_token = T\n", {}, None),
    "credentials over config": ("[default]\n" + KEYS.format("CONFIG"), "[default]\n" + KEYS.format("FILE"), {}, None),
    "[profile default] for [default]": (
        "[default]\n" + KEYS.format("A") + "[profile default]\n" + KEYS.format("B"), "", {}, None),
    "half a profile": ("", "[default]\naws_access_key_id = A\n", {}, None),
    "AWS_PROFILE": ("[profile x]\n" + KEYS.format("X"), "", {"AWS_PROFILE": "x"}, None),
    "AWS_PROFILE and keys": ("[profile x]\n" + KEYS.format("X"), "", {"AWS_PROFILE": "x", **ENV_KEYS}, None),
    "--profile and keys": ("[profile x]\n" + KEYS.format("X"), "", ENV_KEYS, "x"),
    "two variables for a profile": (
        "[profile x]\n" + KEYS.format("X") + "[profile y]\n" + KEYS.format("Y"), "",
        {"AWS_PROFILE": "x", "AWS_DEFAULT_PROFILE": "y"}, None),
    "a profile that is not there": ("", "", {"AWS_PROFILE": "x"}, None),
    "odd spelling": (
        "# comment\n; another\n[ default ]\nregion=eu-west-1\n[profile \"a b\"]   # mine\n"
        "  AWS_ACCESS_KEY_ID:ODD\n  aws_secret_access_key = S=1 # no comment\n  s3 =\n"
        "    addressing_style = path\n  region = eu-west-3\n[plugins]\nx = y\n", "", {"AWS_PROFILE": "a b"}, None),
    "a continued line": ("[default]\ncredential_process = cat\n  " + str(home / "keys.json") + "\n", "", {}, None),
    "files elsewhere": ("", "", {"AWS_CONFIG_FILE": "~/other", "AWS_SHARED_CREDENTIALS_FILE": str(home / "none")}, None),
    "a role": ("[profile x]\n" + ROLE.format("x") + "source_profile = b\nexternal_id = e+1\nduration_seconds = 900\n",
               "[b]\n" + KEYS.format("BASE"), {"AWS_PROFILE": "x"}, None),
    "a role by a role": (
        "[profile x]\n" + ROLE.format("x") + "source_profile = y\n[profile y]\n" + ROLE.format("y") +
        "source_profile = b\n", "[b]\n" + KEYS.format("BASE"), {"AWS_PROFILE": "x"}, None),
    "a role by its own keys": ("[default]\n" + ROLE.format("x") + "source_profile = default\n" + KEYS.format("OWN"),
                               "", {}, None),
    "a source with keys and a role": (
        "[default]\n" + ROLE.format("x") + "source_profile = y\n[profile y]\n" + ROLE.format("y") +
        "source_profile = default\n" + KEYS.format("Y"), "", {}, None),
    "a role of the environment": ("[profile x]\n" + ROLE.format("x") + "credential_source = Environment\n", "",
                                  ENV_KEYS, "x"),
    "a role of the instance": ("[default]\n" + ROLE.format("x") + "credential_source = Ec2InstanceMetadata\n", "",
                               {}, None),
    "a role of the container": ("[default]\n" + ROLE.format("x") + "credential_source = EcsContainer\n", "",
                                CONTAINER, None),
    "a role by a program": (
        "[default]\n" + ROLE.format("x") + "source_profile = p\n[profile p]\n" + PROCESS, "", {}, None),
    "a role by web identity": (
        "[default]\n" + ROLE.format("x") + "source_profile = w\n[profile w]\n" + ROLE.format("w") +
        f"web_identity_token_file = {home / 'jwt'}\n", "", {}, None),
    "roles in a circle": ("[default]\n" + ROLE.format("x") + "source_profile = y\n[profile y]\n" + ROLE.format("y") +
                          "source_profile = default\n", "", NO_METADATA, None),
    "a role without a source": ("[default]\n" + ROLE.format("x"), "", NO_METADATA, None),
    "a role of two sources": ("[default]\n" + ROLE.format("x") + "source_profile = b\ncredential_source = Environment\n",
                              "[b]\n" + KEYS.format("BASE"), {}, None),
    "a role of no source": ("[default]\n" + ROLE.format("x") + "source_profile = b\n", "", NO_METADATA, None),
    "web identity": ("", "", {"AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "jwt"),
                              "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/w"}, None),
    "web identity before keys": ("", "[default]\n" + KEYS.format("FILE"), {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "jwt"), "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/w"}, None),
    "web identity without a role": ("", "", {"AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "jwt")}, None),
    "a program": ("[default]\n" + PROCESS, "", {}, None),
    "a program that fails": ("[default]\ncredential_process = false\n", "", {}, None),
    "SSO": ("[default]\nsso_session = corp\n" + SSO_ROLE +
            "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp/\n", "", SSO, None),
    "SSO of the older kind": ("[default]\nsso_start_url = https://old/\nsso_region = us-east-1\n" + SSO_ROLE, "", SSO,
                              None),
    "SSO not logged in": ("[default]\nsso_start_url = https://none/\nsso_region = us-east-1\n" + SSO_ROLE, "", SSO, None),
    "SSO before keys": ("[default]\nsso_start_url = https://old/\nsso_region = us-east-1\n" + SSO_ROLE +
                        KEYS.format("CONFIG"), "", SSO, None),
    "a container": ("", "", CONTAINER, None),
    "a profile before a container": ("", "[default]\n" + KEYS.format("FILE"), CONTAINER, None),
    "a container's endpoint elsewhere": ("", "", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/"}, None),
    "the instance": ("", "", {}, None),
}
# The others must find something, so that nothing is not the same as nothing.
NONE = {
    "nothing", "half of the environment", "half a profile", "a profile that is not there", "roles in a circle",
    "a role without a source", "a role of two sources", "a role of no source", "web identity without a role",
    "a program that fails", "SSO not logged in", "a container's endpoint elsewhere",
}


def lay_out(config, credentials):
    files = {
        ".aws/config": config, ".aws/credentials": credentials, "jwt": "JSON.WEB.TOKEN\n", "token": "Basic TOKEN",
        "other": "[default]\n" + KEYS.format("OTHER"),
    }
    keys = json.dumps({"Version": 1, "AccessKeyId": "PROCESS", "SecretAccessKey": "S"})
    files["keys.json"] = files["process keys.json"] = keys
    for name in ("corp", "https://old/"):
        digest = hashlib.sha1(name.encode()).hexdigest()
        files[f".aws/sso/cache/{digest}.json"] = json.dumps(
            {"accessToken": "SSO", "expiresAt": "2099-01-01T00:00:00Z", "region": "us-east-1", "startUrl": name})
    for name, content in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def assumed():
    """(role assumed, key it was assumed with) since the last time."""
    with urllib.request.urlopen(proxy + "/fault-proxy/log") as answer:
        calls = [json.loads(line) for line in answer.read().splitlines()]
    calls, assumed.seen = calls[assumed.seen:], len(calls)
    return [(call["operation"], call["access_key"][:4] if call["access_key"].startswith(MADE_UP) else call["access_key"])
            for call in calls if call["service"] == "sts"]


assumed.seen = 0


def shown(key, secret, token):
    if key.startswith(MADE_UP):
        return "made up"
    return f"{key} {secret} {token or ''}"


def theirs(environment, profile):
    os.environ.clear()
    os.environ.update(environment)
    try:
        found = botocore.session.Session(profile=profile).get_credentials()
        frozen = found.get_frozen_credentials() if found else None
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        return "none", str(error)
    return (shown(*frozen[:3]), "") if frozen else ("none", "no credentials")


def ours(environment, profile):
    question = json.dumps({"op": "credentials", "profile": profile or ""})
    run = subprocess.run([probe], input=question, env=environment, capture_output=True, text=True, check=True)
    answer = json.loads(run.stdout)
    if "error" in answer:
        return "none", answer["error"] + (" | " + answer["hint"] if answer["hint"] else "")
    return shown(answer["id"], answer["secret"], answer["token"]), ""


def main():
    always = {"PATH": os.environ["PATH"], "HOME": str(home), "no_proxy": "127.0.0.1", "AWS_ENDPOINT_URL": proxy,
              "AWS_EC2_METADATA_SERVICE_ENDPOINT": proxy, "AWS_METADATA_SERVICE_TIMEOUT": "20",
              "AWS_DEFAULT_REGION": "us-east-1"}
    differing = 0
    for name, (config, credentials, more, profile) in CASES.items():
        lay_out(config, credentials)
        environment = {**always, **more}
        them, why_them = theirs(environment, profile)
        calls_them = assumed()
        us, why_us = ours(environment, profile)
        calls_us = assumed()
        same = us == them and calls_us == calls_them and (us == "none") == (name in NONE)
        differing += not same
        print(f"{'same   ' if same else 'DIFFERS'} {name}: {us} {calls_us or ''} {why_us}")
        if not same:
            print(f"        boto3: {them} {calls_them} {why_them}")
    print(f"{len(CASES)} compared, {differing} differ")
    sys.exit(differing != 0)


main()
