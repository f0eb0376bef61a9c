# CloudWatch Logs that is dead, silent, throttling or closed to us: no step waits for it, no line is
# lost on the disk, and the run says what is missing, or does not begin.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"
start_fault_proxy

log_events() {
  AWS_ENDPOINT_URL=$aws_url "$aws_python" "$TOEHOLD_SOURCE/tests/support/log_events.py" "$@"
}
cat >three.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: ExecuteBash, inputs: {commands: ['touch ran', 'seq 2000']}}
      - {name: Two, action: ExecuteBash, inputs: {commands: ['seq 2001 4000']}}
      - {name: Three, action: ExecuteBash, inputs: {commands: ['sleep 1.2', 'echo last']}}
Y
fresh() { rm -rf logs ran state; }
complete() { # console.log has all that the steps printed
  local lines
  lines=$(grep -c 'Stdout: ' "$(log_folder logs)/console.log")
  expect_equal "$lines" 4001
}
dead=http://127.0.0.1:1

# Nobody there: without --cw-ignore-failures not a step is run ...
faults '[]'
expect_exit 1 env AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=$dead AWS_MAX_ATTEMPTS=2 \
  "$TOEHOLD_AGENT" run -s state -l logs -d three.yml --cw-log-group g --cw-log-stream dead
expect_contains "$err" 'no step was run'
expect_contains "$err" 'add --cw-ignore-failures to run without it'
[ ! -e ran ] || fail "a step was run"

# ... with it, all of them, and one warning.
fresh
expect_exit 0 env AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=$dead \
  "$TOEHOLD_AGENT" run -s state -l logs -d three.yml --cw-log-group g --cw-log-stream dead \
  --cw-ignore-failures
expect_contains "$out" '"status": "success"'
expect_equal "$(grep -c '^warning: ' <<<"$err")" 1
expect_contains "$err" 'of console.log are not in CloudWatch log stream g:dead'
complete

# Not allowed: the permission is named.
fresh
faults '[{"match": {"operation": "^CreateLogStream$"}, "times": 0,
          "do": {"status": 400, "code": "AccessDeniedException", "message": "not authorized"}}]'
expect_exit 1 agent_run -d three.yml --cw-log-group g --cw-log-stream denied
expect_contains "$err" logs:CreateLogStream
[ ! -e ran ] || fail "a step was run"

# Throttled, failing, cut off: waited out, and all lines are there in order.
fresh
faults '[{"match": {"operation": "PutLogEvents"}, "times": 2, "do": {"status": 400, "code": "ThrottlingException"}},
         {"match": {"operation": "PutLogEvents"}, "times": 2, "do": {"status": 503, "code": "ServiceUnavailableException"}},
         {"match": {"operation": "PutLogEvents"}, "times": 1, "do": {"close": "before"}}]'
expect_exit 0 agent_run -d three.yml --cw-log-group g --cw-log-stream bumpy
complete
[ "$(aws_calls | grep -c PutLogEvents)" -ge 6 ] || fail "the faults were not met: $(aws_calls)"
log_events same g bumpy "$(log_folder logs)/console.log"

# A lost answer may bring lines twice, never none.
fresh
faults '[{"match": {"operation": "PutLogEvents"}, "times": 1, "do": {"close": "after"}}]'
expect_exit 0 agent_run -d three.yml --cw-log-group g --cw-log-stream lost
log_events covers g lost "$(log_folder logs)/console.log"

# Closed to us in the middle: the steps go on, the run fails at its end and says why.
fresh
faults '[{"match": {"operation": "PutLogEvents"}, "nth": 2, "times": 0,
          "do": {"status": 400, "code": "InvalidParameterException", "message": "no more"}}]'
expect_exit 1 agent_run -d three.yml --cw-log-group g --cw-log-stream refused
expect_contains "$out" '"status": "failed"'
expect_contains "$out" 'All steps are done, but '
expect_contains "$err" 'were refused by CloudWatch log stream g:refused: InvalidParameterException: no more'
complete
[ ! -e state/events.jsonl ] || fail "the journal of steps that are all done stays"

# Silent after the begin: no step is slower for it, and a signal ends the wait for the rest.
fresh
faults '[{"match": {"operation": "PutLogEvents"}, "times": 0, "do": {"freeze": -1}}]'
"$TOEHOLD_AGENT" run -s state -l logs -d three.yml --cw-log-group g --cw-log-stream silent \
  >silent.out 2>silent.err &
agent=$!
is_over() { grep -qs 'TOE has completed execution successfully' logs/TOE_*/console.log; }
wait_until 20 is_over
complete
wait_until 20 grep -q 'sending the last' silent.err
kill -TERM "$agent"
code=0
wait "$agent" || code=$?
expect_equal "$code" 1
expect_contains "$(cat silent.err)" 'of console.log are not in CloudWatch log stream g:silent'

# A stream that is deleted meanwhile is made again.
fresh
mkfifo go
cat >pause.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Pause, action: ExecuteBash, inputs: {commands: ['echo one', 'read -r _ <go', 'echo two']}}
Y
faults '[]'
"$TOEHOLD_AGENT" run -s state -l logs -d pause.yml --cw-log-group gone --cw-log-stream s \
  >pause.out 2>&1 &
agent=$!
has_one() { [[ $(log_events print gone s 2>/dev/null) == *'Stdout: one'* ]]; }
wait_until 20 has_one
aws logs delete-log-group --log-group-name gone
echo >go
wait "$agent" || fail "the run failed: $(cat pause.out)"
expect_contains "$(log_events print gone s)" 'Stdout: two'
