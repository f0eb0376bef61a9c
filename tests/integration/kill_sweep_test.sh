# The agent is killed at every one of its writes, syncs, renames and starts in turn; each time the
# same command must bring the run to its end with every step done and no finished step repeated.
. "$(dirname "$0")/lib.sh"
needs strace python3
strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"

cat >sweep.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: CreateFile, inputs: [{path: one.txt, content: one}]}
      - {name: Two, action: ExecuteBash, maxAttempts: 2, inputs: {commands: [echo two >>ledger, echo two]}}
      - {name: Three, action: CreateFile, inputs: [{path: three.txt, content: '{{ build.Two.outputs.stdout }}'}]}
Y

check() {
  expect_equal "$(cat one.txt three.txt | tr -d '\n')" "onetwo"
  python3 - <<'P'
import glob, json
for path in glob.glob("logs/TOE_*/events.jsonl"):
    finished = set()
    for line in open(path):
        if not line.endswith("\n"):
            continue
        event = json.loads(line)
        if event["type"] == "attemptStarted":
            assert event["step"] not in finished, event
        if event["type"] == "stepFinished":
            finished.add(event["step"])
P
}

kills=0
for call in write fdatasync rename openat unlink; do
  for ((when = 1; ; when++)); do
    rm -rf state logs ledger one.txt three.txt
    code=0
    # Only the agent itself is traced, not what it starts.
    { strace -o /dev/null -e trace="$call" -e inject="$call":signal=KILL:when="$when" \
      "$TOEHOLD_AGENT" run -d sweep.yml -s state -l logs >told </dev/null || code=$?; } 2>/dev/null
    [ "$code" != 0 ] || break
    kills=$((kills + 1))
    expect_exit 0 "$TOEHOLD_AGENT" run -d sweep.yml -s state -l logs
    check
    # Only an end that was told may be followed by another run.
    grep -q '"success"' told || expect_equal "$(cat logs/TOE_*/events.jsonl | grep -c '"runStarted"')" 1
    # openat has hundreds of calls before the first effect; take every seventh of them.
    [ "$call" != openat ] || when=$((when + 6))
    [ "$when" -lt 400 ] || break
  done
done
echo "killed at $kills points"
[ "$kills" -gt 20 ] || fail "only $kills points were reached"

# A journal that cannot be written stops the run before the next effect.
rm -rf state logs ledger
code=0
strace -o /dev/null -e trace=fdatasync -e inject=fdatasync:error=EIO:when=3+ \
  "$TOEHOLD_AGENT" run -d sweep.yml -s state -l logs >/dev/null 2>err.txt </dev/null || code=$?
expect_equal "$code" 74
expect_contains "$(cat err.txt)" "cannot write the journal"
