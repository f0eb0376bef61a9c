# The log folder in S3 at the end of a run, after success and failure and not before a reboot,
# compared byte for byte by boto3.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"
start_fault_proxy
faults '[]'
aws s3api create-bucket --bucket build-logs >/dev/null

# same_as_folder PREFIX FOLDER: the objects below the prefix are the files of the folder.
same_as_folder() {
  AWS_ENDPOINT_URL=$aws_url "$aws_python" - "$@" <<'P'
import boto3, os, sys
prefix, folder = sys.argv[1:]
s3 = boto3.client("s3")
found = {o["Key"] for o in s3.list_objects_v2(Bucket="build-logs", Prefix=prefix).get("Contents", [])}
name = os.path.basename(folder)
expected = {prefix + name + "/" + file for file in os.listdir(folder)}
assert found == expected, (found, expected)
assert {"console.log", "document.yaml", "detailedoutput.json", "chaining.json", "events.jsonl",
        "application.log"} <= set(os.listdir(folder)), os.listdir(folder)
for key in found:
    body = s3.get_object(Bucket="build-logs", Key=key)["Body"].read()
    file = open(os.path.join(folder, key.rpartition("/")[2]), "rb").read()
    if key.endswith("application.log"):  # goes on after it was uploaded
        assert file.startswith(body) and body, key
    else:
        assert file == body, key
P
}
bucket_is_empty() { [ -z "$(aws s3 ls --recursive s3://build-logs)" ]; }
fresh() { rm -rf logs state; aws s3 rm --quiet --recursive s3://build-logs; }
document() {
  cat <<Y
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: ExecuteBash, inputs: {commands: ['$1']}}
Y
}

document 'echo hello' >good.yml
expect_exit 0 agent_run -d good.yml --log-s3-bucket-name build-logs --log-s3-key-prefix builds/7/
folder=$(log_folder logs)
same_as_folder builds/7/ "$folder"
expect_contains "$out" "\"logUrl\": \"s3://build-logs/builds/7/$(basename "$folder")\""

# Without a prefix, and with the owner.
fresh
expect_exit 0 agent_run -d good.yml -b build-logs --log-s3-bucket-owner $aws_account
same_as_folder '' "$(log_folder logs)"

# After a failure, too.
fresh
document 'exit 3' >bad.yml
expect_exit 1 agent_run -d bad.yml -b build-logs -k x
same_as_folder x/ "$(log_folder logs)"
expect_contains "$out" '"logUrl": "s3://build-logs/x/TOE_'
expect_contains "$out" 'Document bad.yml failed!'

# Not before a reboot, but at the end after it.
fresh
document 'test -e booted || { touch booted; exit 194; }' >boot.yml
expect_exit 194 agent_run -d boot.yml -b build-logs -k x
bucket_is_empty || fail "logs were uploaded before a reboot"
expect_exit 0 agent_run -d boot.yml -b build-logs -k x
same_as_folder x/ "$(log_folder logs)"

# The journal stays at home, even where state and logs share a parent folder.
expect_lacks "$(aws s3 ls --recursive s3://build-logs)" state

# A bucket that is not there, or not ours: the steps are done, the run is not what was asked for.
fresh
expect_exit 1 agent_run -d good.yml -b no-such-bucket
expect_contains "$err" 'the logs could not be uploaded to s3://no-such-bucket/TOE_'
expect_contains "$err" 'aws s3 cp --recursive '
expect_contains "$out" '"status": "failed"'
expect_contains "$out" 'All steps are done, but the logs could not be uploaded'
expect_contains "$out" "\"logUrl\": \"$(log_folder "$PWD/logs")\""
fresh
faults '[{"match": {"operation": "PutObject"}, "times": 0, "do": {"status": 403, "code": "AccessDenied"}}]'
expect_exit 1 agent_run -d good.yml -b build-logs
expect_contains "$err" s3:PutObject
# Failed already: that is what the result says.
fresh
expect_exit 1 agent_run -d bad.yml -b build-logs
expect_contains "$out" '"failureMessage": "Document bad.yml failed!"'

# Trouble that passes.
fresh
faults '[{"match": {"operation": "PutObject"}, "times": 2, "do": {"status": 503, "code": "SlowDown"}},
         {"match": {"operation": "PutObject"}, "nth": 4, "times": 1, "do": {"close": "after"}}]'
expect_exit 0 agent_run -d good.yml -b build-logs -k p
same_as_folder p/ "$(log_folder logs)"

# Options that do not go together.
expect_exit 2 agent_run -d good.yml -k prefix
expect_contains "$err" '--log-s3-key-prefix has no effect without --log-s3-bucket-name'
expect_exit 2 agent_run -d good.yml -b s3://build-logs/x
expect_contains "$err" 'the folder in it goes to --log-s3-key-prefix'
expect_exit 2 agent_run -d good.yml -b build-logs --log-s3-bucket-owner me
expect_contains "$err" 'write its 12 digits'
