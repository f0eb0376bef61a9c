#!/usr/bin/env bash
# The controller of a build in a virtual machine is killed at lines of its inventory, and cleanup
# comes at once and leaves no process, disk or folder; so for resume (r), which brings the build to
# its end with every step done once. TOEHOLD_KILL_LINES names others than the few of the short form;
# cleaned is the end of the clean-up, when the machine is on and lets nobody in.
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"
make_base
"$TOEHOLD" cleanup --all >/dev/null 2>&1
cat >work.yml <<'YAML'
name: work
schemaVersion: 1.0
phases:
  - {name: build, steps: [{name: One, action: ExecuteBash, inputs: {commands: ['echo one >>/srv/ledger']}}]}
  - {name: test, steps: [{name: Two, action: ExecuteBash, inputs: {commands: ['test "$(cat /srv/ledger)" = one']}}]}
YAML
cat >recipe.yml <<'YAML'
name: qemu-kill
components: [work.yml]
target: {type: qemu, base: "mmdebstrap:bookworm", accelerator: tcg, cpu: qemu64}
YAML
builds=$TOEHOLD_HOME/builds
nothing_left() {
  expect_equal "$(machines)" ""
  expect_equal "$(find "$TOEHOLD_HOME/builds" "$TOEHOLD_HOME/images" -type f 2>/dev/null)" ""
}
for line in ${TOEHOLD_KILL_LINES:-1 4r}; do
  got=0
  if [ "${line%r}" = cleaned ]; then
    "$TOEHOLD" build recipe.yml --view none >told 2>&1 &
    wait_until 600 grep -q '^== clean-up' told
    kill -9 $!
    wait $! 2>/dev/null || true
  else
    python3 "$TOEHOLD_SOURCE/tests/support/kill_at_line.py" "${line%r}" "$builds" "$TOEHOLD" build \
      recipe.yml --view none >told 2>&1 || got=$?
  fi
  [ "$got" = 0 ] || fail "it ended before line $line: $(tail -3 told)"
  if [ "$line" != "${line%r}" ]; then
    expect_exit 0 "$TOEHOLD" resume "$(the_build)" --view none
    [ -s "$TOEHOLD_HOME"/images/*/*.qcow2 ] || fail "no image after line $line"
    rm -rf "$TOEHOLD_HOME/images"
  fi
  expect_exit 0 "$TOEHOLD" cleanup
  echo "killed at line $line"
  nothing_left
done

# In the middle of a boot, when the machine is there and nothing is known of it but its plan.
start_build boot.log
wait_until 60 has_machine
kill -9 "$controller"
wait "$controller" 2>/dev/null || true
expect_exit 0 "$TOEHOLD" cleanup
nothing_left
