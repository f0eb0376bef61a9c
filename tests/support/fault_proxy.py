#!/usr/bin/env python3
"""An HTTP proxy in front of a server of AWS' interfaces that spoils answers by rule and keeps a log.

  fault_proxy.py --upstream HOST:PORT --log FILE [--port-file FILE] [--rules FILE] [--host ADDRESS]

Rules are a JSON list, given at start or later by POST /fault-proxy/rules (which replaces all and
counts anew; an empty list ends the faults). The first rule that matches a call and is due acts:

  {"match": {"method": RE, "path": RE, "query": RE, "target": RE, "operation": RE, "access_key": RE,
             "range": RE},
   "nth": 1, "times": 1, "do": {...}}

`match`: all of those given must be found in the call. The rule acts from the `nth` matching call
on, `times` times (0: for ever). What `do` can have, together where that makes sense:

  status, body, headers   answer so instead of asking the server; `code` makes the body: the error
                          of that code as XML (S3 and query services) or JSON, `message` its text
  region                  S3's 301 to another region: status, code and x-amz-bucket-region
  close                   "before" the server is asked, or "after": it is done, the answer is lost
  cut                     close after so many bytes of the body
  freeze                  stop for good after so many bytes of the body (-1: no answer at all)
  content_length          add this to the Content-Length that is said
  flip                    flip a bit of the body's byte number N
  delay                   seconds before the server is asked
  slow                    bytes of the body a second
  skew                    seconds added to the Date header of the answer

The log has one JSON object a line for each call: time, method, path, query, target, service,
operation, region, access_key, range, status, rule (its number, or null), bytes (of the request).
GET /fault-proxy/log answers it too. S3 is expected in path style.
"""
import argparse
import email.utils
import http.client
import http.server
import json
import re
import threading
import time
import urllib.parse

lock = threading.Lock()
rules = []
counts = []
options = None
PIECE = 64 * 1024


def s3_operation(method, path, query, headers):
    has_key = len([part for part in path.split("/", 2) if part]) > 1
    names = set(query)
    if not has_key:
        if method == "GET":
            if "location" in names:
                return "GetBucketLocation"
            return "ListObjectsV2" if "list-type" in names else "ListObjects" if path != "/" else "ListBuckets"
        return {"HEAD": "HeadBucket", "PUT": "CreateBucket", "POST": "DeleteObjects"}.get(method, method)
    if method == "PUT":
        if "partNumber" in names:
            return "UploadPart"
        return "CopyObject" if "x-amz-copy-source" in headers else "PutObject"
    if method == "POST":
        return "CreateMultipartUpload" if "uploads" in names else "CompleteMultipartUpload"
    if method == "DELETE":
        return "AbortMultipartUpload" if "uploadId" in names else "DeleteObject"
    if method == "GET" and "uploadId" in names:
        return "ListParts"
    return {"GET": "GetObject", "HEAD": "HeadObject"}.get(method, method)


def describe(method, url, headers, body):
    """What the call is, as the log has it."""
    parts = urllib.parse.urlsplit(url)
    query = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
    presigned = query.get("X-Amz-Credential", [""])[0]
    found = re.search(r"Credential=([^,\s]+)", headers.get("Authorization", ""))
    scope = ((found.group(1) if found else presigned).split("/") + [""] * 5)[:5]
    service, target = scope[3], headers.get("X-Amz-Target", "")
    if parts.path.startswith("/latest/"):
        service, operation = "imds", method
    elif target:
        operation = target.split(".")[-1]
    elif service == "s3":
        operation = s3_operation(method, parts.path, query, headers)
    elif service == "imagebuilder":
        operation = parts.path.strip("/")
    else:
        form = urllib.parse.parse_qs(body.decode("latin-1")) if len(body) < 1 << 20 else {}
        operation = (form.get("Action") or query.get("Action") or [""])[0]
        if not service:  # not signed, or as S3 did it before version 4
            service = "sts" if operation else "s3"
        if not operation:
            operation = s3_operation(method, parts.path, query, headers)
    return {
        "time": time.time(), "method": method, "path": parts.path, "query": parts.query, "target": target,
        "service": service, "operation": operation, "region": scope[2], "access_key": scope[0],
        "range": headers.get("Range", ""), "status": 0, "rule": None, "bytes": len(body),
    }


def rule_for(call):
    with lock:
        for index, rule in enumerate(rules):
            match = rule.get("match", {})
            if not all(re.search(want, str(call[key])) for key, want in match.items()):
                continue
            counts[index] += 1
            first, times = rule.get("nth", 1), rule.get("times", 1)
            if counts[index] >= first and (times == 0 or counts[index] < first + times):
                call["rule"] = index
                return rule["do"]
    return {}


def set_rules(text):
    global rules, counts
    with lock:
        rules = json.loads(text)
        counts = [0] * len(rules)


def error_body(call, do):
    code, message = do["code"], do.get("message", do["code"])
    if call["target"] or call["service"] == "imagebuilder":
        return json.dumps({"__type": code, "message": message}).encode()
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    if call["service"] == "s3":
        return f"<Error>{inner}<RequestId>REQ</RequestId></Error>".encode()
    return f"<ErrorResponse><Error>{inner}</Error><RequestId>REQ</RequestId></ErrorResponse>".encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *unused):
        pass

    def setup(self):
        super().setup()
        self.wfile = self.connection.makefile("wb", PIECE)  # one write for head and body

    def handle_expect_100(self):
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def handle_call(self):
        body = self.read_body()
        if self.path == "/fault-proxy/rules":
            set_rules(body or b"[]")
            return self.reply(200, [], b"")
        if self.path == "/fault-proxy/log":
            with open(options.log, "rb") as file:
                return self.reply(200, [], file.read())
        call = describe(self.command, self.path, self.headers, body)
        do = rule_for(call)
        try:
            self.answer(call, do, body)
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # either side went away
        finally:
            self.note(call)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_call

    def note(self, call):
        if call.pop("noted", None):
            return
        with lock, open(options.log, "a") as file:
            file.write(json.dumps(call) + "\n")
        call["noted"] = True

    def reply(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def answer(self, call, do, body):
        if "delay" in do:
            time.sleep(do["delay"])
        if do.get("freeze") == -1:
            return self.freeze(call)
        if do.get("close") == "before":
            self.close_connection = True
            return
        if "region" in do:
            do = {"status": 301, "code": "PermanentRedirect",
                  "headers": {"x-amz-bucket-region": do["region"]}, **do}
        if "status" in do:
            call["status"] = do["status"]
            text = error_body(call, do) if "code" in do else do.get("body", "").encode()
            date = email.utils.formatdate(time.time() + do.get("skew", 0), usegmt=True)
            headers = [("Date", date), *do.get("headers", {}).items()]
            self.note(call)
            return self.reply(do["status"], headers, text)
        self.forward(call, do, body)

    def forward(self, call, do, body):
        upstream = http.client.HTTPConnection(options.upstream, timeout=120)
        headers = {k: v for k, v in self.headers.items()
                   if k.lower() not in ("connection", "transfer-encoding", "content-length", "expect")}
        if body or self.command in ("PUT", "POST"):
            headers["Content-Length"] = str(len(body))
        try:
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
            call["status"] = answer.status
            self.note(call)
            if do.get("close") == "after":
                answer.read()
                self.close_connection = True
                return
            self.pass_on(answer, do, call)
        finally:
            upstream.close()

    def pass_on(self, answer, do, call):
        headers = [(k, v) for k, v in answer.getheaders()
                   if k.lower() not in ("connection", "keep-alive", "transfer-encoding", "date", "content-length")]
        length = answer.getheader("Content-Length")
        first = b"" if length is not None else answer.read()
        length = int(length) if length is not None else len(first)
        said = length + do.get("content_length", 0)
        date = email.utils.formatdate(time.time() + do.get("skew", 0), usegmt=True)
        headers += [("Date", date), ("Content-Length", str(said))]
        if said != length:
            headers.append(("Connection", "close"))
            self.close_connection = True
        self.reply(answer.status, headers, b"")
        if self.command == "HEAD":
            return
        sent, end = 0, min(do.get("cut", length), do.get("freeze", length), said)
        while sent < end:
            most = min(PIECE, end - sent, max(1, int(do.get("slow", PIECE) / 20)))
            piece = bytearray(first[sent:sent + most] or answer.read(most))
            if not piece:
                break
            if sent <= do.get("flip", -1) < sent + len(piece):
                piece[do["flip"] - sent] ^= 1
            self.wfile.write(piece)
            if "slow" in do:
                self.wfile.flush()
                time.sleep(len(piece) / do["slow"])
            sent += len(piece)
        self.wfile.flush()
        if "freeze" in do:
            self.freeze(call)
        if "cut" in do:
            self.close_connection = True

    def freeze(self, call):
        self.note(call)
        self.close_connection = True
        self.connection.settimeout(None)
        while self.connection.recv(4096):  # until the client has had enough
            pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *unused):
        pass


def main():
    global options
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--rules")
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    open(options.log, "a").close()
    if options.rules:
        with open(options.rules, "rb") as file:
            set_rules(file.read())
    server = Server((options.host, 0), Handler)
    with open(options.port_file, "w") as file:
        file.write(f"{server.server_address[1]}\n")
    server.serve_forever()


if __name__ == "__main__":
    main()
