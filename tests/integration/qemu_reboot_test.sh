#!/usr/bin/env bash
# Reboots for real, in one machine and one run: a script that wants two reboots, a Reboot step in the
# middle, a Reboot in a nested document, and one in a loop with a condition over it. Each ran as
# often as it should, in one log, with one execution id; and the agent alone does the same with
# --reboot self, from a unit that is gone afterwards, and meets full disks. The documents before it,
# the script that wants two reboots among them, tell what they tell on all targets.
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"
. "$TOEHOLD_SOURCE/tests/integration/event_table.sh"

cat >deep.yml <<'YAML'
name: deep
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
name: all-kinds
description: Of reboots.
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
            - if ! grep -q '^round-{{ loop.value }}$' /srv/order; then echo 'round-{{ loop.value }}' >> /srv/order; [ '{{ loop.value }}' = two ] || exit 194; fi
            - echo 'round-{{ loop.value }}-done' >> /srv/order
      - name: Last
        action: ExecuteBash
        inputs: {commands: ["cat /proc/sys/kernel/random/boot_id >> /srv/boots"]}
      - name: Stop
        action: ExecuteBash
        inputs: {commands: [exit 1]}
YAML
sed -i "s#INNER#$scratch/deep.yml#" component.yml
event_recipe recipe.yml '{type: qemu, base: "mmdebstrap:bookworm"}' "${event_documents[@]}" component
cat >wanted <<'E2'
before
after
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
expect_equal "$(grep -c 'going on after the reboot' build.log)" 5
guest machine cat /srv/order >order
diff wanted order || fail "steps did not run as often as they should"
# In how many boots the three notes were made.
expect_equal "$(guest machine 'wc -l </srv/boots; sort -u /srv/boots | wc -l' | xargs)" "3 3"
logs=$(echo "$TOEHOLD_HOME"/builds/*/logs)
expect_equal "$(ls -d "$logs"/TOE_* | wc -l)" 1
python3 - "$logs"/TOE_*/events.jsonl <<'PY'
import collections, json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
assert len({e["executionId"] for e in events if e["type"] == "runStarted"}) == 1
ends = collections.Counter(e["step"] for e in events if e["type"] == "stepFinished")
assert max(ends.values()) == 1, ends
ends = {step: count for step, count in ends.items() if step.startswith("9/")}
assert len(ends) == 10 and max(ends.values()) == 1, ends
PY
expect_equal "$(grep -c 'System has rebooted' "$logs"/TOE_*/console.log)" 5
compare_events qemu "$(echo "$logs"/TOE_*)" 'continue=a failure would end this run'
expect_same_events

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

# A full disk of the guest: the agent says so and stops before its next effect; with room made it goes on.
guest machine 'mkdir /srv/small && mount -t tmpfs -o size=512k,mode=700 tmpfs /srv/small && rm /srv/self
  sed /Reboot/d /opt/self/self.yml >/opt/self/full.yml; head -c 520000 /dev/zero >/srv/small/fill; true' 2>/dev/null
full() { guest machine "/opt/self/toehold-agent run --documents /opt/self/full.yml --state-directory /srv/small/$1 --log-directory /srv/$2"; }
expect_exit 74 full state logs
expect_contains "$err" 'cannot write the journal'
guest machine 'test ! -e /srv/self; rm /srv/small/fill'
expect_exit 0 full state logs
expect_equal "$(guest machine 'xargs </srv/self')" "before after"
# The logs: what they lack is told, and the run is not disturbed.
guest machine 'rm -r /srv/self /srv/small/*; head -c 520000 /dev/zero >/srv/small/fill; true' 2>/dev/null
expect_exit 0 full ../state small/logs
expect_contains "$err" 'the disk did not take'
expect_equal "$(guest machine 'xargs </srv/self')" "before after"
expect_exit 0 "$TOEHOLD" cleanup --all
expect_equal "$(machines)" ""
