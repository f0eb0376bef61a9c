# The controller of a build over SSH is killed at every line of its inventory, and cleanup comes at
# once; so for resume, which brings the build to its end with every step done once.
. "$(dirname "$0")/sshd.sh"
needs python3
start_sshd main ed25519
know main "$port"
cat >work.yml <<Y
schemaVersion: 1.0
phases:
  - {name: build, steps: [{name: One, action: ExecuteBash, inputs: {commands: ['echo one >>$scratch/ledger']}}]}
  - {name: test, steps: [{name: Two, action: ExecuteBash, inputs: {commands: ['echo two >>$scratch/ledger']}}]}
Y
recipe "$port" "  identityFile: $scratch/key" "  knownHosts: $scratch/known_hosts"
sed -i 's/^name: .*/name: ssh-kill/' recipe.yml  # the other tests have folders here at the same time
kill_at() { python3 "$TOEHOLD_SOURCE/tests/support/kill_at_line.py" "$1" "$TOEHOLD_HOME/builds" "$TOEHOLD" build recipe.yml --view none; }
folders() { ls -d /var/lib/toehold-ssh-kill-* 2>/dev/null || true; }
before=$(folders)
killed=0
for ((line = 1; ; line++)); do
  rm -f ledger
  got=0
  kill_at "$line" >told 2>&1 || got=$?
  if [ "$got" = 3 ]; then break; fi
  killed=$((killed + 1))
  # By turns; with TOEHOLD_KILL_TURN, 0 or 1, the other way round.
  if [ $(((line + ${TOEHOLD_KILL_TURN:-0}) % 2)) = 0 ]; then
    expect_exit 0 "$TOEHOLD" cleanup
    expect_equal "$(ls "$TOEHOLD_HOME/builds")" ''
    expect_equal "$(folders)" "$before"
    continue
  fi
  id=$(ls "$TOEHOLD_HOME/builds")
  # One that was killed as it ended has nothing to go on with.
  if grep -q '"succeeded"' "$TOEHOLD_HOME/builds/$id/build.json"; then break; fi
  expect_exit 0 "$TOEHOLD" resume "$id" --view none
  expect_equal "$(cat ledger) at $line" $'one\ntwo'" at $line"
  expect_exit 0 "$TOEHOLD" cleanup
  expect_equal "$(folders)" "$before"
done
[ "$killed" -ge 6 ] || fail "only $killed kills: $(cat told)"
echo "killed at $killed lines"
