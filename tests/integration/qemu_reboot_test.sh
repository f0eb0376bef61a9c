#!/usr/bin/env bash
# Reboots for real, in one machine and one run: a Reboot step in the middle, a script that wants two
# reboots, a Reboot in a nested document, and one in a loop with a condition over it. Each ran as
# often as it should, in one log, with one execution id; and the agent alone does the same with
# --reboot self, from a unit that is gone afterwards.
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"

cat >inner.yml <<'YAML'
name: inner
description: A reboot in a nested document.
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: InnerBefore
        action: ExecuteBash
        inputs: {commands: ["echo inner-before >> /srv/order"]}
      - name: InnerBoot
        action: Reboot
      - name: InnerAfter
        action: ExecuteBash
        inputs: {commands: ["echo inner-after >> /srv/order"]}
YAML
cat >component.yml <<'YAML'
name: reboots
description: All kinds of them.
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Before
        action: ExecuteBash
        inputs: {commands: ["echo before >> /srv/order; cat /proc/sys/kernel/random/boot_id >> /srv/boots"]}
      - name: Boot
        action: Reboot
      - name: After
        action: ExecuteBash
        inputs: {commands: ["echo after >> /srv/order; cat /proc/sys/kernel/random/boot_id >> /srv/boots"]}
      - name: Twice
        action: ExecuteBash
        inputs:
          commands:
            - echo "twice-$(grep -c twice /srv/order)" >> /srv/order
            - cat /proc/sys/kernel/random/boot_id >> /srv/boots
            - if [ "$(grep -c twice /srv/order)" -lt 3 ]; then exit 194; fi
      - name: Nested
        action: ExecuteDocument
        inputs: {document: INNER}
      - name: Rounds
        loop: {forEach: [one, two]}
        if: {not: {fileExists: /srv/rounds}, then: Execute, else: Skip}
        action: ExecuteBash
        inputs:
          commands:
            - touch /srv/rounds
            - if ! grep -q '^round-{{ loop.value }}$' /srv/order; then echo 'round-{{ loop.value }}' >> /srv/order; exit 194; fi
            - echo 'round-{{ loop.value }}-done' >> /srv/order
      - name: Last
        action: ExecuteBash
        inputs: {commands: ["cat /proc/sys/kernel/random/boot_id >> /srv/boots"]}
      - name: Stop
        action: ExecuteBash
        inputs: {commands: [exit 1]}
YAML
sed -i "s#INNER#$scratch/inner.yml#" component.yml
cat >recipe.yml <<'YAML'
name: reboots
components: [component.yml]
target: {type: qemu, base: "mmdebstrap:bookworm"}
YAML
cat >wanted <<'E2'
before
after
twice-0
twice-1
twice-2
inner-before
inner-after
round-one
round-one-done
round-two
round-two-done
E2
got=0
build --on-failure=keep >build.log 2>&1 || got=$?
expect_equal "$got" 1
expect_contains "$(tail -20 build.log)" 'build.Stop failed'
expect_equal "$(grep -c 'going on after the reboot' build.log)" 6
guest machine cat /srv/order >order
diff wanted order || fail "steps did not run as often as they should"
# In how many boots the seven notes were made: two steps, three tries of one, and the last.
expect_equal "$(guest machine 'wc -l </srv/boots; sort -u /srv/boots | wc -l' | xargs)" "6 5"
logs=$(echo "$TOEHOLD_HOME"/builds/*/logs)
expect_equal "$(ls -d "$logs"/TOE_* | wc -l)" 1
python3 - "$logs"/TOE_*/events.jsonl <<'PY'
import collections, json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
assert len({e["executionId"] for e in events if e["type"] == "runStarted"}) == 1
ends = collections.Counter(e["step"] for e in events if e["type"] == "stepFinished")
assert len(ends) == 11 and max(ends.values()) == 1, ends
PY
expect_equal "$(grep -c 'System has rebooted' "$logs"/TOE_*/console.log)" 6

# The agent alone, as on a build instance without us.
cat >self.yml <<'YAML'
name: self
description: A machine that reboots itself.
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Before, action: ExecuteBash, inputs: {commands: ["echo before >> /srv/self"]}}
      - {name: Boot, action: Reboot}
      - {name: After, action: ExecuteBash, inputs: {commands: ["echo after >> /srv/self"]}}
YAML
guest machine 'mkdir /opt/self && cp /var/lib/toehold-*/toehold-agent /opt/self/'
base64 <self.yml >self.b64
guest machine "echo $(tr -d '\n' <self.b64) | base64 -d >/opt/self/self.yml"
guest machine '/opt/self/toehold-agent run --reboot self --documents /opt/self/self.yml \
  --state-directory /opt/self/state --log-directory /opt/self/logs' >self.log 2>&1 || true
is_done() { guest machine 'test "$(xargs </srv/self)" = "before after" && ! systemctl is-active -q toehold-resume'; }
wait_until 300 is_done
expect_equal "$(guest machine 'ls -d /opt/self/logs/TOE_* | wc -l')" 1
expect_equal "$(guest machine 'systemctl list-unit-files | grep -c toehold; ls /etc/systemd/system | grep -c toehold' || true)" "0
0"
expect_exit 0 "$TOEHOLD" cleanup --all
expect_equal "$(machines)" ""
