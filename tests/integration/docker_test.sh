# Target container with docker, from an image that is made here: a build with restarts, what the
# image has and has not, a failure, a shell, resume, and what a killed controller leaves.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/docker.sh"
needs python3
busybox=$(command -v busybox) || skip "no busybox here"
export TOEHOLD_HOME=$scratch/toehold
export TOEHOLD_STATIC_AGENT=$TOEHOLD_SOURCE/build/static/toehold-agent
[ -x "$TOEHOLD_STATIC_AGENT" ] || skip "no static agent here: packaging/static-agent.sh builds it"

base=toehold-test-base:1
mkdir -p root/{bin,tmp,etc,var/lib/dpkg}
printf 'Package: first\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n' >root/var/lib/dpkg/status
cp "$busybox" root/bin/busybox
for name in sh echo printf cat ls grep sleep touch test rm sha256sum seq; do ln -s busybox root/bin/$name; done
ln -s busybox root/bin/bash
printf '#!/bin/sh\n[ "$1" != -i ] || shift\nexec sh "$@"\n' >root/bin/bash.new
rm root/bin/bash && mv root/bin/bash.new root/bin/bash && chmod 755 root/bin/bash
echo 'root:x:0:0::/:/bin/sh' >root/etc/passwd
tar -C root -c . | docker import --change 'CMD ["sh", "-c", "echo $GREETING"]' --change 'ENV GREETING=hello' - "$base" >/dev/null
docker run --rm "$base" sh -c : >run.out 2>&1 || skip "docker starts no container here: $(tail -1 run.out)"

build() { "$TOEHOLD" build recipe.yml --view plain "$@"; }
left() { docker ps --all --format '{{.Names}}'; docker images --format '{{.Repository}}:{{.Tag}}' | grep toehold-build || true; }
cat >work.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Write, action: ExecuteBash, inputs: {commands: ['echo built >/built; echo "in $PWD, $GREETING"']}}
      - name: Again
        action: ExecuteBash
        inputs: {commands: ['echo again >>/again', 'if [ ! -e /once ]; then touch /once; exit 194; fi; echo restarted']}
      - name: Add
        action: ExecuteBash
        inputs: {commands: ['printf "\nPackage: second\nStatus: install ok installed\nVersion: 2.0\n" >>/var/lib/dpkg/status']}
  - name: test
    steps: [{name: Find, action: ExecuteBash, inputs: {commands: ['cat /built; touch /only-in-test; test ! -e /.toehold-agent']}}]
Y
cat >recipe.yml <<Y
name: Boxed Thing
version: 1.2.3
tags: {team: blue}
workingDirectory: /etc
components: [work.yml]
target: {type: container, engine: docker, image: '$base'}
Y

# --- a build
expect_exit 0 build --output "rootfs=$scratch/root.tar"
expect_contains "$err" 'in /etc, hello'
expect_contains "$err" 'restarted'
expect_equal "$(left)" ''
image=localhost/boxed-thing:1.2.3
config=$(docker image inspect --format '{{json .Config}}' "$image")
expect_contains "$config" '"Cmd":["sh","-c","echo $GREETING"]'
expect_contains "$config" '"team":"blue"'
expect_lacks "$config" 'toehold-agent'
expect_equal "$(docker run --rm "$image")" hello
mkdir image
tar -C image -xf root.tar
expect_equal "$(cat image/built image/again)" $'built\nagain\nagain'
[ ! -e image/only-in-test ] || fail "the test phase changed the image"
[ -z "$(find image -name '.toehold*' -o -name toehold-agent)" ] || fail "the agent is in the image"
python3 - "$TOEHOLD_HOME"/images/*/manifest.json "$(docker image inspect --format '{{.Id}}' "$base")" <<'P' || fail "the manifest is wrong"
import json, sys
m = json.load(open(sys.argv[1]))
assert m["parentId"] == sys.argv[2], m["parentId"]
assert [p["name"] for p in m["packagesAfter"]["packages"]] == ["first", "second"], m["packagesAfter"]
files = {s["name"]: {f["path"]: f["change"] for f in s["files"]} for s in m["steps"]}
assert files["Write"] == {"/built": "added"}, files
assert files["Again"] == {"/again": "added", "/once": "added"}, files
assert files["Add"] == {"/var/lib/dpkg/status": "changed"}, files
P

# --- the archive that podman takes: from docker 25 on
major=$(docker version --format '{{.Server.Version}}')
if [ "${major%%.*}" -lt 25 ]; then
  expect_exit 1 build --output "oci-archive=$scratch/boxed.tar"
  expect_contains "$err" 'writes no OCI archives'
else
  expect_exit 0 build --output "oci-archive=$scratch/boxed.tar"
  expect_contains "$(tar -tf boxed.tar)" index.json
fi

# --- a failure, a shell in it, the step mended, and on
sed -i "s/echo again >>/test -e \/mended || exit 5; &/" work.yml
expect_exit 1 build --on-failure=keep
id=$(sed -n 's/.*toehold resume \([^ ]*\).*/\1/p' <<<"$err" | head -1)
expect_exit 0 "$TOEHOLD" shell "$id" sh -c 'touch /mended; cat /built'
expect_equal "$out" built
expect_exit 0 "$TOEHOLD" resume "$id" --view plain
expect_exit 0 "$TOEHOLD" cleanup
expect_equal "$(left)" ''

# --- the controller dies: the run goes on without it, and goes with cleanup
cat >work.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps: [{name: Talk, action: ExecuteBash, inputs: {commands: ['echo talk >>/ledger; for i in $(seq 1 300); do echo "line $i"; sleep 0.01; done; test "$(cat /ledger)" = talk']}}]
Y
die() {
  rm -f told
  "$TOEHOLD" build recipe.yml --view plain >told 2>&1 </dev/null &
  builder=$!
  wait_until 60 grep -qs 'line 20$' told
  kill -9 "$builder"
  wait "$builder" 2>/dev/null || true
}
die
expect_exit 0 "$TOEHOLD" resume "$(sed -n 's/.*(build \(.*\))$/\1/p' told)" --view plain
diff <(grep -o 'line [0-9]*$' <<<"$err") <(seq -f 'line %g' 1 300) >difference || fail "$(head difference)"
die
expect_exit 0 "$TOEHOLD" cleanup
expect_equal "$(left)" ''

# --- killed where something has just been begun, a container, an image, its name
docker image rm --force "$image" >/dev/null
docker tag "$base" "$image"
owned=$(docker image inspect --format '{{.Id}}' "$image")
sed -i 's/seq 1 300/seq 1 3/' work.yml
printf '  - {name: test, steps: [{name: Look, action: ExecuteBash, inputs: {commands: [cat /ledger]}}]}\n' >>work.yml
rm -rf "$TOEHOLD_HOME/images"
for line in ${TOEHOLD_KILL_LINES:-1 3 5 7 9 11 13}; do
  # One that was killed a moment too late has put its image into the store, where it stays.
  in_time=
  for _ in 1 2 3 4 5; do
    got=0
    python3 "$TOEHOLD_SOURCE/tests/support/kill_at_line.py" "$line" "$TOEHOLD_HOME/builds" "$TOEHOLD" build recipe.yml --view none \
      --output "rootfs=$scratch/out.tar" >told 2>&1 || got=$?
    if [ "$got" != 0 ] || ! ls "$TOEHOLD_HOME"/images/*/image.json >/dev/null 2>&1; then
      in_time=yes
      break
    fi
    expect_exit 0 "$TOEHOLD" cleanup
    docker tag "$base" "$image"
    rm -rf "$TOEHOLD_HOME/images"
  done
  if [ "$got" = 3 ]; then break; fi
  [ -n "$in_time" ] || continue
  expect_exit 0 "$TOEHOLD" cleanup
  expect_equal "$(left) at $line" " at $line"
  expect_equal "$(docker image inspect --format '{{.Id}}' "$image")" "$owned"
done
[ "$line" -ge 11 ] || fail "only up to line $line: $(cat told)"
sleep 1
expect_equal "$(left)" ''
