# A detached run survives its caller; it is followed by offsets over any number of connections, with
# nothing lost and nothing twice; it goes on in the same stream after a reboot or a kill.
. "$(dirname "$0")/lib.sh"
needs python3

cat >chatty.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Talk
        action: ExecuteBash
        inputs:
          commands: ['for i in $(seq 1 300); do echo "line $i"; echo "err $i" >&2; sleep 0.005; done']
      - {name: Bytes, action: ExecuteBash, inputs: {commands: ["printf 'a\\0b\\377c'"]}}
Y
# decode FILE: the output of steps in a followed stream
decode() {
  python3 - "$1" <<'P'
import base64, json, sys
for line in open(sys.argv[1], "rb"):
    record = json.loads(line)
    if record["type"] == "output" and record["stream"] == "out":
        sys.stdout.buffer.write(base64.b64decode(record["bytes"]))
P
}
run=$scratch/run
start() {
  "$TOEHOLD_AGENT" detach "$run" -- run --documents "$1" --stream "$run/stream" --view none \
    --state-directory "$run/state" --log-directory "$run/logs"
}
follow() { "$TOEHOLD_AGENT" follow "$run" "$@"; }

# Cut into many pieces, by size and by killing whoever follows.
start chatty.yml
: >got
for turn in $(seq 1 400); do
  limit=(--max-bytes $((turn * 37 % 1900 + 1)))
  if [ $((turn % 4)) = 0 ]; then
    timeout 0.05 "$TOEHOLD_AGENT" follow "$run" --offset "$(stat -c %s got)" --wait >piece || true
  else
    follow --offset "$(stat -c %s got)" "${limit[@]}" >piece
  fi
  # What a cut connection leaves of a line is thrown away, as the controller does.
  python3 - <<'P'
piece = open("piece", "rb").read()
whole = [line for line in piece[:piece.rfind(b"\n") + 1].splitlines(True) if line != b"\n"]
ended = bool(whole) and whole[-1].startswith(b'{"type":"ended"')
open("got", "ab").write(b"".join(whole[:-1] if ended else whole))
open("ended", "wb").write(whole[-1] if ended else b"")
P
  if [ -s ended ]; then break; fi
done
expect_contains "$(cat ended)" '"exitCode":0'
cmp got "$run/stream" || fail "what was followed is not the stream"
decode got >decoded
{ seq -f 'line %g' 1 300; printf 'a\0b\377c'; } >expected
cmp decoded expected || fail "output was lost or came twice"
expect_equal "$(grep -c '"type":"stepFinished"' got)" 2
expect_equal "$(stat -c %a "$run" "$run/stream" "$run/stdout" | tr '\n' ' ')" '700 600 600 '
expect_contains "$(cat "$run/stdout")" '"status": "success"'

# The same folder again is another run with a stream of its own.
cat >patient.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Wait, action: ExecuteBash, maxAttempts: 2, inputs: {commands: ['touch begun', 'while [ ! -e enough ]; do sleep 0.02; done']}}
Y
start patient.yml
# Only one at a time.
expect_exit 75 start patient.yml
expect_contains "$err" 'is in use'
wait_until 10 test -e begun
expect_exit 0 "$TOEHOLD_AGENT" stop "$run"
out=$(follow --wait)
expect_contains "$out" '"exitCode":143'
expect_contains "$out" 'the same command goes on'
# ... which it does, in the same stream.
touch enough
start patient.yml
out=$(follow --wait | grep -v '^$')
expect_contains "$out" '"type":"resumed"'
expect_equal "$(grep -c '"type":"runStarted"' <<<"$out")" 1
expect_equal "$(grep -c '"seq":' <<<"$out")" "$(grep -o '"seq":[0-9]*' <<<"$out" | sort -u | wc -l)"

# Killed without a word: that is said, and the same command goes on.
run=$scratch/killed
cat >slow.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: First, action: ExecuteBash, inputs: {commands: ['echo first >>ledger']}}
      - {name: Again, action: ExecuteBash, maxAttempts: 3, inputs: {commands: ['echo again >>ledger', 'while [ ! -e go ]; do sleep 0.05; done']}}
Y
start slow.yml
wait_until 10 grep -qs again ledger
kill -9 "$(cat "$run/lock")"
out=$(follow --wait)
expect_contains "$out" '"lost":true'
touch go
start slow.yml
out=$(follow --wait)
expect_contains "$out" '"exitCode":0'
expect_equal "$(tr '\n' ' ' <ledger)" 'first again again '

# What is wrong before the run begins is told, too.
run=$scratch/wrong
echo 'schemaVersion: 2.0' >wrong.yml
start wrong.yml
out=$(follow --wait)
expect_contains "$out" '"exitCode":1'
expect_contains "$out" 'schemaVersion'

"$TOEHOLD_AGENT" discard "$scratch/killed"
[ ! -e "$scratch/killed" ] || fail "discard left something"
