# A server elsewhere must not send WebDownload to this machine's own services, nor to the instance
# metadata with its credentials. Elsewhere is an address of a network namespace of its own.
. "$(dirname "$0")/lib.sh"
needs ip python3 unshare

if [ "${1:-}" != inside ]; then
  unshare --net true 2>/dev/null || skip "no leave to make namespaces"
  code=0
  TMPDIR=$scratch unshare --net \
    bash "$TOEHOLD_SOURCE/tests/integration/web_download_redirect_test.sh" inside || code=$?
  exit $code
fi

ip link set lo up
for address in 192.0.2.1 169.254.169.254; do ip address add $address/32 dev lo; done
unset http_proxy https_proxy all_proxy ALL_PROXY

cat >serve.py <<'P'
import http.server, sys, threading, urllib.parse

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.server.server_address[0], self.path, file=seen, flush=True)
        to = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("to")
        self.send_response(302 if to else 200)
        if to:
            self.send_header("Location", to[0])
        self.send_header("Content-Length", "0" if to else "6")
        self.end_headers()
        if not to:
            self.wfile.write(b"a file")
    def log_message(self, *arguments):
        pass

seen = open("seen", "a")
for address in ("192.0.2.1", "127.0.0.1", "169.254.169.254"):
    server = http.server.ThreadingHTTPServer((address, 8080), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
P
mkfifo end
python3 serve.py <end >ready &
exec 9>end
wait_until 10 test -s ready

download() {
  printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: Get\n' >get.yml
  printf '        action: WebDownload\n        inputs:\n          - {source: "%s", destination: %s}\n' \
    "$2" "$scratch/file" >>get.yml
  rm -rf state logs file
  : >seen
  expect_exit "$1" agent_run --documents get.yml
  log=$(cat "$(log_folder logs)/console.log")
}

download 0 http://192.0.2.1:8080/?to=http://192.0.2.1:8080/file
for local in 127.0.0.1 169.254.169.254 localhost '[::ffff:127.0.0.1]'; do
  download 1 "http://192.0.2.1:8080/?to=http://$local:8080/file"
  expect_contains "$log" "redirect to the local address"
  expect_equal "$(cut -d " " -f 1 seen)" 192.0.2.1
  [ ! -e file ] || fail "a refused redirect to $local left a file"
done
# Who begins on this machine means it.
download 0 http://127.0.0.1:8080/?to=http://localhost:8080/file
