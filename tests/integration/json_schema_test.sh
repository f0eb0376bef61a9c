# The JSON Schema takes every document that validate takes, and finds common mistakes.
. "$(dirname "$0")/lib.sh"
needs python3
python3 -c 'import jsonschema, yaml' 2>/dev/null ||
  skip "python3 has no jsonschema or no yaml (apt-get install python3-jsonschema python3-yaml)"

"$TOEHOLD_AGENT" describe --format json-schema >schema.json
cat >check.py <<'P'
import json, sys, warnings, yaml
warnings.simplefilter("ignore")
from jsonschema import Draft7Validator

class Loader(yaml.SafeLoader):
    """YAML as a schema sees it: dates are texts."""

Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
schema = json.load(open("schema.json"))
Draft7Validator.check_schema(schema)
validator = Draft7Validator(schema)
want_good = sys.argv[1] == "good"
bad = 0
for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as file:
        errors = list(validator.iter_errors(yaml.load(file, Loader)))
    if want_good and errors:
        bad += 1
        print(f"{path}: {list(errors[0].absolute_path)}: {errors[0].message[:300]}")
    if not want_good and not errors:
        bad += 1
        print(f"{path}: the schema finds nothing wrong")
sys.exit(bad != 0)
P

# The odd shapes that the language takes.
cat >odd.yml <<'Y'
name: odd
schemaVersion: "1.0"
parameters:
  - Wait: {type: STRING, default: 007, description: , allowedValues: [007, 8]}
constants:
  - Version: {type: string, value: 1.10}
phases:
  - name: build
    steps:
      - name: OneMap
        action: CreateFolder
        timeoutSeconds: '30'
        disableLogging: 'True'
        loop: {name: '', for: {start: '1', end: 3, updateBy: 1}}
        inputs: {path: '/tmp/{{ loop.index }}', permissions: 0755, overwrite: '{{ Version }}'}
      - name: ListOfOne
        action: ExecuteBash
        onFailure: Ignore
        loop: {forEach: {list: 'a;b', delimiter: ;}}
        inputs: [{commands: [true, 3, 'echo {{ loop.value }}']}]
        if:
          - not: [{stringlessThan: b, value: a}]
            then: Skip
            else: Execute
      - name: Pause
        action: Reboot
        timeoutSeconds: -1
        inputs: {delaySeconds: '{{ Wait }}'}
      - name: Again
        action: Reboot
        inputs: []
        loop: {forEach: [a, 1]}
      - name: Sum
        action: WebDownload
        inputs:
          - {source: 'https://x.example/a', destination: /a, checksum: 12345678901234567890123456789012, algorithm: md5, overwrite: FALSE}
      - name: Check
        action: Assert
        inputs: [{and: [{numberEquals: 5, value: 5.0}, {or: [{fileMD5Equals: ab, path: /x}]}]}]
Y
expect_exit 0 "$TOEHOLD_AGENT" validate odd.yml

good=(odd.yml)
for document in "$TOEHOLD_SOURCE"/samples/components/*.y*ml "$TOEHOLD_SOURCE"/../shared/corpus/documents/*; do
  [ -e "$document" ] || continue
  for platform in linux windows darwin; do
    if "$TOEHOLD_AGENT" validate --os-platforms $platform "$document" >/dev/null 2>&1; then
      good+=("$document")
      break
    fi
  done
done
expect_exit 0 python3 check.py good "${good[@]}"

head='{schemaVersion: 1.0, phases: [{name: build, steps: ['
tail=']}]}'
run="action: ExecuteBash, inputs: {commands: [ls]}"
number=0
bad() {
  number=$((number + 1))
  printf '%s\n' "$1" >"bad$number.yml"
  expect_exit 1 "$TOEHOLD_AGENT" validate "bad$number.yml"
}
bad '{schemaVersion: 2.0, phases: [{name: build, steps: [{name: a, action: Reboot}]}]}'
bad '{schemaVersion: 1.0, phases: []}'
bad "{schemaVersion: 1.0, parameters: [{ab: {type: string}}], phases: [{name: build, steps: [{name: a, $run}]}]}"
bad "$head{$run}$tail"
bad "$head{name: a, $run, onFailur: Abort}$tail"
bad "$head{name: a, $run, onFailure: abort}$tail"
bad "$head{name: a, $run, timeoutSeconds: -2}$tail"
bad "$head{name: a, $run, timeoutSeconds: 0}$tail"
bad "$head{name: a, $run, maxAttempts: '{{ A }}'}$tail"
bad "$head{name: a, action: ExecuteBsh, inputs: {commands: [ls]}}$tail"
bad "$head{name: a, action: ExecuteBash}$tail"
bad "$head{name: a, action: ExecuteBash, inputs: []}$tail"
bad "$head{name: a, action: ExecuteBash, inputs: {commands: ls}}$tail"
bad "$head{name: a, action: ExecuteBash, inputs: {commands: [{a: b}]}}$tail"
bad "$head{name: a, action: ExecuteBash, inputs: [{commands: [ls]}, {commands: [ls]}]}$tail"
bad "$head{name: a, action: CreateFolder, inputs: [{path: /x, pth: /y}]}$tail"
bad "$head{name: a, $run, loop: {}}$tail"
bad "$head{name: a, $run, loop: {forEach: [a], for: {start: 1, end: 2, updateBy: 1}}}$tail"
bad "$head{name: a, $run, if: {fileExists: /a, folderExists: /b}}$tail"
bad "$head{name: a, $run, if: {stringEquals: a}}$tail"
bad "$head{name: a, $run, if: {fileExists: /a, then: skip}}$tail"
bad "$head{name: a, $run, if: {and: []}}$tail"
bad "$head{name: a, action: Assert, inputs: {fileExists: /a, then: Skip}}$tail"
expect_exit 0 python3 check.py bad bad*.yml
