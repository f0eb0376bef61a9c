# Sourced after aws_lib.sh by the tests of S3: one step of S3Download or S3Upload as a document that
# the real agent runs, and buckets and objects by boto3.

# s3_step CODE ACTION ITEM...: runs one step over these items ("{source: ..., destination: ...}");
# its console.log is in $log. Nothing is left in $scratch/to but what the step put there.
s3_step() {
  local code=$1 action=$2
  shift 2
  rm -rf "$scratch/state" "$scratch/logs"
  {
    printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: Step\n'
    printf '        action: %s\n%s        inputs:\n' "$action" "${s3_step_options:-}"
    printf '          - %s\n' "$@"
  } >"$scratch/step.yml"
  local got=0
  agent_run --documents "$scratch/step.yml" >/dev/null 2>&1 </dev/null || got=$?
  log=$(cat "$(log_folder "$scratch/logs")/console.log")
  [ "$got" = "$code" ] || fail "exit $got instead of $code: $action $*"$'\n'"${log:0:4000}"
}
# boto CODE [ARGUMENT...]: Python with boto3's `s3`, past any fault proxy; arguments are sys.argv[1:].
boto() {
  AWS_ENDPOINT_URL=$aws_url "$aws_python" -c "
import boto3, hashlib, os, sys
s3 = boto3.client('s3')
$1" "${@:2}"
}
# No file of ours is on its way or was left behind.
expect_no_parts() {
  local left
  left=$(find "$scratch/to" -name '.toehold*')
  [ -z "$left" ] || fail "left behind: $left"
}
