# console.log in CloudWatch Logs, read back by boto3: all lines, in order and once, long ones and
# unicode too, while the steps run, over a reboot and over a kill; and no secret among them.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"

# The service's own address: the agent may be sent elsewhere.
log_events() {
  AWS_ENDPOINT_URL=$aws_url "$aws_python" "$TOEHOLD_SOURCE/tests/support/log_events.py" "$@"
}
has_line() { [[ $(log_events print "$1" "$2" 2>/dev/null) == *"$3"* ]]; }
# step NAME COMMAND...: a document with one step
step() {
  local name=$1 command
  shift
  printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: %s\n        action: ExecuteBash\n' "$name"
  printf '        inputs:\n          commands:\n'
  for command in "$@"; do printf '            - |\n              %s\n' "$command"; done
}

# Many lines, and group and stream are made.
step Many 'seq -f "line %.0f of it" 100000' >many.yml
expect_exit 0 agent_run --documents many.yml --cw-log-group /build/many --cw-log-stream 1.0.0/1
log_events same /build/many 1.0.0/1 "$(log_folder logs)/console.log"
[ ! -e state/cloudwatch.json ] || fail "the note of how far the service is stays after the run"

# What is odd: long lines, unicode that a cut could spoil, bytes that are no text, no end of line.
rm -rf logs
step Odd "python3 -c 'print(\"x\" * 700000)'" "python3 -c 'print(\"\\u20ac\\U0001f600\" * 90000)'" \
  'printf "a\377b\001\033[1mc\t\"d\\\\\r\n\n\n"; echo ü >&2; printf "no end"' >odd.yml
expect_exit 0 agent_run --documents odd.yml --cw-log-group /build/many --cw-log-stream odd
log_events same /build/many odd "$(log_folder logs)/console.log"

# The region that is asked for; the execution id is the stream.
rm -rf logs
step Little 'echo little' >little.yml
expect_exit 0 agent_run --documents little.yml --execution-id run-7 --cw-log-group /build/far \
  --cw-log-region eu-central-1
AWS_DEFAULT_REGION=eu-central-1 log_events same /build/far run-7 "$(log_folder logs)/console.log"
! log_events print /build/far run-7 >/dev/null 2>&1 || fail "the group is in the wrong region"

# The same from a configuration file.
rm -rf logs
cat >config.json <<J
{"documents": [{"path": "little.yml"}], "logDirectory": "logs", "stateDirectory": "state",
 "cwLogGroup": "/build/many", "cwLogStream": "config", "cwLogRegion": "us-east-1"}
J
expect_exit 0 "$TOEHOLD_AGENT" run --config config.json
log_events same /build/many config "$(log_folder logs)/console.log"

# Live: a line is there while its step still runs.
rm -rf logs
mkfifo go
step Slow 'echo the first line' 'read -r _ <go' 'echo the last line' >slow.yml
"$TOEHOLD_AGENT" run -s state -l logs --documents slow.yml --cw-log-group /build/many \
  --cw-log-stream live >live.out 2>&1 &
agent=$!
wait_until 30 has_line /build/many live 'Stdout: the first line'
[ -e "/proc/$agent" ] || fail "the step has ended before its line was seen"
! has_line /build/many live 'the last line' || fail "the last line came before its time"
echo >go
wait "$agent" || fail "the run failed: $(cat live.out)"
log_events same /build/many live "$(log_folder logs)/console.log"

# Over a reboot: the same stream, nothing twice.
rm -rf logs
step Boot 'echo before; if [ ! -e booted ]; then touch booted; seq 2000; exit 194; fi; echo after' >boot.yml
cloudwatch=(--cw-log-group /build/many --cw-log-stream boot)
expect_exit 194 agent_run --documents boot.yml "${cloudwatch[@]}"
has_line /build/many boot 'Getting reboot signal' || fail "the end before the reboot was not sent"
expect_exit 0 agent_run --documents boot.yml "${cloudwatch[@]}"
log_events same /build/many boot "$(log_folder logs)/console.log"
has_line /build/many boot 'System has rebooted successfully' || fail "nothing of the reboot"

# Killed in the middle of a line, and gone on: all lines, perhaps some of them twice.
rm -rf logs
step Kill 'echo round; if [ ! -e killed ]; then seq 5000; printf "half a line"; touch killed; sleep 60; fi; seq 6000 7000' |
  sed 's/inputs:/maxAttempts: 2\n        inputs:/' >kill.yml
cloudwatch=(--cw-log-group /build/many --cw-log-stream kill)
"$TOEHOLD_AGENT" run -s state -l logs --documents kill.yml "${cloudwatch[@]}" >kill.out 2>&1 &
agent=$!
has_half_line() { grep -qs 'Stdout: half a line' logs/TOE_*/console.log; }
wait_until 30 has_half_line
kill -9 "$agent"
wait "$agent" 2>/dev/null || true
expect_exit 0 agent_run --documents kill.yml "${cloudwatch[@]}"
log_events covers /build/many kill "$(log_folder logs)/console.log"
has_line /build/many kill 'Stdout: half a line' || fail "the half line is missing"

# Secrets are masked on their way, whole and in base64.
rm -rf logs
step Secret 'echo "the word is {{ adminPassword }}; $(printf %s {{ adminPassword }} | base64)"' |
  sed 's/^phases/parameters: [{adminPassword: {type: string}}]\nphases/' >secret.yml
expect_exit 0 agent_run --documents secret.yml --parameters adminPassword=correct-horse-battery \
  --cw-log-group /build/many --cw-log-stream secret
messages=$(log_events print /build/many secret)
expect_contains "$messages" 'the word is ***'
expect_lacks "$messages" correct-horse
expect_lacks "$messages" "$(printf correct-horse-battery | base64)"

# Options that do not go together.
expect_exit 2 agent_run --documents little.yml --cw-log-stream s
expect_contains "$err" '--cw-log-stream has no effect without --cw-log-group'
expect_exit 2 agent_run --documents little.yml --cw-log-region us-east-1
expect_exit 2 agent_run --documents little.yml --cw-log-group 'a b'
expect_contains "$err" "--cw-log-group: 'a b' cannot be the name of a log group"
expect_exit 2 agent_run --documents little.yml --cw-log-group a --cw-log-stream a:b
