# The controller of a build in a container is killed at lines of its inventory, and cleanup comes at
# once: nothing is left of it, and an image that had the name before has it again.
. "$(dirname "$0")/podman.sh"
needs python3
name=killed$$
cat >work.yml <<'Y'
schemaVersion: 1.0
phases:
  - {name: build, steps: [{name: One, action: ExecuteBash, inputs: {commands: ['echo one >/one']}}]}
  - {name: test, steps: [{name: Two, action: ExecuteBash, inputs: {commands: [echo two]}}]}
Y
cat >recipe.yml <<Y
name: $name
components: [work.yml]
target: {type: container, image: '$base'}
Y
remains() {
  podman ps --all --format '{{.Names}}' --filter "name=toehold-$name"
  podman images --all --format '{{.Repository}}:{{.Tag}} {{.ID}}' --filter "label=org.opencontainers.image.title=$name"
  ls "$TOEHOLD_HOME/builds" "$TOEHOLD_HOME/images" 2>/dev/null | grep "$name" || true
  ls -A out | grep -vx -e root.tar -e oci.tar || true  # whole ones
}
command=("$TOEHOLD" build recipe.yml --view none --output "rootfs=$scratch/out/root.tar" --output "oci-archive=$scratch/out/oci.tar")
kill_at() { python3 "$TOEHOLD_SOURCE/tests/support/kill_at_line.py" "$1" "$TOEHOLD_HOME/builds" "${command[@]}"; }
mkdir out
podman tag "$base" "localhost/$name:1.0.0"
owner() { podman image inspect --format '{{.Id}}' "localhost/$name:1.0.0"; }
owned=$(owner)

# Killed between the entry in the store and the delivery, which takes less than a kill can hit: what
# such a build leaves is made of one that has ended. Without its image nothing is listed.
expect_exit 0 "${command[@]}"
python3 - "$TOEHOLD_HOME"/builds/* <<'P'
import json, sys
with open(sys.argv[1] + "/inventory.jsonl", "r+") as file:
    for line in [json.loads(line) for line in file]:
        if line.get("kind") == "name" or line.get("provider") == "images":
            file.write(json.dumps({**line, "state": "created"}) + "\n")
with open(sys.argv[1] + "/build.json", "r+") as file:
    record = {**json.load(file), "state": "running"}
    file.seek(0), file.truncate(), json.dump(record, file)
P
expect_contains "$("$TOEHOLD" images)" "$name"
expect_exit 0 "$TOEHOLD" cleanup
expect_contains "$out" "removed  image "
expect_equal "$(ls "$TOEHOLD_HOME/images")" ''
expect_equal "$(owner)" "$owned"
# Its layers have another record, which the end of the build has used up.
podman images --all --quiet --filter "label=org.opencontainers.image.title=$name" | xargs -r podman image rm --force >/dev/null
expect_equal "$(remains)" ''

# All lines take minutes; the short form takes those behind which something has just been begun.
lines=${TOEHOLD_KILL_LINES:-13 1 3 5 10}
killed=0
for line in $lines; do
  # One that was killed a moment too late has put its image into the store, where it stays.
  in_time=
  for _ in 1 2 3 4 5; do
    got=0
    rm -f out/*
    kill_at "$line" >told 2>&1 || got=$?
    if [ "$got" != 0 ] || ! ls "$TOEHOLD_HOME"/images/*/image.json >/dev/null 2>&1; then
      in_time=yes
      break
    fi
    delivered=$(grep -F '"state":"delivered"' "$TOEHOLD_HOME"/builds/*/inventory.jsonl || true)
    expect_exit 0 "$TOEHOLD" cleanup
    [ -z "$delivered" ] || [ "$(owner)" != "$owned" ] || fail "cleanup has taken a delivered image away"
    podman image rm --force "localhost/$name:1.0.0" >/dev/null
    podman tag "$base" "localhost/$name:1.0.0"
    rm -rf "$TOEHOLD_HOME/images"
  done
  if [ "$got" = 3 ]; then break; fi
  [ -n "$in_time" ] || continue
  killed=$((killed + 1))
  expect_exit 0 "$TOEHOLD" cleanup
  expect_equal "$(remains) at $line" " at $line"
  expect_equal "$(owner)" "$owned"
done
[ "$killed" -ge 5 ] || fail "only $killed kills: $(cat told)"
nothing_runs() { ! pgrep -f "toehold-$name" >/dev/null; }
wait_until 20 nothing_runs
expect_equal "$(remains)" ''

podman image rm --force "localhost/$name:1.0.0" >/dev/null

# What the engine was doing for the dead controller is waited for: else cleanup would find nothing,
# and a container or an image would come to be after it. Here the engine is slow, and as that of an
# ordinary user it works in a child, which nothing kills: it is there under its name and words, and
# begins only after two seconds.
mkdir slow bin
engine=$(command -v podman)
for verb in create commit; do
  printf '#!/bin/bash\nsleep 2\nexec -a podman "%s" %s "$@"\n' "$engine" "$verb" >"slow/$verb"
done
printf '#!/bin/bash\ncase ${1-} in create | commit) cd "%s" && (exec -a podman bash "$@"); exit ;; esac\nexec -a podman "%s" "$@"\n' \
  "$scratch/slow" "$engine" >bin/podman
chmod 755 bin/podman
engine_does() { pgrep -f "^podman $1 .*$name" >/dev/null; }
engine_idles() { ! engine_does create && ! engine_does commit; }
kill_during() {
  PATH="$scratch/bin:$PATH" "$TOEHOLD" build recipe.yml --view none --no-test >told 2>&1 </dev/null &
  builder=$!
  wait_until 60 engine_does "$1"
  kill -9 "$builder"
  wait "$builder" 2>/dev/null || true
  engine_does "$1" || fail "the engine does not outlive the controller: the case shows nothing"
}
for verb in create commit; do
  kill_during "$verb"
  expect_exit 0 "$TOEHOLD" cleanup
  wait_until 20 engine_idles
  expect_equal "$(remains) after $verb" " after $verb"
done
kill_during create
expect_exit 0 env PATH="$scratch/bin:$PATH" "$TOEHOLD" resume "$(ls "$TOEHOLD_HOME/builds")" --view plain
expect_exit 0 "$TOEHOLD" cleanup
podman image rm --force "localhost/$name:1.0.0" >/dev/null
rm -r "$TOEHOLD_HOME"/images/*
expect_equal "$(remains)" ''

# A build that broke off behind its steps has no container any more: they are run again in another one,
# and are in what it makes.
: >late
expect_exit 1 "$TOEHOLD" build recipe.yml --view plain --output "rootfs=late/root.tar"
id=$(ls "$TOEHOLD_HOME/builds")
rm late && mkdir late
expect_exit 0 "$TOEHOLD" resume "$id" --view plain
expect_contains "$err" 'the build begins anew'
expect_contains "$err" 'Two (ExecuteBash)'
tar -tf late/root.tar >names
grep -qx one names || fail "the step is not in the image: $(cat names)"
expect_exit 0 "$TOEHOLD" cleanup
podman image rm --force "localhost/$name:1.0.0" >/dev/null
rm -r "$TOEHOLD_HOME"/images/* late
expect_equal "$(remains)" ''

# In the middle of a step: a controller that dies leaves a run that resume follows to its end; one
# that is told to stop takes all with it.
cat >work.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Talk, action: ExecuteBash, inputs: {commands: ['echo talk >>/ledger; for i in $(seq 1 400); do echo "line $i"; sleep 0.01; done']}}
  - {name: test, steps: [{name: Look, action: ExecuteBash, inputs: {commands: ['cat /ledger | grep -c talk']}}]}
Y
"$TOEHOLD" build recipe.yml --view plain >told 2>&1 </dev/null &
builder=$!
wait_until 60 grep -qs 'line 20$' told
kill -9 "$builder"
wait "$builder" 2>/dev/null || true
id=$(ls "$TOEHOLD_HOME/builds")
expect_exit 0 "$TOEHOLD" resume "$id" --view plain
diff <(grep -o 'line [0-9]*$' <<<"$err") <(seq -f 'line %g' 1 400) >difference || fail "$(head difference)"
expect_contains "$err" '│ 1'
expect_exit 0 "$TOEHOLD" cleanup
podman image rm --force "localhost/$name:1.0.0" >/dev/null
rm told
env --default-signal=INT "$TOEHOLD" build recipe.yml --view plain >told 2>&1 </dev/null &
builder=$!
wait_until 60 grep -qs 'line 20$' told
kill -INT "$builder"
got=0
wait "$builder" || got=$?
expect_equal "$got" 130
expect_equal "$(podman ps --all --format '{{.Names}}' --filter "name=toehold-$name")" ''
expect_exit 0 "$TOEHOLD" cleanup
expect_equal "$(remains)" ''
