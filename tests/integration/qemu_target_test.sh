#!/usr/bin/env bash
# A build in a virtual machine: it boots a Debian made for it, steps run, the guest is cleaned, the
# disk becomes an image, and the test phase runs in a new machine of that. The base stays as it is;
# a killed controller leaves a machine that is found again; in the end nothing is left.
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"

cat >component.yml <<'YAML'
name: web
description: A file, and what a machine is like.
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Keep
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - cat /etc/machine-id > /srv/first-machine-id
            - ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub > /srv/first-host-key
            - touch /root/.bash_history
      - name: Wait
        action: ExecuteBash
        inputs:
          commands: ['while ! test -e /srv/go-on; do sleep 0.2; done; echo it goes on']
  - name: test
    steps:
      - name: AnotherMachine
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - test -e /srv/go-on
            - test "$(cat /etc/machine-id)" != "$(cat /srv/first-machine-id)"
            - test "$(wc -c < /etc/machine-id)" = 33
            - test "$(ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub)" != "$(cat /srv/first-host-key)"
            - test ! -e /root/.bash_history
            - test "$(find /var/lib -maxdepth 1 -name 'toehold-*' | wc -l)" = 1
            - test "$(wc -l < /root/.ssh/authorized_keys)" = 1
            - ls /var/log/journal/
YAML
cat >recipe.yml <<'YAML'
name: vm-web
version: 1.2.3
components: [component.yml]
target: {type: qemu, base: "mmdebstrap:bookworm"}
YAML

# What cannot be done is said before anything boots.
expect_exit 1 build --output oci-archive
expect_contains "$err" "target 'qemu' cannot write 'oci-archive'"
expect_contains "$err" "it writes qcow2, raw"
expect_exit 1 build --set target.base=nothing.qcow2
expect_contains "$err" "nothing.qcow2 is not there to boot from"
head -c 4096 /dev/urandom >noise.qcow2
expect_exit 1 build --set target.base=noise.qcow2
expect_contains "$err" "noise.qcow2 is no qcow2 image"
expect_contains "$err" "is mmdebstrap:bookworm, a disk image"
head -c 4096 /dev/urandom >noise
expect_exit 1 build --set target.base=noise
expect_equal "$(machines)" ""
rm -rf "$TOEHOLD_HOME/builds"

# The controller is killed in the middle of a step; its machine goes on, and so does the build.
start_build first.log
wait_until 600 grep -q 'Wait (ExecuteBash)' first.log
before=$(sha256sum "$(base_disk)")
kill -9 "$controller"
wait "$controller" 2>/dev/null || true
[ -n "$(machines)" ] || fail "the machine ended with the controller"
expect_equal "$(stat -c %a "$TOEHOLD_HOME"/builds/*/machine "$TOEHOLD_HOME"/builds/*/machine/identity | xargs)" "700 600"
tr '\0' '\n' <"/proc/$(machines)/cmdline" >words
! grep -q "$(sed -n 2p "$TOEHOLD_HOME"/builds/*/machine/identity)" words || fail "a key is among its arguments"
guest machine touch /srv/go-on
expect_exit 0 "$TOEHOLD" resume "$(the_build)" --view plain
out+=$err
expect_contains "$out" "it goes on"
expect_contains "$out" "removed  /root/.bash_history"
expect_contains "$out" "emptied  /etc/machine-id"
expect_contains "$out" "✓ AnotherMachine"
expect_equal "$(machines)" ""
expect_equal "$(sha256sum "$(base_disk)")" "$before"
left=$(find "$TOEHOLD_HOME/builds" -name '*.qcow2' -o -name identity -o -name seed.iso)
expect_equal "$left" ""
serial=$(echo "$TOEHOLD_HOME"/builds/*/logs/serial-build.log)
grep -q 'Linux version' "$serial" || fail "the serial console is not among the logs"

# The image: the whole disk, and what was done in the manifest.
image=$(echo "$TOEHOLD_HOME"/images/*/vm-web-1.2.3.qcow2)
qemu-img check -q "$image"
expect_equal "$(stat -c %a "$image")" 600
[ "$(qemu-img info --output json "$image" | python3 -c 'import json,sys; print("backing-filename" in json.load(sys.stdin))')" = False ] ||
  fail "the image needs another file"
python3 - "$image" "$(dirname "$image")/manifest.json" <<'PY'
import hashlib, json, sys
manifest = json.load(open(sys.argv[2]))
output = manifest["outputs"][0]
assert output["type"] == "qcow2" and output["path"] == sys.argv[1], output
assert output["sha256"] == hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()
assert any(p["name"] == "openssh-server" for p in manifest["packagesAfter"]["packages"]), manifest.keys()
keep = [s for s in manifest["steps"] if s["name"] == "Keep"][0]
assert any(f["path"].endswith("srv/first-machine-id") for f in keep["files"]), keep
PY

# That image boots where nobody seeds it, and has keys and an id of its own; here only our login is
# added. As the parent of another build it stays as it is, and a build that is interrupted while
# the machine boots leaves nothing.
sed -i 's/Wait$/Gone/; s/while ! test.*on/systemctl poweroff; sleep 600/' component.yml
before=$(sha256sum "$image")
build --set "target.base=$image" --output "raw=$scratch/disk.raw" >second.log 2>&1 && fail "it lost its machine, and says nothing"
grep -q 'the machine is off' second.log || fail "it does not say that the machine is off: $(tail -5 second.log)"
grep -q 'Power down\|Power-Off\|reboot: ' second.log || fail "it does not show the console: $(cat second.log)"
grep -q 'toehold resume' second.log || fail "it does not say how to go on"
expect_equal "$(sha256sum "$image")" "$before"
"$TOEHOLD" cleanup --all >/dev/null
expect_equal "$(machines)" ""
start_build third.log --set "target.base=$image"
wait_until 60 grep -q 'booting a machine' third.log
wait_until 60 has_machine
kill -INT "$controller"
got=0
wait "$controller" || got=$?
expect_equal "$got" 130
expect_equal "$(machines)" ""
build --set "target.base=$image" --set target.bootTimeout=5 >fourth.log 2>&1 && fail "it booted in five seconds"
grep -q 'cannot be reached over SSH within 5 s' fourth.log || fail "$(cat fourth.log)"
expect_equal "$(machines)" ""
