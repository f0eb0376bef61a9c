# Target ssh: whom it trusts, how it logs in, through which machines, and what it says before.
. "$(dirname "$0")/sshd.sh"

cat >work.yml <<Y
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Say, action: ExecuteBash, inputs: {commands: ['echo from \$(id -un) >>$scratch/ledger', 'echo said it']}}
  - name: test
    steps:
      - {name: Look, action: ExecuteBash, inputs: {commands: ['grep -c from $scratch/ledger']}}
Y
start_sshd main ed25519
main=$port
recipe "$main" "${with_key[@]}"

# A key that nobody has accepted, and another one than was accepted.
expect_exit 77 build
expect_contains "$err" 'is not known'
expect_contains "$err" "$(fingerprint main)"
expect_contains "$err" "ssh-keyscan -t ed25519 -p $main 127.0.0.1"
ssh-keygen -q -t ed25519 -N '' -f other.host
know other "$main"
expect_exit 77 build
expect_contains "$err" "expected ssh-ed25519 $(fingerprint other), got ssh-ed25519 $(fingerprint main)"
expect_contains "$err" "ssh-keygen -R '[127.0.0.1]:$main'"
# Of another type than was accepted.
: >known_hosts
ssh-keygen -q -t ecdsa -N '' -f ecdsa.host
know ecdsa "$main"
expect_exit 77 build
expect_contains "$err" "expected ecdsa-sha2-nistp256 $(fingerprint ecdsa), got ssh-ed25519 $(fingerprint main)"
echo "@revoked * $(cut -d' ' -f1,2 main.host.pub)" >>known_hosts
expect_exit 77 build
expect_contains "$err" 'revoked'
[ ! -e ledger ] || fail "something ran on a machine that is not trusted"
: >known_hosts
know main "$main"
ssh-keygen -q -H -f known_hosts >/dev/null 2>&1  # names hashed, as Debian's default has them

# The everyday case; nothing of ours is left there.
expect_exit 0 build
expect_contains "$err" 'said it'
expect_equal "$(cat ledger)" "from $(id -un)"
expect_contains "$(cat "$TOEHOLD_HOME"/builds/*/logs/TOE_*/console.log)" 'said it'
expect_contains "$err" 'no image is made: the steps change 127.0.0.1 itself, for good, and the phase test runs there, too'
expect_contains "$err" '== test, where it is'
expect_equal "$(left)" ''
record=$(sed -n 's/^record *\([0-9a-f]*\) .*/\1/p' <<<"$err")
expect_exit 0 "$TOEHOLD" images "$record"
expect_contains "$(cat "$TOEHOLD_HOME/images/$record/manifest.json")" '"result": "success"'

# A machine of a kind that there is no agent for, and one whose agent is not here: nothing is sent.
mkdir -p uname
as_machine() {
  printf '#!/bin/sh\necho %s\n' "$1" >uname/uname
  chmod 755 uname/uname
}
start_sshd elsewhere ed25519 "SetEnv PATH=$scratch/uname:/usr/bin:/bin"
know elsewhere "$port"
recipe "$port" "${with_key[@]}"
mkdir -p bin/alone
cp "$TOEHOLD" bin/alone/toehold
as_machine riscv64
expect_exit 1 env -u TOEHOLD_STATIC_AGENT bin/alone/toehold build recipe.yml --view plain
expect_contains "$err" 'the target is riscv64, and there are agents for x86_64 and aarch64 only'
as_machine aarch64
expect_exit 1 env -u TOEHOLD_STATIC_AGENT bin/alone/toehold build recipe.yml --view plain
expect_contains "$err" "looked for $scratch/bin/alone/toehold-agent-aarch64, $scratch/bin/lib/toehold/toehold-agent-aarch64"
expect_contains "$err" 'packaging/static-agent.sh aarch64'
if [ "$(uname -m)" = x86_64 ]; then
  expect_exit 1 build
  expect_contains "$err" 'toehold-agent is for x86_64, and the target is aarch64'
fi
expect_equal "$(left)" ''

# Keys that cannot work say why.
ssh-keygen -q -t rsa -b 2048 -N '' -f rsa
recipe "$main" "  identityFile: $scratch/rsa" "${trusted[@]}"
expect_exit 1 build
if [[ "$err" != *'refused: '* ]]; then expect_contains "$err" 'is an RSA key: libssh2'; fi
expect_contains "$err" 'ssh-keygen -t ed25519'
ssh-keygen -q -t ed25519 -N secret -f locked
recipe "$main" "  identityFile: $scratch/locked" "${trusted[@]}"
expect_exit 1 build
expect_contains "$err" 'protected by a passphrase'
recipe "$main" "  identityFile: $scratch/other.host" "${trusted[@]}"
expect_exit 1 build
expect_contains "$err" 'does not let us in; refused: '

# The agent's keys.
eval "$(ssh-agent -a "$scratch/agent.socket")" >/dev/null
ssh-add -q key
recipe "$main" "${trusted[@]}"
expect_exit 0 build
kill "$SSH_AGENT_PID"
unset SSH_AUTH_SOCK SSH_AGENT_PID

# A server that has only an RSA key.
start_sshd rsa rsa 'HostKeyAlgorithms rsa-sha2-512'
know rsa "$port"
recipe "$port" "${with_key[@]}"
got=0
build >.out 2>.err </dev/null || got=$?
if [ "$got" != 0 ]; then  # libssh2 before 1.11
  expect_contains "$(cat .err)" 'only an RSA key'
  expect_contains "$(cat .err)" 'SHA-1 alone'
fi

# A password, with a server that has its own list of them.
if unshare -m true 2>/dev/null; then
  sed "s|^root:[^:]*|root:$(openssl passwd -6 'right one')|" /etc/shadow >shadow
  chmod 600 shadow
  SHADOW=$scratch/shadow start_sshd password ed25519 'PasswordAuthentication yes' 'PubkeyAuthentication no'
  know password "$port"
  recipe "$port" "${trusted[@]}" '  passwordFrom: env:SECRET'
  SECRET='right one' expect_exit 0 build
  SECRET='wrong one' expect_exit 1 build
  expect_contains "$err" 'refused: the password'
  expect_lacks "$err" 'wrong one'
  echo 'right one' >password
  recipe "$port" "${trusted[@]}" '  passwordFrom: file:password'
  chmod 644 password
  expect_exit 2 build
  expect_contains "$err" "chmod 600 $scratch/password"
  chmod 600 password
  expect_exit 0 build
  recipe "$port" "${trusted[@]}" '  passwordFrom: ask'
  got=0
  python3 "$TOEHOLD_SOURCE/tests/support/type_into.py" "$TOEHOLD" build recipe.yml --view plain \
    -- "password of root@127.0.0.1" 'right one' >shown || got=$?
  [ "$got" = 0 ] || fail "exit $got: $(cat shown)"
  expect_lacks "$(cat shown)" 'right one'
  expect_exit 2 setsid "$TOEHOLD" build recipe.yml
  expect_contains "$err" 'there is no terminal to ask'
  recipe "$port" "${trusted[@]}" '  passwordFrom: right-one'
  expect_exit 1 build
  expect_contains "$err" 'says where the password is'
  expect_lacks "$(grep -v '^ *[0-9]* |' <<<"$err")" 'right-one'
fi

# Through another machine, whose key is checked as well.
start_sshd jump ed25519
jump=$port
recipe "$main" "${with_key[@]}" "  jump: root@127.0.0.1:$jump"
expect_exit 77 build
expect_contains "$err" "port $jump is not known"
know jump "$jump"
expect_exit 0 build
expect_contains "$(cat jump.log)" 'Accepted publickey'

# Outputs are refused before anything is done.
rm ledger
recipe "$main" "${with_key[@]}"
echo 'outputs: [oci-archive]' >>recipe.yml
expect_exit 1 build
expect_contains "$err" 'writes no image'
[ ! -e ledger ] || fail "something ran"
expect_equal "$(left)" ''
