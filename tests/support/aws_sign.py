#!/usr/bin/env python3
"""Compares signatures, presigned URLs and endpoints of aws_probe with those of botocore.

  aws_sign.py PROBE [COUNT] [SEED]

botocore makes COUNT (500) random requests of S3, EC2 and SSM and signs them; none is sent. The
probe signs the same and must say the same: Authorization, path and query. Prints what differs.
"""
import hashlib
import io
import itertools
import json
import random
import subprocess
import sys
import urllib.parse

import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.session
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError

# (region, FIPS, dual stack)
PLACES = [("eu-west-1", False, False), ("us-east-1", True, False), ("cn-northwest-1", False, False),
          ("us-gov-west-1", True, False), ("ap-southeast-2", False, True)]
ODD = "abcXYZ019-_.~ !*'()/:@&=+$,;?#[]%\"<>{}|\\^`\téüß日本€😀"
PUT_BY_SIGNER = ("host", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256")


class Probe:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **question):
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class Captured(Exception):
    pass


class Maker:
    """Random requests, signed by botocore."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.keys = botocore.credentials.Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLE")
        self.session = botocore.session.Session()
        self.session._credentials = self.keys
        self.clients = {}

    def client(self, service, place):
        if (service, place) not in self.clients:
            region, fips, dualstack = place
            self.clients[service, place] = client = self.session.create_client(
                service, region_name=region, config=botocore.config.Config(
                    use_fips_endpoint=fips, use_dualstack_endpoint=dualstack, parameter_validation=False, signature_version="s3v4"
                    if service == "s3" else None, s3={"us_east_1_regional_endpoint": "regional"}))
            client.meta.events.register("before-send", self.capture)
        return self.clients[service, place]

    def capture(self, request, **_):
        self.request = request
        raise Captured

    def word(self, least=1, most=30, letters=ODD):
        return "".join(self.random.choice(letters) for _ in range(self.random.randint(least, most)))

    def key(self):
        # A leading slash and dots as names are paths of their own kind for every HTTP library.
        return "/".join("k" + self.word() for _ in range(self.random.randint(1, 4)))

    def s3(self):
        bucket = self.random.choice(["bucket", "a-b-c-1", "dotted.bucket"])
        choice = self.random.randrange(6)
        if choice == 0:
            return "list_objects_v2", dict(Bucket=bucket, Prefix=self.word(), Delimiter=self.random.choice("/|+ "),
                                           StartAfter=self.word())
        if choice == 1:
            return "upload_part", dict(Bucket=bucket, Key=self.key(), PartNumber=self.random.randint(1, 10000),
                                       UploadId=self.word(), Body=io.BytesIO(self.random.randbytes(100)))
        if choice == 2:
            letters = "abcdefXYZ 019-_;=/+"
            return "put_object", dict(Bucket=bucket, Key=self.key(), Body=self.random.randbytes(50),
                                      ContentType="text/plain; charset=utf-8", ExpectedBucketOwner="123456789012",
                                      Metadata={"a-b": "m" + self.word(0, 20, letters) + "m"})
        if choice == 3:
            return "head_object", dict(Bucket=bucket, Key=self.key(), VersionId=self.word())
        return "get_object", dict(Bucket=bucket, Key=self.key(), ResponseContentDisposition="attachment; filename=" + self.word())

    def ec2(self):
        return self.random.choice([
            ("describe_images", dict(Filters=[{"Name": self.word(), "Values": [self.word(), self.word()]}])),
            ("create_image", dict(InstanceId="i-1", Name=self.word(), Description=self.word())),
            ("run_instances", dict(MinCount=1, MaxCount=1, ImageId="ami-1", UserData=self.word(0, 200))),
        ])

    def ssm(self):
        return self.random.choice([
            ("get_parameter", dict(Name="/" + self.word(), WithDecryption=True)),
            ("get_parameters_by_path", dict(Path="/" + self.word(), Recursive=True)),
            ("send_command", dict(DocumentName="d", InstanceIds=["i-1"], Parameters={"commands": [self.word(0, 99)]})),
        ])

    def signed(self):
        service = self.random.choice(["s3", "s3", "s3", "ec2", "ssm"])
        operation, parameters = getattr(self, service)()
        place = self.random.choice(PLACES)
        self.keys.token = self.random.choice([None, "IQoJb3JpZ2luX2VjE+//8=" + self.word(20, 40, "aZ09+/=")])
        try:
            getattr(self.client(service, place), operation)(**parameters)
        except Captured:
            return service, place, self.request
        raise AssertionError("nothing was sent")

    def presigned(self):
        operation, parameters = self.s3()
        while "Body" in parameters:
            operation, parameters = self.s3()
        place = self.random.choice(PLACES)
        self.keys.token = self.random.choice([None, "IQoJb3JpZ2luX2VjE+//8=" + self.word(20, 40, "aZ09+/=")])
        url = self.client("s3", place).generate_presigned_url(
            operation, parameters, ExpiresIn=self.random.choice([1, 3600, 604800]))
        return "HEAD" if operation == "head_object" else "GET", url


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def seconds(stamp):
    import calendar
    import time
    return calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))


def split_query(query):
    return [[name, value] for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True)]


def in_order(query):
    return sorted(query.split("&"))


def scope_and_keys(maker, service, credential):
    return dict(service=service, region=credential.split("/")[2], id=maker.keys.access_key,
                secret=maker.keys.secret_key, token=maker.keys.token or "")


def check_signed(probe, maker):
    service, place, request = maker.signed()
    url = urllib.parse.urlsplit(request.url)
    headers = {name.lower(): text(value) for name, value in request.headers.items()}
    fields = dict(part.split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(", "))
    body = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    body = body.encode() if isinstance(body, str) else bytes(body)
    payload = headers.get("x-amz-content-sha256") or hashlib.sha256(body).hexdigest()
    path = {"key": urllib.parse.unquote(url.path)} if service == "s3" else {"path": url.path}
    answer = probe.ask(
        op="sign", method=request.method, host=url.netloc, query=split_query(url.query), payload_hash=payload,
        headers=[[n, headers[n]] for n in fields["SignedHeaders"].split(";") if n not in PUT_BY_SIGNER],
        time=seconds(headers["x-amz-date"]), **path, **scope_and_keys(maker, service, fields["Credential"]))
    ours = dict(answer["headers"])
    found = probe.ask(op="endpoint", service=service, region=place[0], fips=place[1], dualstack=place[2])
    host = urllib.parse.urlsplit(found["url"]).netloc
    return [
        ("authorization", ours["authorization"], headers["authorization"]),
        ("token", ours.get("x-amz-security-token"), headers.get("x-amz-security-token")),
        ("path", answer["path"], url.path),
        ("query", in_order(answer["query"]), in_order(url.query)),
        ("host", [host, "bucket." + host, "a-b-c-1." + host].count(url.netloc), 1),
    ]


def check_presigned(probe, maker):
    method, theirs = maker.presigned()
    url = urllib.parse.urlsplit(theirs)
    query = split_query(url.query)
    said = dict(query)
    answer = probe.ask(
        op="presign", method=method, host=url.netloc, key=urllib.parse.unquote(url.path),
        payload_hash="UNSIGNED-PAYLOAD", query=[pair for pair in query if not pair[0].startswith("X-Amz-")],
        time=seconds(said["X-Amz-Date"]), valid_for=int(said["X-Amz-Expires"]),
        **scope_and_keys(maker, "s3", said["X-Amz-Credential"]))
    ours = urllib.parse.urlsplit(answer["url"])
    return [("path", ours.path, url.path), ("query", in_order(ours.query), in_order(url.query))]


def check_endpoints(probe, maker):
    """All regions that botocore knows, with and without FIPS and dual stack."""
    loader = maker.session.get_component("data_loader")
    partitions = loader.load_data("partitions")
    regions = [(region, partition["id"]) for partition in partitions["partitions"]
               for region in partition["regions"] if not region.endswith("-global")]
    for service in ("s3", "ssm", "sts", "logs", "imagebuilder", "ec2"):
        rules = EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), partitions)
        for (region, partition), fips, dualstack in itertools.product(regions, (False, True), (False, True)):
            found = probe.ask(op="endpoint", service=service, region=region, fips=fips, dualstack=dualstack)
            what = f"{service} in {region}, FIPS {fips}, dual stack {dualstack}"
            try:
                theirs = rules.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dualstack)
            except EndpointProviderError:
                yield [(what, found.get("url"), None)]  # there is none, and we say so
                continue
            schemes = theirs.properties.get("authSchemes", [{}])
            yield [(what, found.get("url"), theirs.url),
                   (what + ": signing region", found.get("region"), schemes[0].get("signingRegion", region)),
                   (what + ": partition", found.get("partition"), partition)]


def main():
    probe = Probe(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
    print(f"seed {seed}")
    maker = Maker(seed)
    cases = itertools.chain((check_signed(probe, maker) for _ in range(count * 7 // 10)),
                            (check_presigned(probe, maker) for _ in range(count - count * 7 // 10)),
                            check_endpoints(probe, maker))
    checked = differing = 0
    for case in cases:
        checked += 1
        wrong = [(what, ours, theirs) for what, ours, theirs in case if ours != theirs]
        differing += bool(wrong)
        for what, ours, theirs in wrong if differing <= 10 else []:
            print(f"{what}:\n  ours   {ours}\n  theirs {theirs}")
    print(f"{checked} compared ({count} requests, {checked - count} endpoints), {differing} differ")
    sys.exit(differing != 0)


main()
