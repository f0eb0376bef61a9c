# What goes wrong between us and AWS: no metadata, expired tokens, a clock that is off, throttling,
# lost answers, a bucket elsewhere, a denial. Each ends soon, and says what it is.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"
: "${TOEHOLD_AWS_PROBE:?}"

# ask JSON [COMMAND...]: the probe's $answer, asked by way of a command
ask() { answer=$(printf '%s\n' "$1" | "${@:2}" "$TOEHOLD_AWS_PROBE"); }
# took_less SECONDS COMMAND...: the last answer did, or one of two more: what is too slow always is
took_less() {
  local most=$1 try
  shift
  for try in 1 2 3; do
    python3 -c 'import json, sys; sys.exit(json.loads(sys.argv[1])["seconds"] >= float(sys.argv[2]))' \
      "$answer" "$most" && return
    "$@"
  done
  fail "took longer than $most s: $answer"
}
metadata='{"op": "metadata", "path": "meta-data/instance-id"}'
credentials='{"op": "credentials"}'
parameter='{"op": "call", "service": "ssm", "target": "AmazonSSM.GetParameter", "body": "{\"Name\": \"/a\"}", "resource": "parameter /a"}'
aws ssm put-parameter --name /a --type String --value the-value >/dev/null
aws s3api create-bucket --bucket elsewhere >/dev/null
start_fault_proxy

ask "$metadata"
expect_contains "$answer" '"value":"i-'
ask "$parameter"
expect_contains "$answer" the-value

# No route to the metadata: at once, and the message says what was missing.
alone=()
for try in "unshare -n" "unshare -rn"; do
  if $try true 2>/dev/null; then read -ra alone <<<"$try"; break; fi
done
if [ "${#alone[@]}" != 0 ]; then
  off=(env -u AWS_EC2_METADATA_SERVICE_ENDPOINT -u AWS_ACCESS_KEY_ID)
  ask "$metadata" "${alone[@]}" "${off[@]}"
  expect_contains "$answer" "instance metadata at http://169.254.169.254 does not answer"
  expect_contains "$answer" "this needs an EC2 instance"
  took_less 2 ask "$metadata" "${alone[@]}" "${off[@]}"
  ask "$credentials" "${alone[@]}" "${off[@]}"
  expect_contains "$answer" "no AWS credentials were found"
  expect_contains "$answer" "the instance's role (instance metadata at http://169.254.169.254 does not answer"
  took_less 2 ask "$credentials" "${alone[@]}" "${off[@]}"
else
  echo "no network namespaces here: the route that is missing is left out"
fi

# Metadata that takes the question and never answers: one second, whoever asks.
faults '[{"match": {"path": "^/latest/"}, "times": 0, "do": {"freeze": -1}}]'
usual=(env -u AWS_METADATA_SERVICE_TIMEOUT)
ask "$metadata" "${usual[@]}"
expect_contains "$answer" "does not answer: timed out"
took_less 2 ask "$metadata" "${usual[@]}"
ask "$credentials" "${usual[@]}" -u AWS_ACCESS_KEY_ID
expect_contains "$answer" "no AWS credentials were found"
took_less 2 ask "$credentials" "${usual[@]}" -u AWS_ACCESS_KEY_ID

# A token that the service calls expired is renewed once.
cat >keys.sh <<'E2'
echo x >>asked
printf '{"Version": 1, "AccessKeyId": "KEY%s", "SecretAccessKey": "S", "SessionToken": "T"}' "$(wc -l <asked)"
E2
mkdir -p "$HOME/.aws"
printf '[profile renewed]\ncredential_process = bash %s/keys.sh\n' "$scratch" >"$AWS_CONFIG_FILE"
renewing=(env -u AWS_ACCESS_KEY_ID AWS_PROFILE=renewed)
faults '[{"match": {"access_key": "KEY1"}, "times": 0, "do": {"status": 400, "code": "ExpiredTokenException"}}]'
ask "$parameter" "${renewing[@]}"
expect_contains "$answer" the-value
expect_equal "$(wc -l <asked)" 2
expect_equal "$(aws_calls | wc -l)" 2
# When the new one is expired as well, that is said.
faults '[{"match": {"access_key": "KEY"}, "times": 0, "do": {"status": 400, "code": "ExpiredTokenException", "message": "over"}}]'
ask "$parameter" "${renewing[@]}"
expect_contains "$answer" "Systems Manager GetParameter on parameter /a: ExpiredTokenException: over"
expect_contains "$answer" "credential_process of profile renewed are over; renew them"
expect_equal "$(aws_calls | wc -l)" 2

# A clock that is off: the service's own time is gone by.
faults '[{"do": {"status": 400, "code": "InvalidSignatureException", "skew": 3600}}]'
ask "$parameter"
expect_contains "$answer" the-value
expect_contains "$answer" "clock is off"
# A signature that is wrong for another reason is not tried again.
faults '[{"do": {"status": 400, "code": "InvalidSignatureException"}}]'
ask "$parameter"
expect_contains "$answer" "check the secret key of the environment, and this machine's clock"
expect_equal "$(aws_calls | wc -l)" 1

# Throttled, overloaded, hung up: tried again, and it says so.
faults '[{"do": {"status": 400, "code": "ThrottlingException"}}, {"do": {"status": 503}},
         {"do": {"close": "before"}}]'
ask "$parameter"
expect_contains "$answer" the-value
expect_contains "$answer" '"notes":["ThrottlingException; trying again","status 503; trying again"'
# In the end the number of attempts is told.
faults '[{"times": 0, "do": {"status": 503}}]'
ask "$parameter" env AWS_MAX_ATTEMPTS=2
expect_contains "$answer" "status 503, in attempt 2"
# A lost answer to what must not be done twice: the service may have done it.
faults '[{"do": {"close": "after"}}]'
ask "${parameter/\{/\{\"not_repeatable\": true, }"
expect_contains "$answer" '"error":"Systems Manager GetParameter on parameter /a: '
expect_equal "$(aws_calls | wc -l)" 1

# A bucket in another region is followed there, and signed for it.
bucket='{"op": "call", "service": "s3", "operation": "HeadBucket", "iam_action": "s3:ListBucket", "resource": "bucket elsewhere", "method": "HEAD", "path": "/", "bucket": "elsewhere"}'
faults '[{"do": {"region": "eu-central-1"}}]'
ask "$bucket"
expect_contains "$answer" '"status":200'
expect_equal "$(grep -o '"region": "[^"]*"' "$aws_log" | tr -d '\n')" '"region": "us-east-1""region": "eu-central-1"'

# A denial says which permission on what, also when the answer has no body to say so.
faults '[{"match": {"service": "ssm"}, "do": {"status": 400, "code": "AccessDeniedException", "message": "no"}},
         {"match": {"operation": "HeadBucket"}, "do": {"status": 403}}]'
ask "$parameter"
expect_contains "$answer" "ssm:GetParameter on parameter /a is not allowed for the credentials of the environment"
ask "$bucket"
expect_contains "$answer" "s3:ListBucket on bucket elsewhere is not allowed for the credentials of the environment: status 403"
