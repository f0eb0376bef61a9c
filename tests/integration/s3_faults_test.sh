# S3Download and S3Upload when S3 or the way to it fails: what passes is waited out and gone on
# with, what does not is told, and no part of a file or of an object stays.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"
. "$TOEHOLD_SOURCE/tests/support/s3_lib.sh"
head -c 30000000 /dev/urandom >big
head -c 100000 big >small
boto '
s3.create_bucket(Bucket="bucket")
s3.put_object(Bucket="bucket", Key="big", Body=open("big", "rb"), ChecksumAlgorithm="CRC32")
s3.put_object(Bucket="bucket", Key="small", Body=open("small", "rb"), ChecksumAlgorithm="SHA256")'
start_fault_proxy
mkdir to

# get CODE KEY: its file is whole, or not there
get() {
  rm -f to/file
  s3_step "$1" S3Download "{source: s3://bucket/$2, destination: '$scratch/to/file'}"
  if [ "$1" = 0 ]; then
    cmp "$2" to/file || fail "to/file is not s3://bucket/$2"
  elif [ -e to/file ]; then
    fail "a download that failed left a file"
  fi
  expect_no_parts
}
# put CODE KEY FILE
put() { s3_step "$1" S3Upload "{source: '$scratch/$3', destination: s3://bucket/$2}"; }
expect_no_uploads() { boto 'assert not s3.list_multipart_uploads(Bucket="bucket").get("Uploads")'; }

# Throttled, and out of order, in passing.
faults '[{"match": {"operation": "GetObject", "range": "^$"}, "times": 2, "do": {"status": 503, "code": "SlowDown"}},
         {"match": {"range": "bytes=83"}, "do": {"status": 500, "code": "InternalError"}},
         {"match": {"range": "bytes=167"}, "do": {"status": 429, "body": ""}}]'
get 0 big
expect_contains "$log" "s3://bucket/big: SlowDown; trying again"
expect_contains "$log" "s3://bucket/big: InternalError; trying again"
# Or for good.
faults '[{"match": {"operation": "GetObject"}, "times": 0, "do": {"status": 503, "code": "SlowDown", "message": "Reduce your request rate."}}]'
get 1 small
expect_contains "$log" "SlowDown: Reduce your request rate. (request id REQ), in attempt 5"

# Cut in the middle: only what is missing is asked for again.
faults '[{"match": {"range": "bytes=8388608-"}, "do": {"cut": 3000000}},
         {"match": {"range": "bytes=113[0-9]*-"}, "do": {"cut": 2000000}}]'
get 0 big
ranges=$("$aws_python" -c '
import json, sys
print(*[call["range"] for call in map(json.loads, open(sys.argv[1])) if call["range"].endswith("-16777215")])' "$aws_log")
"$aws_python" - $ranges <<'P'
import sys
firsts = [int(item[6:].split("-")[0]) for item in sys.argv[1:]]
assert len(firsts) == 3 and firsts[0] == 8388608, firsts
assert firsts[0] < firsts[1] < firsts[2], firsts  # each goes on behind the one before
P
faults '[{"match": {"operation": "GetObject"}, "do": {"cut": 60000}}]'
get 0 small
# An answer that is lost is asked for again.
faults '[{"match": {"operation": "GetObject"}, "times": 2, "do": {"close": "after"}}]'
get 0 small

# A wrong length, too long or too short, and a bit that is wrong.
faults '[{"match": {"operation": "GetObject"}, "times": 0, "do": {"content_length": 10}}]'
get 1 small
faults '[{"match": {"operation": "GetObject"}, "times": 0, "do": {"content_length": -10}}]'
get 1 small
expect_contains "$log" "the SHA256 checksum of what came is"
faults '[{"match": {"range": "bytes=16777216-"}, "times": 0, "do": {"content_length": -10}}]'
get 1 big
expect_contains "$log" "only 8388598 of 8388608 bytes came"
faults '[{"match": {"range": "bytes=16777216-"}, "times": 0, "do": {"flip": 1000000}}]'
get 1 big
expect_contains "$log" "the CRC32 checksum of what came is"
faults '[{"match": {"operation": "GetObject"}, "times": 0, "do": {"flip": 5}}]'
get 1 small
expect_contains "$log" "the SHA256 checksum of what came is"

# Replaced while it is read: begun anew, once.
faults '[{"match": {"range": "bytes=16777216-"}, "do": {"status": 412, "code": "PreconditionFailed"}}]'
get 0 big
expect_contains "$log" "it was changed while it was downloaded; starting over"
faults '[{"match": {"range": "bytes=16777216-"}, "times": 0, "do": {"status": 412, "code": "PreconditionFailed"}}]'
get 1 big
expect_contains "$log" "was changed while it was downloaded, and again"

# In another region: asked for there, and that is remembered.
faults '[{"match": {"service": "s3", "operation": "GetObject"}, "times": 1, "do": {"region": "eu-central-1"}}]'
get 0 big
"$aws_python" - "$aws_log" <<'P'
import json, sys
regions = [call["region"] for call in map(json.loads, open(sys.argv[1]))]
assert regions[0] == "us-east-1" and set(regions[1:]) == {"eu-central-1"}, regions
P

# Not allowed: which permission, on what.
faults '[{"match": {"operation": "GetObject"}, "times": 0, "do": {"status": 403, "code": "AccessDenied", "message": "Access Denied"}},
         {"match": {"operation": "ListObjectsV2"}, "times": 0, "do": {"status": 403, "code": "AccessDenied"}},
         {"match": {"operation": "UploadPart", "query": "partNumber=2"}, "times": 0, "do": {"status": 403, "code": "AccessDenied"}}]'
get 1 small
expect_contains "$log" "s3:GetObject on s3://bucket/small is not allowed for the credentials of"
s3_step 1 S3Download "{source: 's3://bucket/*', destination: '$scratch/to'}"
expect_contains "$log" "s3:ListBucket on s3://bucket/ is not allowed"
put 1 up big
expect_contains "$log" "s3:PutObject on s3://bucket/up is not allowed"
expect_contains "$(aws_calls)" "s3:AbortMultipartUpload"
expect_no_uploads

# Uploads: parts are sent again, and the end of it is the object or nothing.
faults '[{"match": {"operation": "UploadPart", "query": "partNumber=2"}, "times": 2, "do": {"status": 503, "code": "SlowDown"}},
         {"match": {"operation": "UploadPart", "query": "partNumber=3"}, "times": 1, "do": {"close": "before"}},
         {"match": {"operation": "CompleteMultipartUpload"}, "do": {"status": 200, "code": "InternalError"}}]'
put 0 up big
boto 'assert s3.get_object(Bucket="bucket", Key="up")["Body"].read() == open("big", "rb").read()'
expect_no_uploads
faults '[{"match": {"operation": "CompleteMultipartUpload"}, "times": 0, "do": {"status": 200, "code": "InvalidPart"}}]'
put 1 up2 big
expect_contains "$log" "InvalidPart"
expect_no_uploads
faults '[{"match": {"operation": "PutObject"}, "times": 1, "do": {"close": "before"}}]'
put 0 up3 small
boto 'assert s3.get_object(Bucket="bucket", Key="up3")["Body"].read() == open("small", "rb").read()'

# A step that runs out of time in the middle leaves nothing.
faults '[{"match": {"range": "bytes=8388608-"}, "times": 0, "do": {"slow": 100000}}]'
s3_step_options=$'        timeoutSeconds: 2\n'
get 1 big
expect_contains "$log" "timed out"
faults '[{"match": {"operation": "UploadPart", "query": "partNumber=2"}, "times": 0, "do": {"freeze": -1}}]'
s3_step_options=$'        timeoutSeconds: 8\n'
put 1 up4 big
expect_contains "$(aws_calls)" "s3:AbortMultipartUpload"
expect_no_uploads
s3_step_options=

# Nor does a run that is ended from outside.
faults '[{"match": {"range": "bytes=8388608-"}, "times": 0, "do": {"slow": 100000}}]'
rm -rf state logs
printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - {name: S, action: S3Download, inputs: [{source: "s3://bucket/big", destination: "%s/to/file"}]}\n' "$scratch" >step.yml
"$TOEHOLD_AGENT" run --state-directory "$scratch/state" --log-directory "$scratch/logs" --documents step.yml >/dev/null 2>&1 &
agent=$!
wait_until 20 grep -q bytes=16777216- "$aws_log"
kill -TERM "$agent"
code=0
wait "$agent" || code=$?
expect_equal "$code" 143
if [ -e to/file ]; then fail "a run that was ended left a file"; fi
expect_no_parts
