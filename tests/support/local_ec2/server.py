"""All requests come through here: those of the test, those with a fault, and moto's."""
import io
import json
import socket
import threading

from fault_proxy import describe
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from . import control, faults, s3_policy

moto = DomainDispatcherApplication(create_backend_app)
REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 501: "Not Implemented",
           412: "Precondition Failed", 503: "Service Unavailable"}
conditional = threading.Lock()


def headers_of(environ):
    names = {"HTTP_AUTHORIZATION": "Authorization", "HTTP_X_AMZ_TARGET": "X-Amz-Target", "HTTP_RANGE": "Range",
             "HTTP_X_AMZ_COPY_SOURCE": "x-amz-copy-source"}
    return {name: environ[key] for key, name in names.items() if key in environ}


def answer(start_response, status, kind, body):
    reason = REASONS.get(status, "Error")
    start_response(f"{status} {reason}", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


def close(environ):
    """No answer: the client sees its connection end."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionError("closed as a fault")


def ask_moto(environ, body):
    """moto's answer as (status line, headers, body)."""
    environ["wsgi.input"] = io.BytesIO(body)
    said = []
    chunks = moto(environ, lambda status, headers, *_: said.append((status, headers)))
    text = b"".join(chunks)
    if hasattr(chunks, "close"):
        chunks.close()
    return (*said[0], text)


def is_form(call, environ):
    return call["method"] == "POST" and environ.get("CONTENT_TYPE", "").startswith("multipart/form-data")


def posted_form(call, environ, body):
    """What a browser's POST has in its form and others have elsewhere."""
    if not is_form(call, environ):
        return {}
    fields, _ = s3_policy.form_fields(environ["CONTENT_TYPE"], body)
    return {"service": "s3", "operation": "PostObject", "path": f"{call['path'].rstrip('/')}/{fields.get('key', '')}",
            "access_key": fields.get("x-amz-credential", "").partition("/")[0]}


def check_s3(call, environ, body):
    if is_form(call, environ):
        s3_policy.check_post(call["path"].strip("/").split("/")[0], environ["CONTENT_TYPE"], body)
    raw_path = environ.get("REQUEST_URI", call["path"]).partition("?")[0]
    s3_policy.check_presigned(call["method"], raw_path, call["query"], environ["HTTP_HOST"])


def application(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    path = environ.get("PATH_INFO", "")
    if path.startswith("/local-ec2/"):
        status, result = control.do(path, body)
        return answer(start_response, status, "application/json", json.dumps(result).encode())
    query = environ.get("QUERY_STRING", "")
    call = describe(environ["REQUEST_METHOD"], path + ("?" + query if query else ""), headers_of(environ), body)
    words = {**faults.parameters(call, body), "region": call["region"], "access_key": call["access_key"]}
    rule = faults.take(call["operation"], words) or {}
    effect = rule.get("effect", "before" if rule else "")
    noted = {key: call[key] for key in ("time", "service", "operation", "region", "access_key", "method", "path")}
    noted.update(parameters=words, fault=rule.get("code", effect))
    faults.note_call(noted, posted_form(call, environ, body))
    return respond(call, effect, rule, (environ, start_response, body))


def respond(call, effect, rule, request):
    environ, start_response, body = request
    if effect == "closed":
        close(environ)
    if effect == "before":
        return answer(start_response, *faults.error_answer(call, rule))
    if effect == "slow":
        faults.time.sleep(rule["seconds"])
    try:
        check_s3(call, environ, body)
        with s3_policy.condition(call, environ, conditional):
            status, headers, text = ask_moto(environ, body)
    except s3_policy.Refused as refusal:
        error = {"code": refusal.code, "message": str(refusal), "status": refusal.status}
        return answer(start_response, *faults.error_answer({**call, "service": "s3"}, error))
    except NotImplementedError as missing:
        error = {"code": "InvalidAction", "message": f"not in the local cloud: {missing}", "status": 400}
        return answer(start_response, *faults.error_answer(call, error))
    faults.note_answer(call["operation"], text)
    if effect == "lost":
        close(environ)
    if effect == "after":
        return answer(start_response, *faults.error_answer(call, rule))
    if effect == "malformed":
        return answer(start_response, 200, "text/xml", text[:len(text) // 2])
    start_response(status, headers)
    return [text]
