# Target ssh: connections that break in the middle of a step, controllers that are killed, failures,
# shells, retries, reboots, nested documents. Every step runs once and every line is there.
. "$(dirname "$0")/sshd.sh"
needs python3
start_sshd main ed25519
main=$port
know main "$main"
options=("  identityFile: $scratch/key" "  knownHosts: $scratch/known_hosts")
document_of() { printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n' >"$1"; cat >>"$1"; }
build_of() { document=$1 recipe "$main" "${options[@]}"; }
id_in() { sed -n 's/^remote .*(build \(.*\))$/\1/p' "$1"; }

# Connections that break in the middle of a step: every line is there, once.
document_of chatty.yml <<Y
      - name: Talk
        action: ExecuteBash
        inputs: {commands: ['echo talk >>$scratch/ledger', 'for i in \$(seq 1 1000); do echo "line \$i"; sleep 0.004; done', 'until [ -e $scratch/cut ]; do sleep 0.02; done']}
Y
build_of chatty.yml
rm -f told
"$TOEHOLD" build recipe.yml --view plain >.out 2>told </dev/null &
builder=$!
cuts=0
wait_until 30 grep -qs 'line 1$' told
while kill -0 "$builder" 2>/dev/null && [ "$cuts" -lt 5 ]; do
  for session in $(sessions_of "${servers[0]}"); do
    if kill -9 "$session" 2>/dev/null; then cuts=$((cuts + 1)); fi
  done
  sleep 0.7
done
touch cut
wait "$builder" || fail "exit $? after $cuts cuts: $(tail -20 told)"
[ "$cuts" -gt 1 ] || fail "no connection was cut"
expect_contains "$(cat told)" 'was lost; the run goes on there'
whole() { diff <(grep -o 'line [0-9]*$' "$1") <(seq -f 'line %g' 1 "$2") >difference || fail "$1: $(head difference)"; }
whole told 1000
grep -o 'Stdout: line [0-9]*$' "$TOEHOLD_HOME"/builds/*/logs/TOE_*/console.log >logged
whole logged 1000
expect_equal "$(cat ledger)" talk
expect_equal "$(left)" ''

# A controller that is killed: the run goes on, and resume follows it to its end.
rm ledger
rm -f told
"$TOEHOLD" build recipe.yml --view plain >.out 2>told </dev/null &
builder=$!
wait_until 30 grep -qs 'line 50$' told
kill -9 "$builder"
wait "$builder" 2>/dev/null || true
id=$(id_in told)
expect_exit 0 "$TOEHOLD" resume "$id" --view plain
whole "$scratch/.err" 1000
expect_equal "$(cat ledger)" talk
expect_equal "$(left)" ''

# One that is told to stop takes everything with it; so does cleanup after a kill.
for signal in INT KILL; do
  rm -f ledger
  document_of sleepy.yml <<Y
      - {name: Sleep, action: ExecuteBash, inputs: {commands: ['echo pid \$\$ >$scratch/ledger', 'sleep 400']}}
Y
  build_of sleepy.yml
  rm -f told
  env --default-signal=INT "$TOEHOLD" build recipe.yml --view plain >.out 2>told </dev/null &
  builder=$!
  wait_until 30 grep -qs pid ledger
  kill -s "$signal" "$builder"
  wait "$builder" 2>/dev/null || true
  if [ "$signal" = KILL ]; then expect_exit 0 "$TOEHOLD" cleanup; fi
  expect_equal "$(left "$(id_in told)")" ''
  if kill -0 "$(cut -d' ' -f2 ledger)" 2>/dev/null; then fail "the step still runs after $signal"; fi
done

# A failure: what is kept, a shell in its state, and the ways on from there.
cat >nested.yml <<'Y'
schemaVersion: 1.0
phases: [{name: build, steps: [{name: Deep, action: ExecuteBash, inputs: {commands: [echo nested]}}]}]
Y
mkdir here
failing() {
  rm -f ledger mended
  document_of failing.yml <<Y
      - {name: Before, action: ExecuteBash, inputs: {commands: ['echo before in \$PWD >>$scratch/ledger']}}
      - {name: Nest, action: ExecuteDocument, inputs: {document: ./nested.yml}}
      - {name: Wrong, action: ExecuteBash, inputs: {commands: ['echo wrong >>$scratch/ledger', 'test -e $scratch/mended']}}
      - {name: After, action: ExecuteBash, inputs: {commands: ['echo after >>$scratch/ledger']}}
Y
  build_of failing.yml
  sed -i "1a workingDirectory: $scratch/here" recipe.yml
}
failing
expect_exit 1 build --on-failure keep
expect_contains "$err" nested
id=$(sed -n 's/^  toehold resume \([^ ]*\) .*/\1/p' <<<"$err")
expect_exit 3 "$TOEHOLD" shell "$id" sh -c 'pwd; grep -c wrong $TOEHOLD_STEP_FILES/script.sh; exit 3'
expect_equal "$out" "$scratch/here"$'\n1'
expect_exit 0 "$TOEHOLD" resume "$id" --skip --view plain
expect_contains "$err" 'what it has done stays'
expect_equal "$(cat ledger)" "before in $scratch/here"$'\nwrong\nafter'
expect_equal "$(left)" ''
# On a terminal: a shell, then once more with the document as it is now.
failing
got=0
python3 "$TOEHOLD_SOURCE/tests/support/type_into.py" "$TOEHOLD" build recipe.yml --view plain -- \
  'skip it; what it has done stays on this target' '' '[s/r/k/c/p/q]' s '# ' 'echo $((6*7)) in $PWD; touch ../mended; exit' \
  "42 in $scratch/here" '' 'What now?' '' '[s/r/k/c/p/q]' "!sed -i 's/echo after/echo edited/' failing.yml" \
  '[s/r/k/c/p/q]' r >shown || got=$?
[ "$got" = 0 ] || fail "exit $got: $(cat shown)"
expect_equal "$(cat ledger)" "before in $scratch/here"$'\nwrong\nwrong\nedited'
expect_lacks "$(cat shown)" 'step-shell'

# A reboot of the machine that we are on is not for us; what is to be done is said, and done.
document_of reboot.yml <<Y
      - {name: Twice, action: ExecuteBash, inputs: {commands: ['echo twice >>$scratch/twice', 'if [ ! -e $scratch/once ]; then touch $scratch/once; exit 194; fi']}}
Y
build_of reboot.yml
got=0
build >.out 2>told </dev/null || got=$?
[ "$got" != 0 ] || fail "it went on without a reboot"
expect_contains "$(cat told)" 'is this machine'
id=$(id_in told)
echo another-boot >"$TOEHOLD_HOME/builds/$id/boot-id"
expect_exit 0 "$TOEHOLD" resume "$id" --view plain
expect_equal "$(cat twice)" $'twice\ntwice'
expect_equal "$(left)" ''

# Which files each step changed, if that is wanted; what failed has changed some, too.
document_of files.yml <<Y
      - {name: One, action: ExecuteBash, inputs: {commands: ['echo one >$scratch/first; mkdir $scratch/d']}}
      - {name: None, action: ExecuteBash, inputs: {commands: ['true']}}
      - {name: Two, action: ExecuteBash, inputs: {commands: ['echo two >>$scratch/first; rmdir $scratch/d', 'if [ ! -e $scratch/half ]; then touch $scratch/half; exit 3; fi']}}
Y
build_of files.yml
echo '  recordFiles: true' >>recipe.yml
expect_exit 1 build --on-failure=keep
id=$(sed -n 's/.*toehold resume \([^ ]*\).*/\1/p' <<<"$err" | head -1)
expect_exit 0 "$TOEHOLD" resume "$id" --view plain
python3 - "$scratch/" "$TOEHOLD_HOME"/images/*/manifest.json <<'P' || fail "the manifest is wrong"
import json, sys
place = sys.argv[1]
names = ("first", "d", "half")
for path in sys.argv[2:]:
    steps = {s["name"]: {f["path"][len(place):]: f["change"] for f in s["files"] if f["path"].startswith(place)
        and f["path"][len(place):] in names} for s in json.load(open(path))["steps"]}
    if "Two" in steps:
        assert steps["One"] == {"first": "added", "d": "added"} and steps["None"] == {}, steps
        assert steps["Two"] == {"first": "changed", "d": "removed", "half": "added"}, steps
        break
else:
    sys.exit("no manifest")
P

# The same through sudo.
if sudo -n true 2>/dev/null; then
  sed -i 's/seq 1 1000/seq 1 3/' chatty.yml
  build_of chatty.yml
  echo '  sudo: true' >>recipe.yml
  expect_exit 0 build
  expect_contains "$err" 'line 3'
  expect_equal "$(left)" ''
fi
