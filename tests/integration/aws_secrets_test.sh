# Values of Parameter Store and Secrets Manager are in no log, on no screen, in no result and not in
# CloudWatch, whatever a step does with them: prints them, in pieces, in base64, hands them on,
# fails with them, reboots after them, runs again from the middle.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"

cat >secrets <<'S'
Zw9#kLq2+vN7/xTr4&bYm8
a-plain-string-of-the-store
administrator-of-the-database
Sm0keOnTheWater-and-a-much-longer-one-that-base64-breaks-into-lines-of-76-columns-each-time
S
AWS_ENDPOINT_URL=$aws_url "$aws_python" -c '
import boto3, json
first, plain, user, long = open("secrets").read().splitlines()
ssm = boto3.client("ssm")
ssm.put_parameter(Name="/s/first", Type="SecureString", Value=first)
ssm.put_parameter(Name="/s/plain", Type="String", Value=plain)
boto3.client("secretsmanager").create_secret(Name="db", SecretString=json.dumps({"user": user, "password": long}))'

cat >child.yml <<'D'
schemaVersion: 1.0
parameters:
  - Given: {type: string}
phases:
  - name: build
    steps:
      - name: Nested
        action: ExecuteBash
        inputs: {commands: ["echo nested '{{ Given }}' '{{ aws:ssm:/s/first }}'"]}
D
cat >doc.yml <<D
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Print
        action: ExecuteBash
        inputs:
          commands:
            - s='{{ aws:ssm:/s/first }}'
            - echo "\$s"; echo "\$s" >&2; printf 'a%sb' "\$s"; echo
            - printf '%s' "\${s:0:11}"; sleep 0.3; printf '%s\n' "\${s:11}"
            - for ((i = 0; i < \${#s}; ++i)); do printf '%s' "\${s:i:1}"; sleep 0.02; done; echo
            - for skip in '' x xy; do printf '%s' "\$skip\$s" | base64; done
            - half=\$(printf '%s' "\$s" | base64); printf '%s' "\${half:0:13}"; sleep 0.3; echo "\${half:13}"
            - printf 'prefix %s suffix' "\$s" | base64 -w 10
            - echo '{{ aws:ssm:/s/plain }}'
      - name: Database
        action: ExecuteBash
        inputs:
          commands:
            - |
              cat >db.json <<'J'
              {{ aws:ssm:/aws/reference/secretsmanager/db }}
              J
            - python3 -c 'import json; d = json.load(open("db.json")); print(d["user"], d["password"])'
            - python3 -c 'import json; print(json.load(open("db.json"))["password"], end="")' | base64
            - cat db.json; rm db.json
      - name: HandOn
        action: ExecuteBash
        inputs:
          commands:
            - printf '%s' '{{ aws:ssm:/s/first }}'
      - name: Use
        action: ExecuteBinary
        inputs: {path: /bin/echo, arguments: ['{{ build.HandOn.outputs.stdout }}']}
      - name: Each
        action: ExecuteBash
        loop: {forEach: ['{{ aws:ssm:/s/first }}', '{{ aws:ssm:/s/plain }}']}
        inputs: {commands: ["echo '{{ loop.value }}'"]}
      - name: Child
        action: ExecuteDocument
        inputs:
          document: $scratch/child.yml
          parameters: [{name: Given, value: '{{ aws:ssm:/s/plain }}'}]
      - name: If
        if: {stringEquals: '{{ aws:ssm:/s/first }}', value: other, then: Abort}
        action: Assert
        inputs: {stringIsEmpty: ''}
      - name: Boot
        action: ExecuteBash
        inputs:
          commands:
            - echo '{{ aws:ssm:/s/first }}'; [ -e booted ] || { touch booted; exit 194; }
      - name: Fail
        action: ExecuteBinary
        onFailure: Ignore
        inputs: {path: '/no/{{ aws:ssm:/s/first }}/program'}
      - name: FailToo
        action: ExecuteBash
        inputs:
          commands: ["echo '{{ aws:ssm:/s/first }}' >&2; [ -e mended ]"]
D
cloudwatch=(--cw-log-group /secrets --cw-log-stream run)
check() {
  local files
  mapfile -t files < <(find logs state screen* -type f ! -path 'state/events.jsonl' ! -path 'state/previous.jsonl')
  [ "${#files[@]}" -ge 6 ] || fail "only ${files[*]} to look at"
  "$aws_python" "$TOEHOLD_SOURCE/tests/support/find_secrets.py" secrets "${files[@]}" >found ||
    fail "$(sort -u found)"
  # The journal has them, and is nobody else's to read.
  [ -z "$(find logs state -perm /077)" ] || fail "others can read $(find logs state -perm /077)"
}
run() { # run EXIT NUMBER ARGUMENT...
  local got=0
  agent_run --documents doc.yml --trace "${cloudwatch[@]}" "${@:3}" >"screen.out.$2" 2>"screen.err.$2" </dev/null || got=$?
  [ "$got" = "$1" ] || fail "exit $got instead of $1: $(tail -30 "screen.err.$2")"
}

run 194 1 --view plain
check
grep -q 'Zw9#kLq2' state/events.jsonl || fail "the journal has no value, so a later process cannot mask it"
# After the reboot all that was is told again, by a process that has asked for nothing yet.
run 1 2 --view plain
check
run 1 3 --view plain --from build.FailToo
check
touch mended
run 0 4 --view plain --from build.Use
check
expect_contains "$(cat logs/*/console.log)" "Stdout: ***"
[ ! -e state/events.jsonl ] || fail "the journal stays after a success"

if command -v script >/dev/null; then
  rm -rf logs state booted screen*
  script -qec "'$TOEHOLD_AGENT' run -s state -l logs --documents doc.yml --view live" screen.live >/dev/null </dev/null || true
  script -qec "'$TOEHOLD_AGENT' run -s state -l logs --documents doc.yml --view live" screen.again >/dev/null </dev/null || true
  check
fi

AWS_ENDPOINT_URL=$aws_url "$aws_python" "$TOEHOLD_SOURCE/tests/support/log_events.py" print /secrets run >cloudwatch.txt
expect_contains "$(<cloudwatch.txt)" "Stdout: ***"
"$aws_python" "$TOEHOLD_SOURCE/tests/support/find_secrets.py" secrets cloudwatch.txt || fail "CloudWatch has a secret"
# The check can fail.
printf 'x%s' "$(head -1 secrets)" | base64 >control
if "$aws_python" "$TOEHOLD_SOURCE/tests/support/find_secrets.py" secrets control >/dev/null; then
  fail "a secret in base64 was not found"
fi
