# The static agent runs in any root file system: an empty one, one with busybox alone, one whose
# configuration names modules of another C library; it finds the certificates of each distribution.
. "$(dirname "$0")/lib.sh"
agent=$TOEHOLD_SOURCE/build/static/toehold-agent
[ -x "$agent" ] || skip "no static agent here: packaging/static-agent.sh builds it"
needs readelf openssl python3

(cd "$(dirname "$agent")" && sha256sum -c --quiet toehold-agent.sha256) || fail "the checksum is not its own"
expect_lacks "$(readelf -lW "$agent")" INTERP
expect_lacks "$(readelf -dW "$agent")" NEEDED
size=$(stat -c %s "$agent")
[ "$size" -le 10485760 ] || fail "$size bytes are more than 10 MB"
# Nothing of the place where it was built is in it.
if grep -qF "$TOEHOLD_SOURCE" "$agent"; then fail "the agent names $TOEHOLD_SOURCE"; fi

if [ -z "${CI:-}" ]; then  # a busy machine proves nothing
  python3 - "$agent" <<'P' || fail "a start takes 5 ms or more"
import subprocess, sys, time
def start():
    begin = time.perf_counter()
    subprocess.run([sys.argv[1], "describe", "Reboot"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin
best = min(start() for _ in range(50)) * 1000
print("a start takes %.2f ms" % best)
sys.exit(best >= 5)
P
fi

[ "$(id -u)" = 0 ] || skip "all but its form: chroot needs root"

# in_root ROOT COMMAND...
in_root() {
  local root=$1
  shift
  env -i PATH=/usr/bin:/bin HOME=/ "$(command -v chroot)" "$root" "$@"
}
document() {
  printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n'
  cat
}

# An empty root: file actions need nothing.
mkdir -p empty/{etc,tmp}
cp "$agent" empty/agent
document >empty/files.yml <<'Y'
      - {name: Make, action: CreateFolder, inputs: [{path: /made, owner: '0'}]}
      - {name: Write, action: CreateFile, inputs: [{path: /made/file, content: 'text'}]}
      - name: Own
        action: SetFileOwner
        inputs: [{path: /made/file, owner: daemon, group: tape}]
Y
# Modules of the machine's own C library: loading one would be the end of a static program.
printf 'passwd: sss files systemd\ngroup: mymachines sss files\nhosts: resolve mymachines files\n' >empty/etc/nsswitch.conf
printf 'root:x:0:0::/:/bin/sh\ndaemon:x:7:8::/:/bin/sh\n' >empty/etc/passwd
printf 'root:x:0:\ntape:x:26:\n' >empty/etc/group
printf 'openssl_conf = init\n[init]\nengines = all\n[all]\nmy = mine\n[mine]\ndynamic_path = /no/engine.so\ninit = 1\n' >openssl.cnf
mkdir -p empty/usr/lib/ssl
cp openssl.cnf empty/usr/lib/ssl/openssl.cnf
expect_exit 0 in_root empty /agent run /files.yml -s /state -l /logs
expect_equal "$(stat -c %u:%g empty/made/file)" 7:26

# Busybox: scripts, and a getent that knows more than the files do.
if command -v busybox >/dev/null && ! busybox true 2>/dev/null; then skip "all with busybox"; fi
command -v busybox >/dev/null || skip "all with busybox: there is none here"
cp -r empty box
rm -rf box/{made,state,logs}
mkdir -p box/{bin,dev,usr/bin}
{ mknod -m 666 box/dev/null c 1 3 && : >box/dev/null; } 2>mknod.err || skip "all with busybox: no leave to make devices"
cp "$(command -v busybox)" box/bin/busybox
for name in sh bash echo cat; do ln -s busybox box/bin/$name; done
cat >box/bin/getent <<'S'
#!/bin/sh
[ "$1 $2" = "passwd directory-user" ] && echo 'directory-user:*:4242:4343:From LDAP:/:/bin/sh'
S
chmod +x box/bin/getent
document >box/scripts.yml <<'Y'
      - name: Say
        action: ExecuteBinary
        inputs: {path: /bin/sh, arguments: ['-c', 'echo from busybox']}
      - {name: Write, action: CreateFile, inputs: [{path: /file, content: '{{ build.Say.outputs.stdout }}'}]}
      - name: Own
        action: SetFileOwner
        inputs: [{path: /file, owner: directory-user}]
Y
expect_exit 0 in_root box /agent run /scripts.yml -s /state -l /logs
expect_equal "$(cat box/file)" "from busybox"
expect_equal "$(stat -c %u box/file)" 4242

# TLS: a server that a bundle of this root vouches for, wherever it is kept.
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=localhost -days 2 \
  -addext subjectAltName=DNS:localhost 2>openssl.err || fail "$(cat openssl.err)"
cat >serve.py <<'P'
import http.server, ssl, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"the file")
    def log_message(self, *arguments):
        pass
class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client):
        pass
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server = Server(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
P
mkfifo end
python3 serve.py <end >port &
exec 9>end
wait_until 10 test -s port
echo '127.0.0.1 localhost' >box/etc/hosts
document >box/get.yml <<Y
      - {name: Get, action: WebDownload, inputs: [{source: "https://localhost:$(cat port)/file", destination: /got}]}
Y
expect_exit 1 in_root box /agent run /get.yml -s /state -l /logs
for place in etc/ssl/certs/ca-certificates.crt etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem \
  etc/pki/tls/certs/ca-bundle.crt var/lib/ca-certificates/ca-bundle.pem etc/ssl/ca-bundle.pem etc/ssl/cert.pem; do
  mkdir -p "box/$(dirname "$place")"
  cp cert.pem "box/$place"
  rm -rf box/{got,state,logs}
  expect_exit 0 in_root box /agent run /get.yml -s /state -l /logs
  expect_equal "$(cat box/got)" "the file"
  rm "box/$place"
done

# Roots of distributions, where somebody has made them: TOEHOLD_ROOTS="/path/debian11 /path/debian13".
for root in ${TOEHOLD_ROOTS:-}; do
  mkdir "$root/toehold-test"
  cp "$agent" "$TOEHOLD_SOURCE/samples/components/hello.yaml" "$root/toehold-test/"
  expect_exit 0 in_root "$root" /toehold-test/toehold-agent run /toehold-test/hello.yaml -s /toehold-test/s -l /toehold-test/l
  rm -rf "$root/toehold-test"
done
