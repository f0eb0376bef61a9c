# Sourced by tests that reach a machine over SSH: sshd on loopback with keys and a configuration of
# its own, stopped at the end of the test. Needs root, as sshd does to let root in.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
needs ssh-keygen ssh-agent ssh-add
sshd=$(command -v sshd || echo /usr/sbin/sshd)
[ -x "$sshd" ] || skip "no sshd here"
[ "$(id -u)" = 0 ] || skip "sshd needs root"
mkdir -p /run/sshd

servers=()
stop_servers() {
  local pid
  "$TOEHOLD" cleanup --all >/dev/null 2>&1 || true
  for pid in "${servers[@]}"; do
    kill $(sessions_of "$pid") "$pid" 2>/dev/null || true
  done
  rm -rf "$scratch" || true
}
trap stop_servers EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start_sshd NAME KEY-TYPE [CONFIGURATION-LINE...]: sets $port and $server. SHADOW=FILE gives the
# server passwords of its own.
start_sshd() {
  local try
  # Another program may have taken the port meanwhile.
  for try in 1 2 3 4 5; do
    port=$(free_port)
    start_sshd_there "$@"
    wait_until 10 grep -qs 'Server listening\|already in use' "$1.log"
    if grep -q 'Server listening' "$1.log"; then
      servers+=("$server")
      return
    fi
  done
  fail "no port for sshd: $(cat "$1.log")"
}
start_sshd_there() {
  local name=$1 type=$2 line
  shift 2
  [ -e "$name.host" ] || ssh-keygen -q -t "$type" -N '' -f "$name.host"
  {
    for line in "$@"; do echo "$line"; done  # sshd takes what comes first
    printf '%s\n' "ListenAddress 127.0.0.1" "Port $port" "HostKey $scratch/$name.host" \
      "AuthorizedKeysFile $scratch/authorized" "PidFile none" "UsePAM no" "StrictModes no" \
      "PermitRootLogin yes" "PasswordAuthentication no" "KbdInteractiveAuthentication no"
  } >"$name.config"
  if [ -n "${SHADOW:-}" ]; then
    # All of /etc: a mount on a single file goes when the machine replaces the file.
    rm -rf "$name.etc"
    cp -a /etc "$name.etc" 2>/dev/null || cp -a /etc/. "$name.etc" # somebody may just rewrite passwd
    cp "$SHADOW" "$name.etc/shadow"
    unshare -m sh -c 'mount --bind "$1" /etc && exec "$2" -D -e -f "$3"' sh \
      "$scratch/$name.etc" "$sshd" "$scratch/$name.config" >"$name.log" 2>&1 &
  else
    "$sshd" -D -e -f "$scratch/$name.config" >"$name.log" 2>&1 &
  fi
  server=$!
}
# The processes of the connections that a server has.
sessions_of() { cat "/proc/$1/task/$1/children" 2>/dev/null || true; }

# know NAME PORT: accepts the server's host key, in known_hosts.
know() { echo "[127.0.0.1]:$2 $(cut -d' ' -f1,2 "$1.host.pub")" >>known_hosts; }
fingerprint() { ssh-keygen -lf "$1.host.pub" | cut -d' ' -f2; }

ssh-keygen -q -t ed25519 -N '' -f key
cp key.pub authorized
: >known_hosts
# Nothing of the person who runs the tests.
export HOME=$scratch/home
mkdir -p "$HOME"
unset SSH_AUTH_SOCK
[ -x "$TOEHOLD_SOURCE/build/static/toehold-agent" ] ||
  skip "no static agent here: packaging/static-agent.sh builds it"
export TOEHOLD_STATIC_AGENT=$TOEHOLD_SOURCE/build/static/toehold-agent
export TOEHOLD_HOME=$scratch/toehold

# recipe PORT [LINE...]: recipe.yml for work.yml, or the document that $document names
recipe() {
  printf '%s\n' 'name: remote' 'components:' "  - ${document:-work.yml}" 'target:' '  type: ssh' \
    '  host: 127.0.0.1' "  port: $1" "${@:2}" >recipe.yml
}
trusted=("  knownHosts: $scratch/known_hosts")
with_key=("  identityFile: $scratch/key" "${trusted[@]}")
build() { "$TOEHOLD" build recipe.yml --view plain "$@"; }
# What builds of this test have left on the machine.
left() { for id in $(ls "$TOEHOLD_HOME/builds" 2>/dev/null) "$@"; do ls -d "/var/lib/toehold-$id"* 2>/dev/null || true; done; }
