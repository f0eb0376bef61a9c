# docs/iam-policy.md lists the permissions for the calls that a run makes which uses everything: no
# more and no less.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"
. "$TOEHOLD_SOURCE/tests/support/s3_lib.sh"

boto '
for bucket in ["documents", "downloads", "uploads", "logs-of-runs"]:
    s3.create_bucket(Bucket=bucket)
for key in ["one", "many/a", "many/b"]:
    s3.put_object(Bucket="downloads", Key=key, Body=b"x")
s3.put_object(Bucket="downloads", Key="big", Body=bytes(17 << 20))
ssm = boto3.client("ssm")
ssm.put_parameter(Name="/a", Type="SecureString", Value="value-of-a")
boto3.client("secretsmanager").create_secret(Name="db", SecretString="value-of-db")'
printf 'schemaVersion: 1.0\nphases: [{name: build, steps: [{name: Ok, action: Assert, inputs: {stringIsEmpty: ""}}]}]\n' >ok.yml
boto 's3.upload_file("ok.yml", "documents", "ok.yml")'
arn=arn:aws:imagebuilder:us-east-1:$aws_account:component/ok/1.0.0/1
component "$arn" ok.yml
truncate -s 17M big
echo small >small
cat >doc.yml <<D
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Download
        action: S3Download
        inputs:
          - {source: s3://downloads/one, destination: $scratch/to/one}
          - {source: s3://downloads/big, destination: $scratch/to/big}
          - {source: 's3://downloads/many/*', destination: $scratch/to/many/}
      - name: Upload
        action: S3Upload
        inputs:
          - {source: $scratch/small, destination: s3://uploads/small}
          - {source: $scratch/big, destination: s3://uploads/big}
      - name: Broken
        action: S3Upload
        onFailure: Ignore
        inputs:
          - {source: $scratch/big, destination: s3://uploads/broken}
      - name: Bucket
        action: ExecuteDocument
        inputs: {document: s3://documents/ok.yml, document-s3-bucket-owner: '$aws_account'}
      - name: Component
        action: ExecuteDocument
        inputs: {document: $arn}
      - name: References
        action: ExecuteBash
        inputs:
          commands:
            - echo {{ aws:ssm:/a }} {{ aws:ssm:/aws/reference/secretsmanager/db }}
            - echo {{ context:accountId }} {{ context:region }} {{ aws:imds:instance-id }}
D
mkdir -p to/many
printf '{"documents": [{"path": "%s"}]}' "$scratch/doc.yml" >config.json
boto 's3.upload_file("config.json", "documents", "config.json")'
start_fault_proxy
faults '[{"match": {"operation": "UploadPart", "path": "broken"}, "times": 0,
          "do": {"status": 403, "code": "AccessDenied"}}]'
options=(--cw-log-group /group --log-s3-bucket-name logs-of-runs --log-s3-key-prefix prefix)
expect_exit 0 agent_run --config s3://documents/config.json "${options[@]}"
expect_exit 0 "$TOEHOLD_AGENT" validate --documents "$arn"
# Off EC2 the account is asked for elsewhere.
printf 'schemaVersion: 1.0\nphases: [{name: build, steps: [{name: Ok, action: Assert, inputs: {stringEquals: "%s", value: "{{ context:accountId }}"}}]}]\n' \
  "$aws_account" >account.yml
AWS_EC2_METADATA_DISABLED=true expect_exit 0 agent_run --documents account.yml
"$aws_python" "$TOEHOLD_SOURCE/tests/support/iam_policy.py" "$TOEHOLD_SOURCE/docs/iam-policy.md" "$aws_log" ||
  fail "the page and the calls differ"
# The comparison can fail, both ways.
grep -v PutLogEvents "$aws_log" >less.jsonl
! "$aws_python" "$TOEHOLD_SOURCE/tests/support/iam_policy.py" "$TOEHOLD_SOURCE/docs/iam-policy.md" less.jsonl >/dev/null ||
  fail "an action that nothing needs is not noticed"
sed 's/"GetParameter"/"GetParameters"/' "$aws_log" >other.jsonl
! "$aws_python" "$TOEHOLD_SOURCE/tests/support/iam_policy.py" "$TOEHOLD_SOURCE/docs/iam-policy.md" other.jsonl >/dev/null ||
  fail "a call that is not listed is not noticed"
