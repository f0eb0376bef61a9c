# Sourced by the tests of the static agents: what each has to be, and to do in any root file system.
# They set $agent, the file; $emulator, the program that starts it here, or empty; $busybox, one for
# its machine, or empty.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
needs readelf openssl python3
agent='' emulator='' busybox=''

# in_root ROOT PROGRAM...: of the agent's machine
in_root() {
  local root=$1
  shift
  if [ -n "$emulator" ]; then
    cp "$emulator" "$root/emulator"
    set -- /emulator "$@"
  fi
  env -i PATH=/usr/bin:/bin HOME=/ "$(command -v chroot)" "$root" "$@"
}
document() {
  printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n'
  cat
}
# An nsswitch.conf that names modules of the machine's own C library: loading one would be the end
# of a static program.
name_modules() {
  printf '%s\n' 'passwd: sss files systemd' 'group: mymachines sss files' 'shadow: sss files' \
    'initgroups: sss files' 'hosts: resolve mymachines files myhostname dns' >"$1/etc/nsswitch.conf"
}

check_form() {
  local size
  (cd "$(dirname "$agent")" && sha256sum -c --quiet toehold-agent.sha256) || fail "the checksum is not its own"
  expect_lacks "$(readelf -lW "$agent")" INTERP
  expect_lacks "$(readelf -dW "$agent")" NEEDED
  size=$(stat -c %s "$agent")
  [ "$size" -le 10000000 ] || fail "$size bytes are more than 10 MB"
  # Nothing of the place where it was built is in it.
  if grep -qF "$TOEHOLD_SOURCE" "$agent"; then fail "the agent names $TOEHOLD_SOURCE"; fi
}

# A busy machine proves nothing by the clock, so in CI what counts is the time that a start works.
check_start() {
  python3 - "$agent" "${CI:-}" <<'P' || fail "a start takes 5 ms or more"
import resource, subprocess, sys, time
def used():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
now = used if sys.argv[2] else time.perf_counter
def start():
    begin = now()
    subprocess.run([sys.argv[1], "describe", "Reboot"], stdout=subprocess.DEVNULL, check=True)
    return now() - begin
best = min(start() for _ in range(50)) * 1000
print("a start takes %.2f ms" % best)
sys.exit(best >= 5)
P
}

# An empty root: file actions need nothing.
check_empty_root() {
  mkdir -p empty/{etc,tmp,usr/lib/ssl}
  cp "$agent" empty/agent
  document >empty/files.yml <<'Y'
      - {name: Make, action: CreateFolder, inputs: [{path: /made, owner: '0'}]}
      - {name: Write, action: CreateFile, inputs: [{path: /made/file, content: 'text'}]}
      - name: Own
        action: SetFileOwner
        inputs: [{path: /made/file, owner: daemon, group: tape}]
Y
  name_modules empty
  printf 'root:x:0:0::/:/bin/sh\ndaemon:x:7:8::/:/bin/sh\n' >empty/etc/passwd
  printf 'root:x:0:\ntape:x:26:\n' >empty/etc/group
  printf 'openssl_conf = init\n[init]\nengines = all\n[all]\nmy = mine\n[mine]\ndynamic_path = /no/engine.so\ninit = 1\n' >empty/usr/lib/ssl/openssl.cnf
  expect_exit 0 in_root empty /agent validate /files.yml
  expect_exit 0 in_root empty /agent run /files.yml -s /state -l /logs
  expect_equal "$(stat -c %u:%g empty/made/file)" 7:26
}

# A root with busybox, which is then in `box`: scripts, and a getent that knows more than the files.
check_busybox_root() {
  local name
  cp -r empty box
  rm -rf box/{made,state,logs}
  mkdir -p box/{bin,dev,usr/bin}
  { mknod -m 666 box/dev/null c 1 3 && : >box/dev/null; } 2>mknod.err || skip "all with busybox: no leave to make devices"
  cp "$busybox" box/bin/busybox
  for name in sh echo cat uname; do
    # Not links: without this the kernel could not start a program of another machine.
    printf '#!%s\n' "${emulator:+/emulator }/bin/busybox" >"box/bin/$name"
  done
  printf '#!/bin/sh\nexec sh "$@"\n' >box/bin/bash
  cat >box/bin/getent <<'S'
#!/bin/sh
[ "$1 $2" = "passwd directory-user" ] && echo 'directory-user:*:4242:4343:From LDAP:/:/bin/sh'
S
  chmod +x box/bin/*
  document >box/scripts.yml <<'Y'
      - {name: Machine, action: ExecuteBash, inputs: {commands: ['uname -m']}}
      - name: Say
        action: ExecuteBinary
        inputs: {path: /bin/sh, arguments: ['-c', 'echo from busybox']}
      - name: Write
        action: CreateFile
        inputs: [{path: /file, content: '{{ build.Say.outputs.stdout }} on {{ build.Machine.outputs.stdout }}'}]
      - name: Own
        action: SetFileOwner
        inputs: [{path: /file, owner: directory-user}]
Y
  expect_exit 0 in_root box /agent run /scripts.yml -s /state -l /logs
  expect_equal "$(cat box/file)" "from busybox on $1"
  expect_equal "$(stat -c %u box/file)" 4242
}

# serve_tls: cert.pem, and a server on loopback that has it, at https://localhost:$tls_port
serve_tls() {
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
  tls_port=$(cat port)
}

# A server that a bundle in `box` vouches for, wherever a distribution keeps it.
check_tls_roots() {
  local place
  serve_tls
  echo '127.0.0.1 localhost' >box/etc/hosts
  document >box/get.yml <<Y
      - {name: Get, action: WebDownload, inputs: [{source: "https://localhost:$tls_port/file", destination: /got}]}
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
}

# check_agent MACHINE
check_agent() {
  check_form
  if [ -z "$emulator" ]; then check_start; fi
  [ "$(id -u)" = 0 ] || skip "all but its form: chroot needs root"
  check_empty_root
  [ -n "$busybox" ] || skip "all with busybox: there is none here"
  check_busybox_root "$1"
  check_tls_roots
}
