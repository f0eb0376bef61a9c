#!/bin/bash
# 200 MiB of a step's output with CloudWatch Logs silent and slow, against none: the step's own time,
# and the memory of what cannot be sent.
. "$(dirname "$0")/common.sh"
size=$((200 << 20))

cat >"$scratch/document.yaml" <<DOCUMENT
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Print
        action: ExecuteBash
        inputs:
          commands:
            - yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c $size
DOCUMENT

# A service that takes everything but lets PutLogEvents wait: for ever, or a second each.
cat >"$scratch/server.py" <<'PYTHON'
import http.server, sys, threading
seconds = None if sys.argv[1] == "silent" else float(sys.argv[1])
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_):
        pass
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["X-Amz-Target"].endswith("PutLogEvents"):
            threading.Event().wait(seconds)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
server.handle_error = lambda *_: None  # the agent has gone
open(sys.argv[2], "w").write(str(server.server_port))
server.serve_forever()
PYTHON
servers=()
trap 'kill "${servers[@]}"; rm -rf "$scratch"' EXIT
for kind in silent 1; do
  python3 "$scratch/server.py" "$kind" "$scratch/$kind.port" &
  servers+=($!)
done
for kind in silent 1; do
  for ((try = 0; try < 200; ++try)); do [[ -s $scratch/$kind.port ]] && break; sleep 0.05; done
done
export AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_REGION=us-east-1 no_proxy=127.0.0.1

# Prints the seconds of the step alone, and does not wait for the service behind it: the end of the
# run is told to leave what is not sent.
cat >"$scratch/step_seconds.py" <<'PYTHON'
import glob, json, resource, subprocess, sys, time
scratch, *command = sys.argv[1:]
def events():
    for file in glob.glob(scratch + "/logs/TOE_*/events.jsonl"):
        yield from map(json.loads, open(file).read().split("\n")[:-1])
agent = subprocess.Popen(command, stdout=subprocess.DEVNULL)
while agent.poll() is None and not any(e["type"] == "runFinished" for e in events()):
    time.sleep(0.1)
agent.terminate()
code = agent.wait()
open(scratch + "/rss", "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
print(next(e["seconds"] for e in events() if e["type"] == "stepFinished"))
sys.exit(code)
PYTHON
step_seconds() { # [OPTION...]
  rm -rf "$scratch/logs" "$scratch/state"
  sync
  python3 "$scratch/step_seconds.py" "$scratch" "$agent" run --documents "$scratch/document.yaml" \
    --log-directory "$scratch/logs" --state-directory "$scratch/state" "$@" \
    2>"$scratch/stderr" || { cat "$scratch/stderr" >&2; exit 1; }
  [[ $(find "$scratch/logs" -name console.log -printf %s) -ge $size ]] ||
    { echo "console.log lacks output" >&2; exit 1; }
}
with_service() {
  AWS_ENDPOINT_URL=http://127.0.0.1:$(<"$scratch/$1.port") \
    step_seconds --cw-log-group g --cw-log-stream s --cw-ignore-failures
}
least() { awk "BEGIN { print ($1 < $2) ? $1 : $2 }"; }

none=999999 silent=999999 slow=999999 memory=0
for ((round = 0; round < rounds; ++round)); do
  none=$(least "$none" "$(step_seconds)")
  silent=$(least "$silent" "$(with_service silent)")
  rss=$(<"$scratch/rss")
  ((rss > memory)) && memory=$rss
  slow=$(least "$slow" "$(with_service 1)")
  rss=$(<"$scratch/rss")
  ((rss > memory)) && memory=$rss
done
verdict "200 MiB, silent CloudWatch: time of none" "$(ratio "$silent" "$none")" x 1.15
verdict "200 MiB, slow CloudWatch: time of none" "$(ratio "$slow" "$none")" x 1.15
verdict "200 MiB, CloudWatch: memory" "$(ratio "$memory" 1024)" MiB 64
exit $((failures > 0))
