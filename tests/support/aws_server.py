#!/usr/bin/env python3
"""A moto server on a free port of the loopback, with what moto lacks and the agent asks for.

  aws_server.py PORT-FILE

Added: the instance identity document, S3's expected bucket owner, Image Builder's GetComponent, and what moto_images has.
A test makes a component by POST /toehold/component with its JSON ({"arn": ..., "data": ...}); its
x.x.x ARN then means its newest version. State is in memory, and goes by POST /moto-api/reset.
"""
import json
import os
import re
import sys
import urllib.parse

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

import moto_images

ACCOUNT = "123456789012"
IDENTITY = {
    "accountId": ACCOUNT, "architecture": "x86_64", "availabilityZone": "us-east-1a",
    "imageId": "ami-12345678", "instanceId": "i-1234567890abcdef0", "instanceType": "t3.micro",
    "region": "us-east-1", "version": "2017-09-30",
}
moto_images.install()
moto = DomainDispatcherApplication(create_backend_app)
components = {}


def version(arn):
    return [int(part) for part in re.split(r"[./]", "/".join(arn.split("/")[2:]))]


def find_component(asked):
    if asked in components:
        return components[asked]
    name, _, wanted = asked.partition("/")[2].partition("/")
    pattern = re.escape(f"{asked.partition('/')[0]}/{name}/") + \
        r"\.".join("[0-9]+" if part == "x" else re.escape(part) for part in wanted.split(".")) + "/[0-9]+"
    found = [arn for arn in components if re.fullmatch(pattern, arn)]
    return components[max(found, key=version)] if found else None


def get_component(environ):
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
    asked = query.get("componentBuildVersionArn", [""])[0]
    if not re.match(r"arn:aws[^:]*:imagebuilder:[^:]+:[^:]+:component/[a-z0-9-_]+/[0-9x.]+(/[0-9]+)?$", asked):
        return "400 Bad Request", "InvalidParameterValueException", {"message": f"no component ARN: {asked}"}
    component = find_component(asked)
    if component is None:
        return "400 Bad Request", "ResourceNotFoundException", {"message": f"{asked} does not exist."}
    return "200 OK", None, {"requestId": "REQ", "component": component}


def application(environ, start_response):
    path = environ.get("PATH_INFO", "")

    def answer(status, error, body, kind="application/json"):
        headers = [("Content-Type", kind)]
        if error:
            headers.append(("x-amzn-ErrorType", error))
        text = json.dumps(body).encode()
        start_response(status, [*headers, ("Content-Length", str(len(text)))])
        return [text]

    if environ.get("HTTP_X_AMZ_EXPECTED_BUCKET_OWNER", ACCOUNT) != ACCOUNT:
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("403 Forbidden", [("Content-Type", "application/xml")])
        return [b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"]
    if path == "/latest/dynamic/instance-identity/document":
        if not environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN"):
            return answer("401 Unauthorized", None, "")
        return answer("200 OK", None, IDENTITY, "text/plain")
    if path == "/toehold/component":
        size = int(environ.get("CONTENT_LENGTH") or 0)
        component = json.loads(environ["wsgi.input"].read(size))
        components[component["arn"]] = component
        return answer("200 OK", None, {})
    if path == "/GetComponent":
        return answer(*get_component(environ))
    if path.startswith("/latest/meta-data/"):
        try:
            return moto(environ, start_response)
        except NotImplementedError:  # an item that moto does not know
            return answer("404 Not Found", None, "")
    if path == "/moto-api/reset":
        components.clear()
    return moto(environ, start_response)


server = make_server("127.0.0.1", 0, application, threaded=True)
with open(sys.argv[1], "w") as file:
    file.write(f"{server.server_port}\n")
server.serve_forever()
