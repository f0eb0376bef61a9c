# Documents that cannot be read and names that nothing has: told with the rest, and to machines too.
. "$(dirname "$0")/lib.sh"
needs python3

cat >good.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: ExecuteBash, inputs: {commands: ['echo one >>ledger']}}
Y
sed 's/ExecuteBash/ExecuteBish/' good.yml >wrong.yml
mkdir folder

# All that is wrong with all documents, whichever comes first.
expect_exit 1 "$TOEHOLD" validate missing.yml wrong.yml folder good.yml
expect_contains "$err" 'missing.yml: error[unreadable]: cannot read missing.yml: No such file or directory'
expect_contains "$err" 'wrong.yml:5:29: error[unknown-action]'
expect_contains "$err" 'folder: error[unreadable]: cannot read folder: Is a directory'
expect_contains "$err" '3 errors'
expect_exit 1 "$TOEHOLD_AGENT" validate --format json missing.yml wrong.yml
python3 - "$scratch/.out" <<'P'
import json, sys
result = json.load(open(sys.argv[1]))
assert result["valid"] is False
assert [item["code"] for item in result["diagnostics"]] == ["unreadable", "unknown-action"], result
assert result["diagnostics"][0]["file"] == "missing.yml", result
P
expect_exit 1 "$TOEHOLD_AGENT" validate --format github missing.yml
expect_contains "$out" '::error file=missing.yml,title=unreadable::cannot read missing.yml'
expect_exit 1 "$TOEHOLD_AGENT" validate -d missing.yml
expect_contains "$out" '"validationStatus": "failed"'

# No document is nothing wrong, as with awstoe, but it is told.
expect_exit 0 "$TOEHOLD" validate
expect_contains "$out" 'no documents are given'

# A run that cannot begin leaves the object of awstoe, too, and has done nothing.
failed_with() {
  python3 - "$scratch/.out" "$1" <<'P'
import json, sys
result = json.load(open(sys.argv[1]))
assert result["status"] == "failed" and result["executedStepCount"] == 0, result
assert sys.argv[2] in result["failureMessage"], result
P
}
expect_exit 1 agent_run -d good.yml,missing.yml,wrong.yml -i my-id
failed_with 'cannot read missing.yml'
expect_contains "$out" '"executionId": "my-id"'
expect_contains "$err" 'wrong.yml:5:29: error[unknown-action]'
expect_exit 1 "$TOEHOLD_AGENT" run -d good.yml -s good.yml -l logs
failed_with 'good.yml'
mkdir -m 700 held
(
  flock 9
  expect_exit 75 "$TOEHOLD_AGENT" run -d good.yml -s held -l logs
  failed_with 'in use'
) 9>held/lock
[ ! -e ledger ] || fail "a step ran"

# Names that nothing has. A phase may be missing, but a misspelt one is told; an action that is to
# be blocked has to exist.
expect_exit 0 agent_run -d good.yml -p 'validate, biuld'
expect_contains "$err" "warning: no document has the phase 'biuld'; did you mean 'build'?"
expect_lacks "$err" "'validate'"
[ ! -e ledger ] || fail "a step ran"
expect_exit 0 agent_run -d good.yml -p 'test, build'
expect_equal "$(cat ledger)" one
expect_exit 2 agent_run -d good.yml --blocked-action-modules Reboot,ExecuteBsh
expect_contains "$err" "--blocked-action-modules: there is no action 'ExecuteBsh'"
expect_contains "$err" "did you mean 'ExecuteBash'?"
expect_exit 2 "$TOEHOLD" validate good.yml --blocked-action-modules reboot
expect_contains "$err" "did you mean 'Reboot'?"
expect_exit 1 "$TOEHOLD" validate good.yml --blocked-action-modules 'Reboot, ExecuteBash'
expect_contains "$err" 'blocked-action'
expect_equal "$(cat ledger)" one

# What a mistyped command line is told, and where its help is.
told() {
  local want=$1
  shift
  expect_exit 2 "$TOEHOLD" "$@"
  expect_contains "$err" "$want"
}
told "there is no command 'plan'" plan good.yml
expect_contains "$err" "the commands are: build, "
expect_lacks "$err" make-disk
told "there is no command 'buld'" buld good.yml
expect_contains "$err" "did you mean 'build'?"
told "there is no command 'prun'" cache prun
told "a command is missing"
expect_contains "$err" "see toehold --help"
told "see toehold build --help" build good.yml --view fast
told "see toehold build --help" build good.yml --zzz
told "did you mean '--offline'?" build good.yml --ofline
told "see toehold cache prune --help" cache prune --zzz
told "there is no action and no page 'recipes'" describe recipes
expect_contains "$err" "did you mean 'recipe'?"
told "the pages are: " describe nothing-like-it
"$TOEHOLD" describe config >config.md
cmp config.md "$TOEHOLD_SOURCE/docs/reference/config.md" || fail "not the page"

# The plan shows where an item of inputs begins.
cat >list.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Write, action: CreateFile, inputs: [{path: a, content: b}, {path: c}]}
Y
expect_exit 0 "$TOEHOLD" run list.yml --explain
expect_contains "$out" $'       - path: a\n         content: b\n       - path: c\n'
expect_contains "$out" '1 step would run'

# Waiting for a document that does not come is ended by the first signal.
mkfifo pipe
for command in 'validate pipe' 'validate -' 'run -d pipe -s state9 -l logs'; do
  for signal in INT TERM; do
    # Descriptor 8 keeps standard input open; an interactive shell's child is not deaf to SIGINT.
    mkfifo silent
    exec 8<>silent
    code=0
    # shellcheck disable=SC2086
    timeout --foreground --preserve-status -k 10 -s $signal 0.3 "$TOEHOLD" $command <silent 8>&- \
      >out 2>err || code=$?
    exec 8>&-
    rm silent
    [ "$code" != 137 ] || fail "$command does not end by SIG$signal"
  done
done
