# Killed at any point and started again with the same command, the run goes on: no finished step
# runs twice, none is lost. A ledger outside of the program counts what ran.
. "$(dirname "$0")/lib.sh"
needs python3

ledger=$scratch/ledger
steps=12 # each may be killed three times, and an attempt in doubt has failed
{
  printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n'
  for i in $(seq $steps); do
    cat <<Y
      - name: S$i
        action: ExecuteBash
        maxAttempts: 4
        inputs:
          commands:
            - echo "begin $i" >>$ledger
            - for n in 1 2 3 4 5 6 7 8 9 10; do echo "line \$n of $i"; done
            - sleep 0.02
            - echo "end $i" >>$ledger
Y
  done
} >steps.yml

check_ledger() {
  python3 - "$ledger" $steps <<'P'
import collections, sys
lines = open(sys.argv[1]).read().split("\n")[:-1]
ends = [int(l.split()[1]) for l in lines if l.startswith("end")]
assert set(ends) == set(range(1, int(sys.argv[2]) + 1)), ("lost", ends)
# A step whose end was written may run again only when it was killed between its end and its record:
# then it was in doubt, and it is the next one to begin.
begun = [int(l.split()[1]) for l in lines if l.startswith("begin")]
assert begun == sorted(begun), ("out of order", begun)
P
}

finished_never_again() {
  # Every step that a journal called finished must have its last begin before that record's time.
  python3 - "$scratch/logs" <<'P'
import glob, json, sys
for path in glob.glob(sys.argv[1] + "/TOE_*/events.jsonl"):
    finished = set()
    for line in open(path):
        event = json.loads(line)
        if event["type"] == "attemptStarted":
            assert event["step"] not in finished, ("ran again", event)
        if event["type"] == "stepFinished":
            assert event["step"] not in finished, ("finished twice", event)
            finished.add(event["step"])
P
}

for round in $(seq 12); do
  rm -rf state logs
  : >"$ledger"
  finished=
  for kill in 1 2 3; do
    "$TOEHOLD_AGENT" run -s state -l logs --documents steps.yml >out.json 2>/dev/null &
    agent=$!
    delay=$(python3 -c "import random; print(random.Random($round * 10 + $kill).uniform(0.005, 0.3))")
    sleep "$delay"
    kill -9 $agent 2>/dev/null || true
    # Killed after it told the end counts as ended.
    if wait $agent 2>/dev/null || grep -q '"status": "success"' out.json; then
      finished=yes
      break
    fi
  done
  # One that was killed between its end's telling and its journal's removal tells the end once more.
  [ -n "$finished" ] && [ ! -e state/events.jsonl ] || expect_exit 0 agent_run --documents steps.yml
  check_ledger
  finished_never_again
  [ ! -e state/events.jsonl ] || fail "a successful run leaves its journal"
done

# The second agent on one state folder is told who holds it.
cat >long.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Long, action: ExecuteBash, inputs: {commands: [touch started, sleep 60]}}
Y
rm -rf state
"$TOEHOLD_AGENT" run -s "$scratch/state" -l "$scratch/logs" --documents long.yml >/dev/null 2>&1 &
holder=$!
wait_until 10 test -e started
expect_exit 75 agent_run --documents long.yml
expect_contains "$err" "in use by process $holder"

# SIGTERM ends what the step started, and the run stays resumable; a changed document is refused.
kill -TERM $holder
code=0
wait $holder || code=$?
expect_equal "$code" 143
cp long.yml before.yml
sed -i 's/sleep 60/sleep 0/' long.yml
expect_exit 76 agent_run --documents long.yml
expect_contains "$err" "--start-over"
cp before.yml long.yml
expect_exit 1 agent_run --documents long.yml
expect_contains "$(cat logs/TOE_*/events.jsonl)" '"inDoubt"'
sed -i 's/sleep 60/sleep 0/' long.yml
expect_exit 0 agent_run --documents long.yml
