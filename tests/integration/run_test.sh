# The shape of awstoe's results: JSON, folders, files, exit codes.
. "$(dirname "$0")/lib.sh"
needs python3

cat >ok.yml <<'Y'
name: shape
schemaVersion: 1.0
parameters:
  - Who: {type: string, default: nobody}
phases:
  - name: build
    steps:
      - name: Hello
        action: ExecuteBash
        inputs:
          commands:
            - echo "Hello {{ Who }}"
            - echo oops >&2
  - name: test
    steps:
      - name: Chained
        action: ExecuteBash
        inputs:
          commands: ['test "{{ build.Hello.outputs.stdout }}" = "Hello you"']
Y
expect_exit 0 agent_run --documents ok.yml --parameters Who=you
python3 - "$scratch/.out" "$(log_folder logs)" <<'P'
import json, os, re, stat, sys
result = json.load(open(sys.argv[1]))
assert list(result) == ["executionId", "status", "failedStepCount", "executedStepCount",
                        "ignoredFailedStepCount", "failureMessage", "logUrl"], list(result)
assert result["status"] == "success" and result["executedStepCount"] == 2
assert result["logUrl"] == os.path.abspath(sys.argv[2])
assert re.fullmatch(r"TOE_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_UTC-0_" + result["executionId"],
                    os.path.basename(sys.argv[2]))
files = set(os.listdir(sys.argv[2]))
assert {"document.yaml", "application.log", "console.log", "detailedoutput.json",
        "chaining.json", "events.jsonl"} <= files, files
for name in files:
    mode = stat.S_IMODE(os.stat(os.path.join(sys.argv[2], name)).st_mode)
    assert mode == 0o600, (name, oct(mode))
assert stat.S_IMODE(os.stat(sys.argv[2]).st_mode) == 0o700
detail = json.load(open(os.path.join(sys.argv[2], "detailedoutput.json")))
step = detail["documents"][0]["phases"][0]["steps"][0]
assert step["status"] == "success" and step["timeoutSeconds"] == 7200, step
assert json.loads(step["outputs"])[0]["stdout"] == "Hello you", step["outputs"]
assert "Hello you" in json.loads(step["inputs"])[0]["commands"][0]
console = open(os.path.join(sys.argv[2], "console.log")).read()
for line in ("Document ok.yml", "Phase build", "Step Hello", "Stdout: Hello you", "ExitCode 0",
             "TOE has completed execution successfully"):
    assert line in console, (line, console)
assert "oops" in console
P

cat >bad.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: No, action: ExecuteBash, inputs: {commands: [exit 3]}}
Y
expect_exit 1 agent_run --documents bad.yml
expect_contains "$out" '"failureMessage": "Document bad.yml failed!"'
expect_contains "$out" '"failedStepCount": 1'

# A phase that matches nothing is no error.
expect_exit 0 agent_run --documents bad.yml --phases nothing
expect_contains "$out" '"executedStepCount": 0'

# Blocked actions and wrong documents end before anything runs.
expect_exit 1 agent_run --documents bad.yml --blocked-action-modules ExecuteBash
expect_contains "$err" 'blocked-action'
expect_contains "$out" '"status": "failed"'

# --config, and what may not stand beside it.
cat >run.json <<'J'
{"documents": [{"path": "ok.yml", "parameters": [{"name": "Who", "value": "you"}]}],
 "phases": "build,test", "logDirectory": "config-logs", "executionId": "my-id"}
J
expect_exit 0 "$TOEHOLD_AGENT" run --config run.json -s "$scratch/state2" -p build
expect_contains "$out" '"executionId": "my-id"'
expect_contains "$out" '"executedStepCount": 1'
[ -d config-logs/TOE_*my-id ] || fail "no log folder of the configuration"
expect_exit 2 "$TOEHOLD_AGENT" run --config run.json --documents ok.yml
expect_exit 2 "$TOEHOLD_AGENT" run
expect_exit 2 "$TOEHOLD_AGENT" run --documants ok.yml
expect_contains "$err" '--documents'

# The people's program: no JSON on a terminal, the plan without running it.
expect_exit 0 "$TOEHOLD" run ok.yml --explain --parameters Who=you
expect_contains "$out" 'Hello you'
expect_contains "$out" 'nothing was run'
expect_contains "$out" '{{ build.Hello.outputs.stdout }}'

# A misspelt parameter is told.
expect_exit 1 "$TOEHOLD" run ok.yml --parameters who=you -s "$scratch/s3" -l "$scratch/l3"
expect_contains "$err" "did you mean 'Who'?"
