# UpdateOS with the real apt-get, in a throw-away layer over this machine's own root folder: what
# is excluded stays, configuration files stay, locks are waited for, interrupted runs repaired.
. "$(dirname "$0")/lib.sh"
needs unshare chroot apt-get dpkg-deb dpkg-query python3

if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || skip "only root can change its root folder"
  unshare --mount --pid --fork true 2>/dev/null || skip "no leave to make namespaces"
  # The mounts end with the namespace, before the folder that they are in is removed.
  code=0
  TMPDIR=$scratch unshare --mount --pid --fork --kill-child \
    bash "$TOEHOLD_SOURCE/tests/integration/update_os_test.sh" inside || code=$?
  exit $code
fi
trap - EXIT

root=$scratch/root
mkdir layer "$root"
mount -t tmpfs -o mode=700 tmpfs layer
mkdir layer/upper layer/work
chmod 755 layer/upper
mount -t overlay -o "lowerdir=/,upperdir=$scratch/layer/upper,workdir=$scratch/layer/work" \
  overlay "$root" 2>mount.err || skip "no overlay over the root folder: $(cat mount.err)"
for folder in run tmp dev etc/apt/sources.list.d etc/apt/preferences.d etc/apt/apt.conf.d; do
  mkdir -p "$root/$folder"
  mount -t tmpfs -o mode=755 tmpfs "$root/$folder"
done
mount -t proc proc "$root/proc"
for device in null zero full random urandom; do
  : >"$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
rm -f "$root/etc/apt/apt.conf" "$root/etc/apt/preferences"
echo 'Acquire::Retries::Delay "false";' >"$root/etc/apt/apt.conf.d/quick"
mkdir "$root/tmp/agent" "$root/tmp/repository"
cp "$TOEHOLD_AGENT" "$root/tmp/agent/toehold-agent"
chroot "$root" /tmp/agent/toehold-agent --version >/dev/null 2>agent.err ||
  skip "the agent does not run over the root folder: $(tail -n 1 agent.err)"

# package NAME VERSION [FIELD]: with a configuration file, and $postinst as its script
postinst=
package() {
  local folder=$scratch/package
  rm -rf "$folder"
  mkdir -p "$folder/DEBIAN" "$folder/etc"
  chmod 755 "$folder" "$folder/DEBIAN" "$folder/etc"
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\n' \
    "$1" "$2" >"$folder/DEBIAN/control"
  printf '%s\n' ${3:+"$3"} 'Description: a package of the tests' >>"$folder/DEBIAN/control"
  echo "as of $2" >"$folder/etc/$1.conf"
  echo "/etc/$1.conf" >"$folder/DEBIAN/conffiles"
  if [ -n "$postinst" ]; then
    printf '#!/bin/sh\n%s\n' "$postinst" >"$folder/DEBIAN/postinst"
    chmod 755 "$folder/DEBIAN/postinst"
  fi
  dpkg-deb -Znone --build "$folder" "$root/tmp/repository/$1_$2.deb" >/dev/null
}
# The index of all packages so far of version 2.0.
publish() {
  local file
  for file in "$root"/tmp/repository/*_2.0.deb; do
    dpkg-deb --field "$file"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$(basename "$file")" \
      "$(stat -c %s "$file")" "$(sha256sum "$file" | cut -d ' ' -f 1)"
  done >"$root/tmp/repository/Packages"
  echo 'deb [trusted=yes] file:/tmp/repository ./' >"$root/etc/apt/sources.list"
}
install_first() { chroot "$root" dpkg --install "${@/#//tmp/repository/}" >dpkg.log 2>&1 || fail "$(cat dpkg.log)"; }
version_of() { chroot "$root" dpkg-query -W -f '${Version} ${db:Status-Status}' "toehold-$1" 2>/dev/null; }

# update CODE [INPUTS]: runs UpdateOS; its log in $log
update() {
  printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n' >"$root/tmp/update.yml"
  printf '      - {name: Update, action: UpdateOS, inputs: {%s}}\n' "${2:-}" >>"$root/tmp/update.yml"
  rm -rf "$root/tmp/logs"
  local got=0
  chroot "$root" /tmp/agent/toehold-agent run --state-directory /tmp/state \
    --log-directory /tmp/logs --documents /tmp/update.yml >/dev/null 2>agent.err || got=$?
  log=$(cat "$root"/tmp/logs/TOE_*/console.log)
  [ "$got" = "$1" ] || fail "exit $got instead of $1 with '${2:-}':"$'\n'"$log$(cat agent.err)"
}

package toehold-plain 1.0
package toehold-other 1.0
package toehold-kept 1.0
package toehold-needy 1.0
package toehold-plain 2.0 'Depends: toehold-new'
package toehold-other 2.0
package toehold-kept 2.0
package toehold-needy 2.0 'Depends: toehold-kept (>= 2.0)'
package toehold-new 2.0
install_first toehold-{plain,other,kept,needy}_1.0.deb
publish
chroot "$root" apt-mark auto toehold-plain >/dev/null
echo "changed here" >"$root/etc/toehold-plain.conf"
# A preference of the machine's own does not win over what is excluded.
printf 'Package: toehold-kept\nPin: version 2.0\nPin-Priority: 1001\n' \
  >"$root/etc/apt/preferences.d/machine"
held=$(chroot "$root" apt-mark showhold)

update 0 'include: [toehold-pl*, toehold-kept], exclude: [toehold-kept]'
expect_equal "$(version_of plain)" "2.0 installed"
expect_equal "$(version_of new)" "2.0 installed"
expect_equal "$(version_of other)" "1.0 installed"
expect_equal "$(version_of kept)" "1.0 installed"
expect_equal "$(cat "$root/etc/toehold-plain.conf")" "changed here"
expect_contains "$(chroot "$root" apt-mark showauto toehold-plain toehold-new)" toehold-plain

update 0 'exclude: [toehold-kept]'
expect_equal "$(version_of other)" "2.0 installed"
expect_equal "$(version_of kept)" "1.0 installed"
expect_equal "$(version_of needy)" "1.0 installed"

update 0 'exclude: [toehold-kept]'
expect_contains "$log" "everything is up to date"
expect_equal "$(chroot "$root" apt-mark showhold)" "$held"

# Something that would replace the excluded package.
package toehold-usurper 1.0
package toehold-usurper 2.0 'Conflicts: toehold-kept'
install_first toehold-usurper_1.0.deb
publish
update 0 'exclude: [toehold-kept]'
expect_contains "$log" "what would replace an excluded package is kept back"
expect_equal "$(version_of kept)" "1.0 installed"
expect_equal "$(version_of usurper)" "1.0 installed"
rm "$root/tmp/repository/toehold-usurper_2.0.deb"
publish

# Another program has the lock of dpkg until UpdateOS says that it waits.
python3 - "$root" >lock.log <<'P' &
import fcntl, glob, os, sys, time
root = sys.argv[1]
locked = open(root + "/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(locked, fcntl.LOCK_EX)
print("locked", flush=True)
for _ in range(15000):
    logs = glob.glob(root + "/tmp/logs/TOE_*/console.log")
    if any("another program has the lock" in open(path).read() for path in logs):
        sys.exit(0)
    time.sleep(0.02)
P
holder=$!
rm -rf "$root/tmp/logs"
wait_until 10 grep -q locked lock.log
update 0
wait $holder
expect_contains "$log" "another program has the lock"
expect_equal "$(version_of kept)" "2.0 installed"
expect_equal "$(version_of needy)" "2.0 installed"

# dpkg is killed in the middle; the next run repairs what that left.
package toehold-fragile 1.0
postinst='[ -e /tmp/killed ] || { : >/tmp/killed; kill -9 $PPID; sleep 10; }'
package toehold-fragile 2.0
postinst=
install_first toehold-fragile_1.0.deb
publish
update 1
expect_contains "$log" "apt-get: exit code 100: E: Sub-process"
update 0
expect_contains "$log" "an earlier update was interrupted"
expect_equal "$(version_of fragile)" "2.0 installed"
update 0
expect_contains "$log" "everything is up to date"

# A repository that cannot be reached is no reason to say that all is well, as apt-get does.
echo 'deb [trusted=yes] http://127.0.0.1:1/ ./' >>"$root/etc/apt/sources.list"
unset http_proxy
chroot "$root" apt-get -q update >/dev/null 2>&1 || fail "apt-get update no longer ends with 0"
update 1
expect_contains "$log" "E: Failed to fetch http://127.0.0.1:1/"

# Nothing of it reached the machine itself.
if dpkg-query -W 'toehold-plain' >/dev/null 2>&1; then fail "the test changed this machine"; fi
