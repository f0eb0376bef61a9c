# Standard streams that are closed, full or gone, and a terminal that hangs up: none of them costs a
# run, and nothing meant for a screen lands in a file.
. "$(dirname "$0")/lib.sh"

cat >talk.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Talk
        action: ExecuteBash
        inputs: {commands: ['for i in $(seq 2000); do echo "line $i"; done', 'echo done >>ledger']}
Y
talk() { "$TOEHOLD" run talk.yml -s state -l logs --view plain "$@"; }

talk 2>&1 | head -n 2 >first
expect_equal "$(head -n 1 first)" talk.yml
expect_equal "$(cat ledger)" done

rm -rf ledger logs
talk <&- >&- 2>&-
expect_equal "$(cat ledger)" done
expect_equal "$(grep -c . logs/TOE_*/events.jsonl)" "$(grep -c '"seq"' logs/TOE_*/events.jsonl)"
expect_lacks "$(cat logs/TOE_*/document.yaml logs/TOE_*/application.log)" executedStepCount
expect_lacks "$(cat logs/TOE_*/application.log)" 'line 1'

code=0
talk --result always >/dev/full 2>err || code=$?
expect_equal "$code" 0
expect_contains "$(cat err)" 'cannot write the result to standard output: No space left'

# A hang-up ends what the step started and leaves the run to go on, as SIGTERM does.
cat >long.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Long
        action: ExecuteBash
        maxAttempts: 2
        inputs: {commands: ['if [ ! -e begun ]; then echo $$ >begun; sleep 60; fi', 'echo went on']}
Y
"$TOEHOLD_AGENT" run -d long.yml -s state2 -l logs2 >out.json 2>/dev/null &
agent=$!
wait_until 10 test -s begun
kill -HUP $agent
code=0
wait $agent || code=$?
expect_equal "$code" 143
[ ! -e "/proc/$(cat begun)" ] || fail "the step outlived its run"
expect_exit 0 "$TOEHOLD_AGENT" run -d long.yml -s state2 -l logs2
expect_equal "$(ls -d logs2/TOE_* | wc -l)" 1

# Below nohup it is nothing.
rm -rf begun
cat >nohup.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Wait, action: ExecuteBash, inputs: {commands: ['touch begun; until [ -e go ]; do sleep 0.05; done']}}
Y
nohup "$TOEHOLD_AGENT" run -d nohup.yml -s state3 -l logs3 >out.json 2>/dev/null &
agent=$!
wait_until 10 test -e begun
kill -HUP $agent
touch go
wait $agent || fail "the hang-up ended it"
