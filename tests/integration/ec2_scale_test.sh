#!/usr/bin/env bash
# Many builds on EC2 from one controller, over SSM: memory, Describe calls a minute, throttling, an
# instance that is slow, one that fails. 20 instances without processes (see ec2.sh); 200 of them
# with TOEHOLD_FULL_TESTS=1. TOEHOLD_SCALE sets another number.
export LOCAL_EC2_LIGHT=1
. "$(dirname "${BASH_SOURCE[0]}")/ec2.sh"
count=20
if [ "${TOEHOLD_FULL_TESTS:-}" = 1 ]; then count=200; fi
count=${TOEHOLD_SCALE:-$count}
most_memory=150  # MB, whatever the number

component() {  # FILE COMMAND
  cat >"$1" <<YAML
schemaVersion: 1.0
parameters:
  - Number: {type: string, default: none}
phases:
  - name: build
    steps:
      - {name: First, action: ExecuteBash, inputs: {commands: ['seq -f "a line of output, number %g" 3000']}}
      - {name: Work, action: ExecuteBash, inputs: {commands: ['$2']}}
YAML
}
record() {  # NAME COMMAND: what the agent tells of a run, for the instances to play
  component "$1.yml" "$2"
  mkdir "$1"
  "$TOEHOLD_AGENT" run --documents "$1.yml" --log-directory "$1" --state-directory "$1/state" \
    --stream "$scratch/$1.stream" >/dev/null 2>&1 || true
  [ -s "$scratch/$1.stream" ] || fail "the agent has told nothing"
}
record good 'echo {{ Number }}'
record bad 'exit 3'
# As long as that of a real machine.
for ((i = 0; i < 500; ++i)); do
  printf 'Package: package-%d\nStatus: install ok installed\nVersion: 1.%d\nArchitecture: amd64\nDescription: %0600d\n\n' $i $i 0
done >packages

component component.yml 'echo {{ Number }}'
{
  printf 'name: many\nversion: 1.0.0\ncomponents: [component.yml]\nparentImage: %s\n' "$base_ami"
  printf "parameters: [{name: Number, value: '{{ matrix.NUMBER }}'}]\n"
  printf 'matrix: {NUMBER: [%s]}\n' "$(seq -s, -f 'n%03g' "$count")"
  printf 'target:\n  type: ec2\n  staging: s3://%s/builds\n  instanceProfileName: %s\n  recordFiles: false\n' \
    "$bucket" "$instance_profile"
} >recipe.yml
cloud_settings "{\"plays\": [
  {\"match\": \"n007\", \"stream\": \"$scratch/good.stream\", \"until\": \"$scratch/enough\"},
  {\"match\": \"n013\", \"stream\": \"$scratch/bad.stream\", \"takes\": 1, \"exit\": 1},
  {\"stream\": \"$scratch/good.stream\", \"takes\": 2}], \"packages\": \"$PWD/packages\",
  \"pending_for\": 1, \"online_after\": 2, \"stop_takes\": 1, \"image_pending_for\": 2}"
cloud_faults '[{"operation": "RunInstances", "code": "RequestLimitExceeded", "status": 503, "times": 4},
  {"operation": "DescribeInstances", "code": "RequestLimitExceeded", "status": 503, "times": 3, "nth": 3}]'

# The sum of the proportional set sizes of the controller and all its processes, at its highest.
cat >watch.py <<'PY'
import os, subprocess, sys, time

def processes(pid):
    yield pid
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            for child in file.read().split():
                yield from processes(int(child))

def memory(pid):
    total = 0
    for one in processes(pid):
        with open(f"/proc/{one}/smaps_rollup") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total

peak, begun = 0, time.monotonic()
with open("build.out", "wb") as out, open("build.err", "wb") as err:
    controller = subprocess.Popen(sys.argv[1:], stdout=out, stderr=err, stdin=subprocess.DEVNULL)
while controller.poll() is None:
    try:
        peak = max(peak, memory(controller.pid))
    except (OSError, StopIteration):
        pass
    time.sleep(0.1)
print(controller.returncode, peak // 1000, round(time.monotonic() - begun))
PY
python3 watch.py "$TOEHOLD" build --jobs "$count" recipe.yml >watched &
# All others come to their end while the slow one is at work.
ended() { [ -e build.err ] && grep -cE '  (not )?built (in|after) ' build.err || true; }
all_but_one() { [ "$(ended)" = $((count - 1)) ]; }
wait_until $((60 + 3 * count)) all_but_one
touch "$scratch/enough"
wait $!
read -r code megabytes seconds <watched
err=$(<build.err)
tail -5 build.err
echo "$count builds: $seconds s, at most $megabytes MB"
cloud_calls | sort | uniq -c | sort -rn

# The one that fails is named, and the slow one was waited for.
expect_equal "$code" 1
expect_contains "$err" "1 of $count builds failed:"
expect_contains "$(tail -1 build.err)" "many 1.0.0 NUMBER=n013  step build.Work failed"
expect_contains "$err" "NUMBER=n013  not built after"
expect_equal "$(grep -c '  built in ' build.err)" $((count - 1))
expect_contains "$(grep -E '  (not )?built (in|after) ' build.err | tail -1)" NUMBER=n007
expect_equal "$(left | grep -c '^image ')" $((count - 1))
expect_equal "$(left | grep -v '^image \|^snapshot ' || true)" ''
expect_contains "$(cat "$TOEHOLD_HOME"/builds/*/build.log)" 'number 3000'

[ "$TOEHOLD_BUILD" = sanitize ] || [ "$megabytes" -lt "$most_memory" ] || fail "$megabytes MB of memory"
# Of each kind two a second at most, and ten at once after a rest; besides, each build looks for its
# base, and for an image of its name before the launch and before it is made.
cloud_calls | grep Describe | sort | uniq -c | while read -r calls name; do
  [ "$calls" -le $((2 * seconds + 10 + 3 * count)) ] || fail "$calls calls of $name in $seconds s"
done
