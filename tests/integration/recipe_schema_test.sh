# The JSON Schema of recipes takes the samples and odd but right shapes, and finds common mistakes.
. "$(dirname "$0")/lib.sh"
needs python3
python3 -c 'import jsonschema, yaml' 2>/dev/null ||
  skip "python3 has no jsonschema or no yaml (apt-get install python3-jsonschema python3-yaml)"

"$TOEHOLD" describe recipe --format json-schema >schema.json
cat >check.py <<'P'
import json, sys, warnings, yaml
warnings.simplefilter("ignore")
from jsonschema import Draft7Validator

schema = json.load(open("schema.json"))
Draft7Validator.check_schema(schema)
validator = Draft7Validator(schema)
want_good = sys.argv[1] == "good"
wrong = 0
for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as file:
        errors = list(validator.iter_errors(yaml.safe_load(file)))
    if want_good == bool(errors):
        wrong += 1
        print(f"{path}: {errors[0].message[:300] if errors else 'the schema finds nothing wrong'}")
sys.exit(wrong != 0)
P

cat >odd.yaml <<'Y'
{"name": "odd", "semanticVersion": "1.0.0", "description": null,
 "components": ["a.yaml", {"path": "b.yaml"}, {"componentArn": "arn:aws:x",
   "parameters": [{"name": "A", "value": ["x", 1]}]}],
 "target": {"type": "ssh", "host": "{{ matrix.HOST }}", "port": "{{ matrix.PORT }}"},
 "outputs": ["rootfs", {"type": "{{ matrix.KIND }}", "path": "x"}],
 "imageTestsConfiguration": {"imageTestsEnabled": "true"},
 "matrix": {"HOST": ["a"], "PORT": [22], "KIND": ["changes"]}}
Y
expect_exit 0 python3 check.py good odd.yaml "$TOEHOLD_SOURCE"/samples/recipes/*.yaml

number=0
bad() {
  number=$((number + 1))
  printf '%s\n' "$1" >"bad$number.yaml"
}
bad '{components: [a]}'
bad '{name: abc}'
bad '{name: abc, components: []}'
bad '{name: abc, components: a}'
bad '{name: abc, components: [{}]}'
bad '{name: abc, components: [{path: a, component: b}]}'
bad '{name: abc, components: [a], target: vm}'
bad '{name: abc, components: [a], target: {base: host}}'
bad '{name: abc, components: [a], target: {type: sandbox, image: x}}'
bad '{name: abc, components: [a], outputs: [iso]}'
bad '{name: abc, components: [a], matrix: {A: b}}'
bad '{name: abc, components: [a], imageTestsConfiguration: {timeoutMinutes: 0}}'
bad '{name: abc, components: [a], verison: 1.0.0}'
expect_exit 0 python3 check.py bad bad*.yaml

# `validate` knows a recipe, and looks at its components as well: all that is wrong at once.
cat >wrong-component.yaml <<'Y'
schemaVersion: 1.0
phases: [{name: build, steps: [{name: One, action: ExecuteBsh, inputs: {commands: [x]}}]}]
Y
printf 'name: bad\ncomponents: [wrong-component.yaml, missing.yaml]\ntargt: sandbox\n' >bad.yaml
expect_exit 1 "$TOEHOLD" validate bad.yaml
expect_contains "$err" "bad.yaml:3:1: error[unknown-key]"
expect_contains "$err" "bad.yaml:2:36: error[unreadable]"
expect_contains "$err" "wrong-component.yaml:2:52: error[unknown-action]"
expect_contains "$err" '3 errors'
expect_exit 1 "$TOEHOLD" validate --format json bad.yaml wrong-component.yaml
expect_equal "$(grep -c '"severity": "error"' <<<"$out")" 3
expect_exit 0 "$TOEHOLD" validate --strict "$TOEHOLD_SOURCE"/samples/recipes/*.yaml
expect_contains "$out" 'samples/recipes/components/site.yaml'

# What a build would refuse is told by `validate`, too, at its place; a misspelt key makes no document of it.
cp "$TOEHOLD_SOURCE/samples/recipes/components/site.yaml" good-component.yaml
export TOEHOLD_HOME=$scratch/home
recipe() { printf 'name: web\ncomponents: [good-component.yaml]\n%s\n' "$1" >recipe.yaml; }
refused() {
  local command
  for command in validate build 'build --explain'; do
    expect_exit 1 "$TOEHOLD" $command recipe.yaml
    expect_contains "$err" "$1"
  done
  expect_equal "$("$TOEHOLD" builds)" ""
}
recipe $'target: {type: container, image: debian}\noutputs: [changes]'
refused "recipe.yaml:4:11: error[invalid-value]: target 'container' cannot write 'changes'"
recipe 'target: {type: qemu, base: gone.qcow2}'
refused 'recipe.yaml:3:28: error[invalid-value]'
recipe 'target: {type: sandbox, base: gone.tar}'
refused 'recipe.yaml:3:31: error[invalid-value]'
recipe 'target: {type: sandbox, bind: [., gone, good-component.yaml]}'
refused 'recipe.yaml:3:35: error[invalid-value]: '"$PWD/gone is not there to show in the sandbox"
refused "$PWD/good-component.yaml is no folder"
sed -i 's/components/componets/' recipe.yaml
refused "did you mean 'components'?"
: >recipe.yaml
refused "a recipe 'name:' and 'components:'"
recipe 'parameters: [{name: Titel, value: x}]'
expect_exit 0 "$TOEHOLD" validate recipe.yaml
expect_contains "$err" "no component has a parameter 'Titel'"
expect_exit 2 "$TOEHOLD" build recipe.yaml --refresh build.Nothing
expect_contains "$err" '--refresh: there is no step build.Nothing'
recipe 'target: {type: ssh, host: web1}'
expect_exit 2 "$TOEHOLD" build recipe.yaml --offline
expect_contains "$err" "--offline goes with the targets sandbox and qemu, not with 'ssh'"

# What breaks off before anything is made leaves nothing that is listed.
recipe 'target: qemu'
for option in --explain --no-cache; do
  expect_exit 1 env PATH=/nonexistent "$TOEHOLD" build "$option" recipe.yaml
  expect_contains "$err" 'the target qemu needs'
  expect_equal "$("$TOEHOLD" builds)" ""
done
