# References to AWS: parameters of Parameter Store and secrets through it, instance metadata,
# account and region; what they fail of, and that each is asked for once.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"

AWS_ENDPOINT_URL=$aws_url "$aws_python" -c '
import boto3
ssm = boto3.client("ssm")
for name, kind, value in [("/app/password", "SecureString", "correct horse"), ("/app/hosts", "StringList", "a,b,c"),
                          ("/app/pointer", "String", "/app/plain"), ("/app/plain", "String", "plain-value"),
                          ("/app/lines", "SecureString", "line one\nline two\n"), ("/app/number", "String", "7")]:
    ssm.put_parameter(Name=name, Type=kind, Value=value)
boto3.client("secretsmanager").create_secret(Name="db", SecretString="hunter2hunter3")'
start_fault_proxy

log() { cat "$(log_folder logs)/console.log"; }
# run EXIT COMMAND...: a document with one step; what it printed, unmasked, is in the file `said`
run() {
  local want=$1 command
  shift
  {
    printf 'schemaVersion: 1.0\nparameters:\n  - Which: {type: string, default: /app/password}\n'
    printf 'phases:\n  - name: build\n    steps:\n      - name: Step\n        action: ExecuteBash\n'
    printf '        inputs:\n          commands:\n            - exec >>%s\n' "$scratch/said"
    for command in "$@"; do printf '            - "%s"\n' "$command"; done
  } >doc.yml
  rm -rf logs state said
  : >"$aws_log"
  expect_exit "$want" agent_run --documents doc.yml "${options[@]}"
}
options=()

run 0 "echo '{{ aws:ssm:/app/password }}'" "echo '{{aws:ssm:resolve(Which)}}'" "echo '{{ aws:ssm:/app/hosts }}'" \
  "echo '{{ aws:ssm:resolve(aws:ssm:/app/pointer) }}'" \
  "echo '{{ aws:ssm:/aws/reference/secretsmanager/db }}'" \
  "echo '{{ aws:imds:instance-id }} {{ aws:imds:placement/region }}'" \
  "echo '{{ context:accountId }} {{ context:region }}'"
expect_equal "$(sed '6s/^i-[^ ]*/INSTANCE/' said)" "correct horse
correct horse
a,b,c
plain-value
hunter2hunter3
INSTANCE us-east-1
$aws_account us-east-1"
# Each parameter once, and one session of instance metadata.
expect_equal "$(aws_calls | sort | uniq -c | tr -s ' ')" " 3 imds:GET
 1 imds:PUT
 5 ssm:GetParameter"

# --- what cannot be had
run 1 "echo {{ aws:ssm:/app/none }}"
expect_contains "$(log)" "resolving {{ aws:ssm:/app/none }}: Parameter Store has no parameter /app/none in us-east-1"
expect_contains "$(log)" "aws ssm put-parameter --name /app/none"
run 1 "echo {{ aws:ssm:/aws/reference/secretsmanager/none }}"
expect_contains "$(log)" "Secrets Manager has no secret none"
run 1 "echo '{{ aws:ssm:/app/lines }}'"
expect_contains "$(log)" "the value of parameter /app/lines has several lines"
expect_lacks "$(log)" "line one"
run 1 "echo {{ aws:imds:no-such-item }}"
expect_contains "$(log)" "metadata has no item no-such-item"
run 1 "echo {{ aws:imds:iam/security-credentials/role }}"
expect_contains "$err" "holds credentials and is not given to documents"
expect_equal "$(aws_calls)" ""

# --- what goes wrong on the way
faults '[{"match": {"target": "GetParameter"}, "times": 2, "do": {"status": 400, "code": "ThrottlingException"}},
         {"match": {"target": "GetParameter"}, "do": {"close": "after"}},
         {"match": {"target": "GetParameter"}, "do": {"status": 500, "code": "InternalServerError"}}]'
run 0 "echo '{{ aws:ssm:/app/password }}'"
expect_equal "$(<said)" "correct horse"
expect_equal "$(aws_calls | wc -l)" 5
faults '[{"match": {"target": "GetParameter"}, "times": 0,
          "do": {"status": 400, "code": "ThrottlingException", "message": "Rate exceeded"}}]'
run 1 "echo '{{ aws:ssm:/app/password }}'"
expect_contains "$(log)" "GetParameter on parameter /app/password: ThrottlingException: Rate exceeded"
expect_contains "$(log)" "in attempt 5"
faults '[{"match": {"target": "GetParameter"}, "times": 0, "do": {"status": 400, "code": "AccessDeniedException",
          "message": "User: me is not authorized to perform: ssm:GetParameter"}}]'
run 1 "echo '{{ aws:ssm:/app/password }}'"
expect_contains "$(log)" "ssm:GetParameter on parameter /app/password is not allowed for the credentials of"
expect_contains "$(log)" "allow ssm:GetParameter on parameter /app/password in the policy"
faults '[{"match": {"target": "GetParameter"}, "times": 0, "do": {"status": 400, "code": "ExpiredTokenException",
          "message": "The security token included in the request is expired"}}]'
run 1 "echo '{{ aws:ssm:/app/password }}'"
expect_contains "$(log)" "ExpiredTokenException: The security token included in the request is expired"
expect_contains "$(log)" "renew them"

# --- off EC2: metadata fails at once, and says so once
faults '[]'
export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1
began=$SECONDS
run 1 "echo {{ aws:imds:instance-id }}"
[ $((SECONDS - began)) -lt $((10 * patience)) ] || fail "no instance metadata, and it took $((SECONDS - began)) s to find out"
expect_contains "$(log)" "resolving {{ aws:imds:instance-id }}"
expect_contains "$(log)" "metadata"
# The account is known without it.
run 0 "echo {{ context:accountId }}"
expect_equal "$(<said)" "$aws_account"
expect_equal "$(aws_calls)" sts:GetCallerIdentity
unset AWS_REGION AWS_DEFAULT_REGION
run 1 "echo {{ context:region }}"
expect_contains "$(log)" "no AWS region is known"
export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
AWS_EC2_METADATA_DISABLED=true run 1 "echo {{ aws:imds:instance-id }}"
expect_contains "$(log)" "AWS_EC2_METADATA_DISABLED"

# --- a run without references asks nothing, wherever it is
faults '[]'
run 0 "echo nothing"
expect_equal "$(aws_calls)" ""

# --- over a reboot: asked once, the same value
cat >boot.yml <<D
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Before
        action: ExecuteBash
        inputs: {commands: ["echo '{{ aws:ssm:/app/password }}' >>$scratch/values"]}
      - name: Boot
        action: Reboot
      - name: After
        action: ExecuteBash
        inputs: {commands: ["echo '{{ aws:ssm:/app/password }} {{ aws:ssm:/app/plain }}' >>$scratch/values"]}
D
rm -rf logs state
expect_exit 194 agent_run --documents boot.yml
aws ssm put-parameter --overwrite --name /app/password --type SecureString --value 'changed meanwhile' >/dev/null
expect_exit 0 agent_run --documents boot.yml
expect_equal "$(<values)" "correct horse
correct horse plain-value"
expect_equal "$(aws_calls)" "ssm:GetParameter
ssm:GetParameter"
