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

# What was asked for and did not arrive is a failure.
for command in 'validate talk.yml' 'validate --format json talk.yml' 'run talk.yml --explain' \
  describe 'events logs'; do
  code=0
  # shellcheck disable=SC2086
  "$TOEHOLD" $command >/dev/full 2>err || code=$?
  expect_equal "$command $code" "$command 1"
  expect_contains "$(cat err)" 'cannot write to standard output: No space left'
done
code=0
"$TOEHOLD" --version >/dev/full || code=$?
expect_equal "$code" 1

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
"$TOEHOLD_AGENT" run -d long.yml -s state2 -l logs2 >out.json 2>err &
agent=$!
wait_until 10 test -s begun
kill -HUP $agent
code=0
wait $agent || code=$?
expect_equal "$code" 143
expect_contains "$(cat err)" 'step build.Long may be half done'
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

# Names and paths do not drive the terminal either.
printf '%s\n' 'name: "a\e]0;title\a\e[2Jb"' 'schemaVersion: 1.0' 'phases:' '  - name: build' '    steps:' \
  '      - {name: "S\e[2J", action: ExecuteBash, inputs: {commands: ["true"]}}' >escape.yml
expect_exit 1 "$TOEHOLD" validate escape.yml
expect_contains "$err" 'escape.yml:6:16: error[name-syntax]'
sed -i 's/"S.e.2J"/S/' escape.yml
expect_exit 0 "$TOEHOLD" run escape.yml -s state5 -l logs5 --view plain
expect_contains "$err" 'escape.yml  ab'
expect_exit 0 "$TOEHOLD" run escape.yml --explain
expect_contains "$out" '(ab)'

# The plan does not show what is secret.
cat >secret.yml <<'Y'
schemaVersion: 1.0
parameters:
  - DbPassword: {type: string, default: first-secret}
phases:
  - name: build
    steps:
      - {name: S, action: ExecuteBash, inputs: {commands: ['login {{ DbPassword }}']}}
Y
expect_exit 0 "$TOEHOLD" run secret.yml --explain --parameters DbPassword=other-secret
expect_contains "$out" 'login ***'
expect_lacks "$out" 'other-secret'

# A log that its disk does not take whole is told; the run goes on.
needs unshare
cat >small.sh <<'S'
set -eu
mkdir small
mount -t tmpfs -o size=64k tmpfs small
"$TOEHOLD" run flood.yml -s state4 -l small --view none
S
cat >flood.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Flood, action: ExecuteBash, inputs: {commands: ['head -c 200000 /dev/zero | tr "\\0" x', 'echo flooded >>ledger2']}}
Y
unshare -m true 2>/dev/null || skip "all but the full disk: no leave to make namespaces"
expect_exit 0 unshare -m sh small.sh
expect_equal "$(cat ledger2)" flooded
expect_contains "$err" 'console.log are missing: the disk did not take them'
