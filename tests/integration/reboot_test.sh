# A step asks for a reboot: the program ends with 194, and the same command goes on after it, in the
# same logs, without doing or deciding anything twice. With --reboot self it arms a unit that gives
# the command again, and takes the unit away when that runs.
. "$(dirname "$0")/lib.sh"

cat >reboot.yml <<'Y'
name: reboots
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Before, action: ExecuteBash, inputs: {commands: ['echo before >>ledger', 'echo kept']}}
      - name: Decided
        action: ExecuteBash
        if: {not: {fileExists: decided}, then: Execute, else: Skip}
        inputs:
          commands:
            - echo decided >>ledger
            - if [ ! -e decided ]; then touch decided; exit 194; fi
      - name: Turns
        action: ExecuteBash
        loop: {for: {start: 1, end: 3, updateBy: 1}}
        inputs:
          commands:
            - echo turn {{ loop.index }} >>ledger
            - if [ "{{ loop.index }}" = 1 ] && [ ! -e turned ]; then touch turned; exit 194; fi
      - {name: Kernel, action: Reboot}
      - name: After
        action: ExecuteBash
        inputs: {commands: ['test "{{ build.Before.outputs.stdout }}" = kept', 'echo after >>ledger']}
Y
ledger='before decided decided turn 0 turn 1 turn 1 turn 2 after'

for _ in 1 2 3; do
  expect_exit 194 agent_run --documents reboot.yml
  expect_contains "$err" 'give the same command again'
done
expect_exit 0 agent_run --documents reboot.yml
expect_contains "$out" '"executedStepCount": 5'
expect_equal "$(tr '\n' ' ' <ledger)" "$ledger "
expect_equal "$(ls -d logs/TOE_* | wc -l)" 1
expect_contains "$(cat "$(log_folder logs)/console.log")" 'Executor: System has rebooted successfully'

# Nothing is left to go on with: the same command is a new run.
rm -f ledger decided turned
expect_exit 194 agent_run --documents reboot.yml
expect_equal "$(ls -d logs/TOE_* | wc -l)" 2

[ "$(id -u)" = 0 ] || skip "all but --reboot self, which needs root"
rm -rf ledger decided turned state logs
unit=/etc/systemd/system/toehold-resume.service
mkdir fake
cat >fake/systemctl <<'S'
#!/bin/sh
echo "$*" >>"$CALLS"
S
chmod +x fake/systemctl
export CALLS="$scratch/calls"
cat >self.sh <<'S'
set -eu
mkdir -p /etc/systemd/system
mount -t tmpfs none /etc/systemd/system
mkdir -p /var/lib/toehold
mount -t tmpfs none /var/lib/toehold
unit=/etc/systemd/system/toehold-resume.service
PATH=$PWD/fake:$PATH ODD='100% "of" $it' \
  "$TOEHOLD_AGENT" run --documents reboot.yml --reboot self --execution-id 'a-b' -s state -l logs || echo "rc $?"
for round in 1 2 3; do
  [ "$(stat -c %a "$unit")" = 600 ]
  cp "$unit" "unit$round"
  # As a boot would: its folder, its words, with systemd's quoting undone.
  PATH=$PWD/fake:$PATH python3 - "$unit" <<'P' || echo "rc $?"
import os, re, shlex, sys
def words(text):
    return [word.replace("%%", "%") for word in shlex.split(text)]
unit = dict(line.rstrip("\n").split("=", 1) for line in open(sys.argv[1]) if "=" in line)
kept = unit["EnvironmentFile"]
assert os.stat(kept).st_mode & 0o777 == 0o600 and "ODD" not in open(sys.argv[1]).read()
environment = {name: re.sub(r"\\(.)", r"\1", value, flags=re.S) for name, value in
               re.findall(r'^([^="]+)="((?:[^"\\]|\\.)*)"$', open(kept).read(), re.M | re.S)}
assert environment["ODD"] == '100% "of" $it', environment["ODD"]
os.chdir(unit["WorkingDirectory"])
argv = [word.replace("$$", "$") for word in words(unit["ExecStart"])]
os.execve(argv[0], argv, environment)
P
done
[ ! -e "$unit" ] && [ ! -e /var/lib/toehold/resume.environment ]
S
unshare -m true 2>/dev/null || skip "all but --reboot self: no leave to make namespaces"
expect_exit 0 unshare -m sh self.sh
expect_equal "$(grep -o 'rc [0-9]*' .out | tr '\n' ' ')" 'rc 194 rc 194 rc 194 '
expect_contains "$out" '"status": "success"'
expect_equal "$(tr '\n' ' ' <ledger)" "$ledger "
once='daemon-reload enable toehold-resume.service reboot '
again="disable toehold-resume.service $once"
expect_equal "$(tr '\n' ' ' <calls)" "$once$again${again}disable toehold-resume.service "
[ ! -e "$unit" ] || fail "the unit came out of its namespace"
