#!/usr/bin/env bash
# The controller of a sandbox build is killed before and after every line of its inventory, and at
# the changes to files between them; then `toehold cleanup` leaves no mount, process or folder, this
# machine is as it was, and the same build succeeds. SIGINT and SIGTERM need no cleanup.
# In a /dev/shm of its own, where no other test leaves or removes anything.
if [ -z "${OWN_SHM:-}" ] && unshare -m mount -t tmpfs none /dev/shm 2>/dev/null; then
  OWN_SHM=1 exec unshare -m sh -c 'mount -t tmpfs none /dev/shm && exec bash "$0"' "${BASH_SOURCE[0]}"
fi
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ "$(id -u)" = 0 ] || skip "the sandbox of root needs root"
unshare -m true 2>/dev/null || skip "no mount namespaces here"
needs strace python3
strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"

export TOEHOLD_HOME=$scratch/home
cat >two.yaml <<'YAML'
name: two
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: ExecuteBash, inputs: {commands: ['echo one > /opt/toehold-one']}}
  - name: validate
    steps:
      - {name: Two, action: ExecuteBash, inputs: {commands: ['test "$(cat /opt/toehold-one)" = one']}}
  - name: test
    steps:
      - {name: Three, action: ExecuteBash, inputs: {commands: ['rm /opt/toehold-one']}}
YAML
build=("$TOEHOLD" build --view none two.yaml --no-cache --output "changes=$scratch/out/changes.tar")
here() { find /etc /usr/local /opt -xdev -printf '%p %s %T@ %m\n' 2>/dev/null | sha256sum; }

# nothing_left WHERE: after a cleanup, if one was needed.
nothing_left() {
  expect_equal "$(ls home/builds) $1" " $1"
  expect_equal "$(grep -c "$scratch" /proc/mounts || true) $1" "0 $1"
  expect_equal "$(ls out | grep -vx changes.tar) $1" " $1"
  expect_equal "$(ls /dev/shm) $1" " $1"
  for image in home/images/*/; do
    [ -e "$image/image.json" ] || fail "half an image: $(ls -A "$image") $1"
  done
}

expect_exit 0 "${build[@]}" # the base is made once
expect_exit 0 "$TOEHOLD" cleanup
before=$(here)
strace -y -o trace "${build[@]}" 2>/dev/null
expect_exit 0 "$TOEHOLD" cleanup
# Where to kill: "CALL NUMBER WHAT", the number counted among the calls of that name.
python3 - trace >points <<'P'
import os, re, sys
seen, points, after = {}, [], None
for line in open(sys.argv[1], errors="replace"):
    call = line.split("(")[0]
    if not call.isidentifier() or call.startswith("exit"):
        continue
    seen[call] = seen.get(call, 0) + 1
    if after:
        points.append((call, seen[call], "after " + after))
        after = None
    if "inventory.jsonl>" in line and call in ("write", "fdatasync"):
        state = re.search(r'number\\":(\d+)', line)
        what = call + (" of record " + state.group(1) if state else "")
        points.append((call, seen[call], "before " + what))
        after = what
between = []
for call in ("mkdir", "rename", "unlinkat", "rmdir"):
    between += [(call, n, "between") for n in range(1, seen.get(call, 0) + 1)]
for point in points + between[::16 if os.environ.get("TOEHOLD_BUILD") == "sanitize" else 4]:
    print(*point)
P
lines=$(grep -c 'before write' points)
[ "$lines" -ge 6 ] || fail "only $lines lines of the inventory are seen"

killed=0
while read -r call when what; do
  code=0
  { strace -o /dev/null -e trace="$call" -e inject="$call":signal=KILL:when="$when" \
    "${build[@]}" >told 2>&1 </dev/null || code=$?; } 2>/dev/null
  [ "$code" != 137 ] || killed=$((killed + 1))
  wait_until 5 is_idle
  expect_exit 0 "$TOEHOLD" cleanup
  nothing_left "killed at $call $when, $what"
  if [[ $what != between ]]; then expect_exit 0 "${build[@]}"; fi
done <points
expect_equal "$(here)" "$before"
expect_exit 0 "${build[@]}"
# What was put into the cache half can be removed from it, too.
expect_exit 0 "$TOEHOLD" cache prune --all
expect_equal "$(ls home/cache/layers)" ""
echo "killed at $killed of $(wc -l <points) points"
[ "$killed" -ge $((2 * lines)) ] || fail "only $killed points were reached"

# --- while a base is made by a program that has started others
mkdir bin
cat >bin/mmdebstrap <<'SH'
#!/bin/sh
sleep 7654321 &
setsid sleep 7654321 &
echo begun >"${0%/bin/*}/begun"
wait
SH
chmod +x bin/mmdebstrap
PATH=$scratch/bin:$PATH "$TOEHOLD" build --view none two.yaml --set target.base=mmdebstrap:none >told 2>&1 &
wait_until 20 test -s begun
[ -n "$(at_work)" ] || fail "nobody is seen at work" # the proof sees them
kill -9 $!
wait $! 2>/dev/null || true
wait_until 5 sh -c '! pgrep -f "[s]leep 7654321" >/dev/null'
expect_exit 0 "$TOEHOLD" cleanup
nothing_left "while a base was made"
expect_exit 0 "$TOEHOLD" cache prune --all --bases
expect_equal "$(find home/cache -name 'mmdebstrap-*' | wc -l)" 0
expect_exit 0 "${build[@]}"

# --- a signal to the whole group, as Ctrl-C is one, and one to the controller alone
sed 's/rm .opt.toehold-one/sleep 30/' two.yaml >slow.yaml
for signal in INT TERM; do
  for milliseconds in 20 60 100 150 200 300 450 600; do
    # A shell starts what is in its background with SIGINT ignored; nobody's Ctrl-C is like that.
    setsid env --default-signal=INT "$TOEHOLD" build --view none slow.yaml --no-cache >told 2>&1 &
    pid=$!
    wait_until 5 kill -0 -- "-$pid" 2>/dev/null
    sleep "0.$(printf %03d "$milliseconds")"
    if [ $signal = INT ]; then kill -INT -- -"$pid"; else kill -TERM "$pid"; fi
    code=0
    wait "$pid" || code=$?
    [ "$code" != 0 ] || fail "a build that was stopped by SIG$signal after $milliseconds ms succeeded"
    expect_equal "$(at_work)" ""
    expect_equal "$(find home/builds -name 'sandbox*' | wc -l)" 0
    expect_exit 0 "$TOEHOLD" cleanup
    nothing_left "SIG$signal after $milliseconds ms"
  done
done
expect_equal "$(here)" "$before"
