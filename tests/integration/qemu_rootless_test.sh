#!/usr/bin/env bash
# An ordinary user's virtual machine. QEMU and all files are the user's; a killed controller leaves a
# machine that resume finds again, and after cleanup nothing is there. A disk that has to be made has
# the owners of its base, and what cannot be made is said at once.
. "$(dirname "${BASH_SOURCE[0]}")/machine.sh"
needs useradd setpriv newuidmap debugfs
make_base
user=toehold-vm-$$ one=toehold-vm1-$$
remove_users() {
  as_user ./toehold cleanup --all >/dev/null 2>&1 || true
  for name in "$user" "$one"; do userdel --force "$name" 2>/dev/null || true; done
  clean_up
}
trap remove_users EXIT
chmod 755 "$scratch"
useradd --create-home --base-dir "$scratch" --shell /bin/sh "$user" || skip "no user can be made here"
grep -q "^$user:" /etc/subuid || usermod --add-subuids 2100000-2165535 --add-subgids 2100000-2165535 "$user"
useradd --system --create-home --base-dir "$scratch" --shell /bin/sh "$one"
home=$scratch/$user
as() {
  local name=$1
  shift
  (cd "$home" && exec env -i PATH=/usr/bin:/bin HOME="$scratch/$name" TOEHOLD_STATIC_AGENT="$home/toehold-agent" \
    setpriv --reuid "$name" --regid "$name" --init-groups "$@")
}
as_user() { as "$user" "$@"; }
as_user unshare --user true 2>/dev/null || skip "an ordinary user can make no user namespace here"
install -m 755 "$TOEHOLD" "$home/toehold"
install -m 755 "$TOEHOLD_STATIC_AGENT" "$home/toehold-agent"
install -m 644 "$(base_disk)" "$home/base.qcow2"
before=$(sha256sum <"$home/base.qcow2")
cat >"$home/work.yml" <<'YAML'
name: work
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Once
        action: ExecuteBash
        inputs: {commands: ['echo one >>/srv/ledger; while ! test -e /srv/go-on; do sleep 0.2; done; test "$(cat /srv/ledger)" = one']}
YAML
cat >"$home/recipe.yml" <<'YAML'
name: of-a-user
components: [work.yml]
target: {type: qemu, base: base.qcow2, accelerator: tcg, cpu: qemu64}
outputs: [{type: qcow2, path: made.qcow2}]
YAML
chmod 644 "$home"/*.yml
chmod 755 "$home"

# A disk image, and a controller that is killed in the middle of a step.
export TOEHOLD_HOME=$home/.local/state/toehold
as_user ./toehold build recipe.yml --view plain >first.log 2>&1 &
wait_until 300 grep -q 'Once (ExecuteBash)' first.log
machine=$(machines)
kill -9 "$(pgrep -u "$user" -f "^./toehold build")"
wait || true
guest machine touch /srv/go-on
expect_exit 0 as_user ./toehold resume "$(the_build)" --view plain
expect_contains "$err" 'Once'
expect_equal "$(machines)" ""
expect_equal "$(stat -c '%U %a' "$home/made.qcow2")" "$user 600"
expect_equal "$(sha256sum <"$home/base.qcow2")" "$before"
expect_exit 0 as_user ./toehold cleanup
expect_equal "$(ls "$TOEHOLD_HOME/builds")" ""
rm "$home/made.qcow2"

# A disk that has to be made: with the owners of its base, and as the user's file.
mkdir -p root/private
touch root/vmlinuz root/initrd.img root/private/file
chown -R 33:42 root/private
tar -C root --numeric-owner -czf "$home/root.tar.gz" .
chmod 644 "$home/root.tar.gz"
build_from() { as "$1" ./toehold build recipe.yml --view plain --set target.diskSize=1 --set target.bootTimeout=5 --set "target.base=$2"; }
expect_exit 1 build_from "$user" root.tar.gz
expect_contains "$err" 'making a disk of'
expect_contains "$err" 'cannot be reached over SSH within 5 s'
expect_equal "$(machines)" ""
disk=$(echo "$TOEHOLD_HOME"/cache/bases/disk-*/fs/disk.qcow2)
expect_equal "$(stat -c %U "$disk")" "$user"
qemu-img convert -O raw "$disk" disk.raw
expect_contains "$(debugfs -R 'stat /private/file' 'disk.raw?offset=1048576' 2>&1)" 'User:    33   Group:    42'
expect_exit 1 build_from "$user" "$scratch/root"
expect_contains "$err" 'the folder is not yours'
rm root/vmlinuz
tar -C root --numeric-owner -czf "$home/root.tar.gz" .
expect_exit 1 build_from "$user" root.tar.gz
expect_contains "$err" 'has no kernel with an initrd'
expect_contains "$err" 'install one there'
expect_exit 1 build_from "$one" root.tar.gz
expect_contains "$err" 'you have no ids for them'
expect_contains "$err" "usermod --add-subuids 100000-165535 $one"
expect_exit 0 as_user ./toehold cleanup
expect_exit 0 as_user ./toehold cache prune --all --bases
expect_equal "$(find "$home/.local" ! -user "$user" -o -name '*.qcow2' -o -name identity)" ""
