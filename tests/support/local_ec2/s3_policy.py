"""What S3 checks of a browser's POST and of a presigned URL, and moto does not."""
import base64
import contextlib
import datetime
import email.policy
import email.parser
import hashlib
import hmac
import json
import urllib.parse

from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.s3.models import s3_backends

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"


class Refused(Exception):
    def __init__(self, code, message, status=403):
        super().__init__(message)
        self.code = code
        self.status = status


@contextlib.contextmanager
def condition(call, environ, lock):
    """Holds what PutObject makes conditional from the check to the write."""
    match, none_match = environ.get("HTTP_IF_MATCH"), environ.get("HTTP_IF_NONE_MATCH")
    if call["method"] != "PUT" or not (match or none_match):
        yield
        return
    with lock:
        bucket, _, key = call["path"].lstrip("/").partition("/")
        there = s3_backends[ACCOUNT]["aws"].get_object(bucket, key)
        if there is None and match:
            raise Refused("NoSuchKey", "The specified key does not exist.", 404)
        if there is not None and (none_match or there.etag.strip('"') != match.strip('"')):
            raise Refused("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)
        yield


def form_fields(content_type, body):
    """The fields, with lower case names, and the file's bytes."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    fields, file = {}, None
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if name == "file":
            file = value
            break  # S3 ignores what comes after it
        fields[name.lower()] = value.decode().rstrip("\r\n")
    return fields, file


def signing_key(scope):
    key = f"AWS4{SECRET}".encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def check_condition(condition, fields, size):
    if isinstance(condition, dict):
        (name, value), = condition.items()
        kind, name = "eq", f"${name}"
    else:
        kind, name, value = condition
    if kind == "content-length-range":
        if not int(name) <= size <= int(value):
            code = "EntityTooLarge" if size > int(value) else "EntityTooSmall"
            raise Refused(code, "Your proposed upload is outside of the allowed size")
        return
    said = fields.get(name[1:].lower(), "")
    if not (said == value if kind == "eq" else said.startswith(value)):
        raise Refused("AccessDenied", f"Invalid according to Policy: Policy Condition failed: {json.dumps(condition)}")


def check_post(bucket, content_type, body):
    """Raises Refused unless the form's policy allows it and is signed by our key."""
    fields, file = form_fields(content_type, body)
    fields = {**fields, "bucket": bucket}
    if file is None or "policy" not in fields:
        raise Refused("AccessDenied", "Access Denied")
    key_id, *scope = fields.get("x-amz-credential", "").split("/")
    if key_id == KEY_ID:
        want = hmac.new(signing_key(scope), fields["policy"].encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(want, fields.get("x-amz-signature", "")):
            raise Refused("SignatureDoesNotMatch", "The request signature we calculated does not match")
    policy = json.loads(base64.b64decode(fields["policy"]))
    end = datetime.datetime.fromisoformat(policy["expiration"].replace("Z", "+00:00"))
    if end < datetime.datetime.now(datetime.timezone.utc):
        raise Refused("AccessDenied", "Invalid according to Policy: Policy expired.")
    covered = set()
    for condition in policy["conditions"]:
        check_condition(condition, fields, len(file))
        if isinstance(condition, dict):
            covered.update(name.lower() for name in condition)
        elif condition[0] != "content-length-range":
            covered.add(condition[1][1:].lower())
    extra = {name for name in fields if name not in covered and not name.startswith("x-ignore-")}
    extra -= {"policy", "x-amz-signature", "bucket"}
    if extra:
        raise Refused("AccessDenied", f"Invalid according to Policy: Extra input fields: {', '.join(sorted(extra))}")


def quote(text):
    return urllib.parse.quote(text, safe="-_.~")


def signature_of(method, raw_path, words, host):
    """That of a presigned URL in which only the host is signed."""
    key_id, *scope = words["X-Amz-Credential"][0].split("/")
    pairs = sorted((quote(key), quote(value)) for key, values in words.items() for value in values
                   if key != "X-Amz-Signature")
    canonical = "\n".join([method, raw_path, "&".join(f"{key}={value}" for key, value in pairs), f"host:{host}", "",
                           "host", "UNSIGNED-PAYLOAD"])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", words["X-Amz-Date"][0], "/".join(scope),
                         hashlib.sha256(canonical.encode()).hexdigest()])
    return hmac.new(signing_key(scope), to_sign.encode(), hashlib.sha256).hexdigest()


def check_presigned(method, raw_path, query, host):
    """Raises Refused when the time of a presigned URL is over, or another URL was signed by our key."""
    words = urllib.parse.parse_qs(query, keep_blank_values=True)
    if "X-Amz-Expires" not in words:
        return
    ours = words["X-Amz-Credential"][0].startswith(KEY_ID + "/") and words["X-Amz-SignedHeaders"] == ["host"]
    if ours and words["X-Amz-Signature"] != [signature_of(method, raw_path, words, host)]:
        raise Refused("SignatureDoesNotMatch", "The request signature we calculated does not match")
    begin = datetime.datetime.strptime(words["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    if begin + datetime.timedelta(seconds=int(words["X-Amz-Expires"][0])) < datetime.datetime.now(datetime.timezone.utc):
        raise Refused("AccessDenied", "Request has expired")
