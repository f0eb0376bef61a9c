# Documents and configurations from S3, the web and Image Builder: run, validate and ExecuteDocument
# take them, and say what is wrong with what they cannot take.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"
needs openssl

account=$aws_account
component_arn=arn:aws:imagebuilder:eu-west-1:$account:component/hello
document() { # document TEXT: one that prints it
  printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: Say\n'
  printf '        action: ExecuteBash\n        inputs: {commands: ["echo %s"]}\n' "$1"
}
log() { cat "$(log_folder logs)/console.log"; }
run() { # run EXIT ARGUMENT...
  rm -rf logs
  expect_exit "$1" agent_run "${@:2}"
}

# --- S3
aws s3 mb s3://toehold-docs >/dev/null
document 'from the bucket' >doc.yml
aws s3 cp --quiet doc.yml 's3://toehold-docs/a folder/doc+1.yml'
start_fault_proxy
run 0 --documents 's3://toehold-docs/a folder/doc+1.yml'
expect_contains "$(log)" "from the bucket"
expect_equal "$(aws_calls)" s3:GetObject
cmp "$(log_folder logs)/document.yaml" doc.yml
expect_contains "$(<"$(log_folder logs)/detailedoutput.json")" "s3://toehold-docs/a folder/doc+1.yml"

run 1 --documents s3://toehold-docs/none.yml
expect_contains "$err" "there is no s3://toehold-docs/none.yml"
expect_contains "$err" "aws s3 ls s3://toehold-docs"
run 1 --documents s3://toehold-nowhere/doc.yml
expect_contains "$err" "there is no bucket toehold-nowhere for s3://toehold-nowhere/doc.yml"
run 1 --documents s3://toehold-docs
expect_contains "$err" "write s3://BUCKET/KEY"
# All that is wrong is told at once, wherever it lies.
printf 'schemaVersion: 2.0\n' | aws s3 cp --quiet - s3://toehold-docs/wrong.yml
expect_exit 1 "$TOEHOLD" validate s3://toehold-docs/wrong.yml s3://toehold-docs/none.yml missing.yml
expect_contains "$err" "s3://toehold-docs/wrong.yml:1:"
expect_contains "$err" "there is no s3://toehold-docs/none.yml"
expect_contains "$err" "missing.yml"
head -c 4200000 /dev/zero | aws s3 cp --quiet - s3://toehold-docs/big.yml
run 1 --documents s3://toehold-docs/big.yml
expect_contains "$err" "is larger than"

# --- S3 that says no, is slow or is elsewhere
faults '[{"match": {"operation": "GetObject"}, "times": 0,
          "do": {"status": 403, "code": "AccessDenied", "message": "no"}}]'
run 1 --documents s3://toehold-docs/doc.yml --document-s3-bucket-owner 111122223333
expect_contains "$err" "s3:GetObject on s3://toehold-docs/doc.yml of account 111122223333 is not allowed"
faults '[{"match": {"operation": "GetObject"}, "do": {"status": 503, "code": "SlowDown"}},
         {"match": {"operation": "GetObject"}, "do": {"cut": 40}},
         {"match": {"operation": "GetObject"}, "do": {"region": "eu-west-3"}}]'
run 0 --documents 's3://toehold-docs/a folder/doc+1.yml'
expect_contains "$(log)" "from the bucket"
expect_equal "$(grep -c '"region": "eu-west-3"' "$aws_log")" 1

# --- a configuration
cat >config.json <<J
{"documents": [{"path": "s3://toehold-docs/a folder/doc+1.yml"}], "logDirectory": "$scratch/logs"}
J
aws s3 cp --quiet config.json s3://toehold-docs/config.json
run 0 --config s3://toehold-docs/config.json
expect_contains "$(log)" "from the bucket"
printf '{"document": 1}' | aws s3 cp --quiet - s3://toehold-docs/wrong.json
run 2 --config s3://toehold-docs/wrong.json
expect_contains "$err" "s3://toehold-docs/wrong.json:1:"

# --- components
document 'the first version' >one.yml
document 'the newest version' >two.yml
component "$component_arn/1.0.9/1" one.yml
component "$component_arn/1.0.10/1" two.yml
faults '[]'
run 0 --documents "$component_arn/1.0.9/1"
expect_contains "$(log)" "the first version"
expect_equal "$(aws_calls)" imagebuilder:GetComponent
expect_equal "$(grep -c '"region": "eu-west-1"' "$aws_log")" 1
run 0 --documents "$component_arn/x.x.x"
expect_contains "$(log)" "the newest version"
run 1 --documents "$component_arn/2.x.x"
expect_contains "$err" "there is no component $component_arn/2.x.x in eu-west-1"
run 1 --documents "$component_arn"
expect_contains "$err" "$component_arn/x.x.x"
component "$component_arn/3.0.0/1" /dev/null encrypted true kmsKeyId '"the-key"'
run 1 --documents "$component_arn/3.0.0/1"
expect_contains "$err" "encrypted with the key the-key"
AWSTOE_IMAGEBUILDER_ENDPOINT=$aws_url AWS_ENDPOINT_URL=http://127.0.0.1:1 \
  run 0 --documents "$component_arn/1.0.9/1"
expect_contains "$(log)" "the first version"

# --- nested
cat >nested.yml <<D
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Bucket
        action: ExecuteDocument
        inputs: {document: 's3://toehold-docs/a folder/doc+1.yml', document-s3-bucket-owner: '$account'}
      - name: Component
        action: ExecuteDocument
        inputs: {document: '$component_arn/x.x.x'}
      - name: Foreign
        action: ExecuteDocument
        onFailure: Ignore
        inputs: {document: 's3://toehold-docs/none.yml'}
D
component "$component_arn/4.0.0/1" two.yml
run 0 --documents nested.yml
expect_contains "$(log)" "from the bucket"
expect_contains "$(log)" "the newest version"
expect_contains "$(log)" "there is no s3://toehold-docs/none.yml"

# --- the web
openssl req -x509 -newkey rsa:2048 -nodes -keyout web.key -out web.pem -days 2 -subj /CN=web \
  -addext subjectAltName=IP:127.0.0.1 2>/dev/null
cat >serve.py <<'P'
import http.server, ssl, sys
failures = iter([503])
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/flaky"):
            self.path = "/doc.yml"
            for status in failures:
                return self.send_error(status)
        super().do_GET()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("web.pem", "web.key")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
open(sys.argv[1], "w").write(str(server.server_port))
server.serve_forever()
P
start_server web "$aws_python" serve.py "$scratch/.web.port"
web=https://127.0.0.1:$started_port
export SSL_CERT_FILE=$scratch/web.pem
sum=$(sha256sum <doc.yml | cut -d' ' -f1)
run 0 --documents "$web/doc.yml#sha256=$sum"
expect_contains "$(log)" "from the bucket"
run 0 --documents "$web/flaky#sha256=${sum^^}"
run 1 --documents "$web/doc.yml#sha256=${sum/[0-9a-f]/0}"
expect_contains "$err" "$web/doc.yml has the SHA-256 $sum, not"
for none in "" "#sha256=" "#sha256=abc" "#md5=$sum"; do
  run 1 --documents "$web/doc.yml$none"
  expect_contains "$err" "needs the SHA-256 that it must have"
done
run 1 --documents "http://127.0.0.1/doc.yml#sha256=$sum"
expect_contains "$err" "not taken over plain http"
run 1 --documents "$web/gone.yml#sha256=$sum"
expect_contains "$err" "$web/gone.yml: the server answered with status 404"
SSL_CERT_FILE=/etc/hostname run 1 --documents "$web/doc.yml#sha256=$sum"
expect_contains "$err" "certificate"
# A presigned URL is as good as a key: only the command line has it.
run 0 --documents "$web/doc.yml?X-Amz-Signature=0123456789abcdef#sha256=$sum"
if grep -rl 0123456789abcdef logs; then fail "the signature of a URL is in a log"; fi
printf 'schemaVersion: 1.0\nphases: [{name: build, steps: [{name: No, action: Assert, inputs: {not: {stringIsEmpty: ""}}}]}]\n' >no.yml
run 1 --view plain --documents "$web/no.yml?sig=0123456789abcdef#sha256=$(sha256sum <no.yml | cut -d' ' -f1)"
expect_lacks "$out$err" 0123456789abcdef

# --- a document that has changed since the run was interrupted
cat >reboot.yml <<'D'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Boot
        action: Reboot
      - name: After
        action: ExecuteBash
        inputs: {commands: [echo after the reboot]}
D
aws s3 cp --quiet reboot.yml s3://toehold-docs/reboot.yml
run 194 --documents s3://toehold-docs/reboot.yml
(cat reboot.yml; echo '# changed') | aws s3 cp --quiet - s3://toehold-docs/reboot.yml
expect_exit 76 agent_run --documents s3://toehold-docs/reboot.yml
aws s3 cp --quiet reboot.yml s3://toehold-docs/reboot.yml
# From another folder: it is the same run all the same.
mkdir -p elsewhere
run_there() { (cd elsewhere && agent_run "$@"); }
expect_exit 0 run_there --documents s3://toehold-docs/reboot.yml
expect_contains "$(log)" "after the reboot"

# --- nobody who has credentials
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
export AWS_EC2_METADATA_DISABLED=true
run 1 --documents s3://toehold-docs/doc.yml
expect_contains "$err" "credentials"
