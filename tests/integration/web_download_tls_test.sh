# WebDownload over TLS: only a server whose certificate is trusted, valid and its own gives a file,
# unless the document says that certificates do not matter.
. "$(dirname "$0")/lib.sh"
needs openssl python3

# certificate NAME SUBJECT_ALTERNATIVE_NAME [OPTION...]: signed by itself
certificate() {
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.pem" -subj "/CN=$1" \
    -addext "subjectAltName=$2" "${@:3}" 2>openssl.err || fail "$(cat openssl.err)"
}
certificate right IP:127.0.0.1 -days 2
certificate other DNS:other.example -days 2
# Only `openssl ca` and `x509 -days` of a request can make one that has ended already.
openssl req -new -key right.key -subj /CN=expired -out expired.csr 2>openssl.err
echo 'subjectAltName=IP:127.0.0.1' >expired.ext
openssl x509 -req -in expired.csr -signkey right.key -days -1 -extfile expired.ext \
  -out expired.pem 2>openssl.err || fail "$(cat openssl.err)"
cp right.key expired.key

cat >serve.py <<'P'
import http.server, ssl, sys, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/down":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:%d/file" % plain.server_port)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"the file")
    def log_message(self, *arguments):
        pass

class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client):  # a client that does not trust us hangs up
        pass

plain = Server(("127.0.0.1", 0), Handler)
servers = [plain]
for name in ("right", "other", "expired"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(name + ".pem", name + ".key")
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    servers.append(server)
for server in servers:
    threading.Thread(target=server.serve_forever, daemon=True).start()
print(*[server.server_port for server in servers], flush=True)
sys.stdin.read()
P
mkfifo end
python3 serve.py <end >ports &
exec 9>end
wait_until 10 test -s ports
read -r plain right other expired <ports

# download CODE URL [INPUT]: its log in $log
download() {
  printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: Get\n' >get.yml
  printf '        action: WebDownload\n        inputs:\n          - {source: "%s", destination: %s%s}\n' \
    "$2" "$scratch/file" "${3:+, $3}" >>get.yml
  rm -rf state logs file
  expect_exit "$1" agent_run --documents get.yml
  log=$(cat "$(log_folder logs)/console.log")
  if [ "$1" = 0 ]; then
    expect_equal "$(cat file)" "the file"
  elif [ -e file ]; then
    fail "a refused download left a file"
  fi
}

export no_proxy=127.0.0.1
unset SSL_CERT_FILE
download 0 "http://127.0.0.1:$plain/file"
download 1 "https://127.0.0.1:$right/file"
expect_contains "$log" "certificate"
download 0 "https://127.0.0.1:$right/file" "ignoreCertificateErrors: true"

# From here on all three are trusted, so that nothing else can be why they are refused.
cat right.pem other.pem expired.pem >trusted.pem
export SSL_CERT_FILE=$scratch/trusted.pem
download 0 "https://127.0.0.1:$right/file"
download 1 "https://127.0.0.1:$other/file"
expect_contains "$log" "target host name '127.0.0.1'"
download 0 "https://127.0.0.1:$other/file" "ignoreCertificateErrors: true"
download 1 "https://127.0.0.1:$expired/file"
expect_contains "$log" "expired"

# What began encrypted goes on encrypted, whoever asks for the contrary.
download 1 "https://127.0.0.1:$right/down"
expect_contains "$log" "not encrypted"
download 1 "https://127.0.0.1:$right/down" "ignoreCertificateErrors: true"
expect_contains "$log" "not encrypted"
