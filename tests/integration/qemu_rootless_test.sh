#!/usr/bin/env bash
# An ordinary user's virtual machine: QEMU and all files are the user's, and gone when the machine
# does not answer in time, which five seconds are not.
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"
needs useradd setpriv newuidmap
make_base
user=toehold-vm-$$
trap 'userdel --force "$user" 2>/dev/null || true; clean_up' EXIT
chmod 755 "$scratch"
useradd --create-home --base-dir "$scratch" --shell /bin/sh "$user" || skip "no user can be made here"
grep -q "^$user:" /etc/subuid || usermod --add-subuids 2100000-2165535 --add-subgids 2100000-2165535 "$user"
home=$scratch/$user
as_user() {
  (cd "$home" && env -i PATH=/usr/bin:/bin:/usr/sbin HOME="$home" TOEHOLD_STATIC_AGENT="$home/toehold-agent" \
    setpriv --reuid "$user" --regid "$user" --init-groups "$@")
}
as_user unshare --user true 2>/dev/null || skip "an ordinary user can make no user namespace here"
install -m 755 "$TOEHOLD" "$home/toehold"
install -m 755 "$TOEHOLD_STATIC_AGENT" "$home/toehold-agent"
install -m 644 "$(base_disk)" "$home/base.qcow2"
before=$(sha256sum "$home/base.qcow2")
cat >"$home/nothing.yml" <<'YAML'
name: nothing
schemaVersion: 1.0
phases: [{name: build, steps: [{name: No, action: ExecuteBash, inputs: {commands: ["true"]}}]}]
YAML
cat >"$home/recipe.yml" <<'YAML'
name: of-a-user
components: [nothing.yml]
target: {type: qemu, base: base.qcow2, accelerator: tcg, bootTimeout: 5}
YAML
chmod 644 "$home"/*.yml

as_user ./toehold build recipe.yml --view plain >log 2>&1 &
build=$!
of_user() { pgrep -u "$user" -x qemu-system-x86 >/dev/null; }
wait_until 60 of_user
got=0
wait "$build" || got=$?
expect_equal "$got" 1
expect_contains "$(cat log)" 'cannot be reached over SSH within 5 s'
! of_user || fail "its machine is still on"
expect_equal "$(find "$home/.local" -name '*.qcow2' -o -name identity)" ""
expect_equal "$(find "$home/.local" ! -user "$user")" ""
expect_equal "$(sha256sum "$home/base.qcow2")" "$before"
