#!/usr/bin/env bash
# The sandbox of ordinary users, one with subordinate ids and one without: owners in the sandbox and
# in what comes out of it, folders of other ids removed, this machine untouched, and what is said
# before launch. The users are made here and removed afterwards.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ "$(id -u)" = 0 ] || skip "making users needs root"
needs newuidmap newgidmap useradd busybox setpriv python3
[ "$(cat /proc/sys/user/max_user_namespaces)" -gt 0 ] || skip "user namespaces are off (user.max_user_namespaces)"
for switch in /proc/sys/kernel/unprivileged_userns_clone; do
  [ ! -e "$switch" ] || [ "$(cat "$switch")" = 1 ] || skip "user namespaces are root's alone here ($switch)"
done
chmod 755 "$scratch"
python3 -c 'import os; os.setxattr(".", "user.test", b"y")' 2>/dev/null || skip "no user attributes on the file system of $scratch"

many=toehold-many$$ one=toehold-one$$
owned=/srv/toehold-test$$
remove_users() {
  rm -rf "$owned"
  for user in "$many" "$one"; do userdel -f "$user" 2>/dev/null || true; done
  rm -rf "$scratch" || true
}
trap remove_users EXIT
useradd --create-home --base-dir "$scratch" --shell /bin/sh "$many" || skip "no user can be made here"
grep -q "^$many:" /etc/subuid || usermod --add-subuids 2000000-2065535 --add-subgids 2000000-2065535 "$many"
useradd --system --create-home --base-dir "$scratch" --shell /bin/sh "$one"
install -d -o "$many" -g "$many" "$owned" || skip "/srv cannot be written to"
install -m 755 "$TOEHOLD" "$scratch/toehold"

# as USER COMMAND...: in the user's home folder, with nothing of root's.
as() {
  local user=$1
  shift
  (cd "$scratch/$user" && env -i PATH=/usr/bin:/bin:/usr/sbin HOME="$scratch/$user" \
    setpriv --reuid "$user" --regid "$user" --init-groups "$@")
}
if ! as "$many" unshare --user true 2>/dev/null; then skip "an ordinary user can make no user namespace here"; fi

# --- a small base: bash, busybox, and files of several owners
root=$scratch/root
mkdir -p "$root"/{bin,etc,tmp,opt,dev,var/private}
cp "$(command -v bash)" "$(command -v busybox)" "$(command -v setpriv)" "$root/bin/"
for library in $(ldd "$(command -v bash)" "$(command -v setpriv)" | grep -o '/[^ :]*' | sort -u); do
  mkdir -p "$root$(dirname "$library")"
  cp -n "$library" "$root$library"
done
for applet in sh cat chown chmod echo id ls mkdir rm stat test sleep grep wc; do ln -s busybox "$root/bin/$applet"; done
printf 'root:x:0:0::/root:/bin/sh\nweb:x:33:42::/:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nweb:x:42:\n' >"$root/etc/group"
echo secret >"$root/var/private/file"
echo 4f4f >"$root/etc/machine-id"
echo builder >"$root/etc/hostname"
chown -R 33:42 "$root/var/private"
chmod 700 "$root/var/private"
chmod 600 "$root/var/private/file"
chmod 1777 "$root/tmp"
mknod "$root/dev/null" c 1 3
tar -C "$root" --numeric-owner -czf "$scratch/base.tar.gz" .
chmod 644 "$scratch/base.tar.gz"
for user in "$many" "$one"; do
  cat >"$scratch/$user/owners.yaml" <<'YAML'
name: owners
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Owners
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - test "$(id -u)" = 0 -a "$(stat -c %u:%g /etc/passwd)" = 0:0
            - test "$(stat -c %u:%g /var/private/file)" = 33:42
            - mkdir /opt/inner && chmod 700 /opt/inner
            - echo mine > /opt/inner/file
            - chown -R 12:34 /opt/inner
            - setpriv --reuid 33 --regid 42 --clear-groups sh -c 'echo theirs > /tmp/theirs'
            - test "$(stat -c %u:%g /tmp/theirs)" = 33:42
            - chmod 4755 /opt/inner/file
            - rm /etc/group
      - name: Walls
        action: ExecuteBash
        inputs:
          commands:
            - '! busybox mount -t tmpfs none /opt 2>/dev/null'
            - '! busybox hostname other 2>/dev/null'
            - '! sh -c "echo 0 > /proc/sys/kernel/panic" 2>/dev/null'
            - 'test "$(busybox ps | wc -l)" -lt 12'
  - name: test
    steps:
      - name: Again
        action: ExecuteBash
        inputs: {commands: ['test "$(stat -c %u:%g /opt/inner)" = 12:34 && rm -r /opt/inner', 'test ! -e /etc/hostname -a ! -s /etc/machine-id']}
YAML
done
toehold() { as "$many" "$scratch/toehold" "$@"; }
build() { toehold build --view plain --set "target.base=$scratch/base.tar.gz" "$@"; }
state=$scratch/$many/.local/state/toehold
here() { find /etc /usr/local /opt /usr/bin /srv -xdev -path "$owned" -prune -o -printf '%p %s %T@ %m %u\n' 2>/dev/null | sha256sum; }
leftovers() { grep -c "$scratch" /proc/mounts || true; pgrep -u "$many" -l || true; }
before=$(here)

expect_exit 0 build owners.yaml --output rootfs=rootfs.tar.gz --output changes=changes.tar.gz
expect_lacks "$err" "warning"
listing=$(tar -tvzf "$many/changes.tar.gz" --numeric-owner)
expect_contains "$listing" "drwx------ 12/34"
expect_contains "$listing" "-rwsr-xr-x 12/34"
expect_contains "$listing" "33/42"
expect_contains "$listing" "etc/.wh.group"
listing=$(tar -tvzf "$many/rootfs.tar.gz" --numeric-owner)
expect_contains "$(grep private/file <<<"$listing")" "-rw------- 33/42"
expect_contains "$(grep etc/passwd <<<"$listing")" "0/0"
expect_lacks "$listing" "etc/group"
expect_equal "$(tar -xzOf "$many/rootfs.tar.gz" opt/inner/file)" mine
expect_equal "$(stat -c %U "$many/rootfs.tar.gz" "$state" | sort -u)" "$many"
expect_equal "$(here)" "$before"
expect_equal "$(leftovers)" 0
# What belongs to one machine is not in the image, unless it is wanted there.
expect_contains "$err" "removed  /etc/hostname"
expect_contains "$(grep etc/machine-id <<<"$listing")" " 0 "
expect_lacks "$listing" "etc/hostname"
expect_exit 0 build owners.yaml --set target.cleanup=never --no-test --output rootfs=dirty.tar.gz
expect_equal "$(tar -xzOf "$many/dirty.tar.gz" etc/machine-id)" 4f4f
expect_exit 0 build owners.yaml
expect_equal "$(grep -c cached <<<"$err")" 3

# --- a failure that is kept, a shell in it, and all of it removed
cat >"$many/broken.yaml" <<'YAML'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Breaks
        action: ExecuteBash
        inputs: {commands: ['mkdir -p /opt/a/b && echo x > /opt/a/b/c && chown -R 7:7 /opt/a && chmod -R 700 /opt/a && false']}
YAML
expect_exit 1 build broken.yaml --on-failure=keep
id=$(sed -n 's/.*toehold shell \([^ ]*\).*/\1/p' <<<"$err")
expect_exit 0 toehold shell "$id" stat -c %u:%g /opt/a/b/c
expect_equal "$out" 7:7
expect_exit 0 toehold cleanup "$id"
expect_exit 0 toehold cleanup
expect_equal "$(ls "$state/builds")" ""

# --- the controller dies
cat >"$many/long.yaml" <<'YAML'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Long
        action: ExecuteBash
        inputs: {commands: ['mkdir /opt/d && chown 9:9 /opt/d && chmod 700 /opt/d', 'echo begun', 'sleep 1000']}
YAML
build long.yaml >long.out 2>&1 &
wait_until 20 grep -q begun long.out
kill -9 "$(pgrep -u "$many" -f 'toehold build' | head -1)"
wait $! 2>/dev/null || true
wait_until 5 sh -c "! pgrep -u $many >/dev/null"
expect_equal "$(leftovers)" 0
expect_exit 0 toehold cleanup
expect_equal "$(ls "$state/builds")" ""

# --- the network is this machine's, unless it is not wanted
cat >"$many/net.yaml" <<'YAML'
schemaVersion: 1.0
parameters: [{Least: {type: string, default: '1'}}]
phases:
  - name: build
    steps:
      - name: Count
        action: ExecuteBash
        inputs: {commands: ['test "$(grep -c : /proc/net/dev)" = 1']}
YAML
expect_exit 0 build net.yaml --offline
if [ "$(grep -c : /proc/net/dev)" -gt 1 ]; then expect_exit 1 build net.yaml; fi

# --- this machine's own root, the default: read as the user may, written only in the sandbox
cat >"$many/host.yaml" <<'YAML'
name: host
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Change
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - test "$(stat -c %u:%g /usr /etc /etc/passwd | sort -u)" = 0:0
            - test ! -e /etc/shadow -a -z "$(find /root /var/tmp -mindepth 1; find /tmp -name toehold -type f)"
            - echo tool > /usr/local/bin/toehold-tool && chmod 755 /usr/local/bin/toehold-tool
            - echo 127.0.0.1 toehold-name >> /etc/hosts
            - rm /usr/bin/env
            - cp --preserve=mode /usr/bin/wc /usr/bin/wc.new && mv /usr/bin/wc.new /usr/bin/wc
            - mkdir /toehold-new && echo new > /toehold-new/file && chown -R 12:34 /toehold-new
            - chmod 700 /srv
      - name: Nothing
        action: ExecuteBash
        inputs: {commands: ['true']}
      - name: Again
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - test "$(cat /usr/local/bin/toehold-tool)" = tool -a ! -e /usr/bin/env
            - test "$(stat -c %u:%g:%a /toehold-new/file /srv | tr '\n' ' ')" = '12:34:644 0:0:700 '
            - echo more >> /usr/local/bin/toehold-tool
  - name: test
    steps:
      - name: InImage
        action: ExecuteBash
        inputs: {commands: ['test "$(cat /usr/local/bin/toehold-tool | tr "\n" " ")" = "tool more "']}
YAML
expect_exit 0 toehold build --view plain host.yaml --output changes=host.tar
expect_contains "$err" "not be changed in place"
expect_equal "$(tar -tvf "$many/host.tar" --numeric-owner | awk '{print $1, $2, $6}' | grep -v ' etc/')" \
"drwx------ 0/0 srv/
drwxr-xr-x 12/34 toehold-new/
-rw-r--r-- 12/34 toehold-new/file
drwxr-xr-x 0/0 usr/
drwxr-xr-x 0/0 usr/bin/
-rw------- 0/0 usr/bin/.wh.env
-rwxr-xr-x 0/0 usr/bin/wc
drwxr-xr-x 0/0 usr/local/
drwxr-xr-x 0/0 usr/local/bin/
-rwxr-xr-x 0/0 usr/local/bin/toehold-tool"
python3 - "$state"/images/*/manifest.json <<'P' || fail "the manifest is wrong"
import json, sys
for path in sys.argv[1:]:
    m = json.load(open(path))
    if m["name"] != "host":
        continue
    seen = {s["name"]: {f["path"]: f["change"] for f in s["files"]} for s in m["steps"]}
    # The same file under its old name is no change.
    assert seen["Change"] == {"/etc/hosts": "changed", "/srv": "changed", "/toehold-new": "added", "/usr/bin/env": "removed",
        "/toehold-new/file": "added", "/usr/local/bin/toehold-tool": "added"}, seen
    assert seen["Nothing"] == {} and seen["Again"] == {"/usr/local/bin/toehold-tool": "changed"}, seen
    break
else:
    sys.exit("no image")
P
# Other programs may change /etc, and with it the base.
all_cached() { toehold build host.yaml >again.out 2>&1; test "$(grep -c cached again.out)" = 4; }
wait_until 20 all_cached

# What has something mounted below it is taken in pieces, and what is mounted there is left out.
mounted() {
  unshare --mount sh -c 'mount -t tmpfs none /usr/share/doc && mount -t tmpfs none /var/lib/dpkg && mkdir /var/lib/dpkg/x && cd "$2" && exec env -i PATH="$PATH" HOME="$2" \
    setpriv --reuid "$3" --regid "$3" --init-groups "$1/toehold" build --view plain pieces.yaml --output changes=pieces.tar' sh "$scratch" "$scratch/$many" "$many"
}
cat >"$many/pieces.yaml" <<'YAML'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Pieces
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - test -z "$(find /usr/share/doc /var/lib/dpkg -mindepth 1)" -a -x /usr/bin/wc -a -d /usr/share/perl5 -a -e /var/run -a -d /var/lib/apt
            - echo doc > /usr/share/doc/toehold && echo lib > /usr/lib/toehold && rm /usr/share/perl5/Debconf/Db.pm
            - echo state > /var/lib/apt/toehold
YAML
expect_exit 0 mounted
expect_equal "$(tar -tf "$many/pieces.tar" | grep -v '/$' | tr '\n' ' ')" \
  "usr/lib/toehold usr/share/doc/toehold usr/share/perl5/Debconf/.wh.Db.pm var/lib/apt/toehold "

# The user's own files are safe, too; here the state is below one of the folders that are the base.
as "$many" sh -c "echo mine >$owned/file && mkdir $owned/state $owned/folder"
cat >"$many/own.yaml" <<YAML
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Own
        action: ExecuteBash
        inputs: {commands: ['set -e; echo yours > $owned/file; rmdir $owned/folder; test -z "\$(ls $owned/state)"; echo new > $owned/new']}
YAML
expect_exit 0 as "$many" env TOEHOLD_HOME="$owned/state" "$scratch/toehold" build own.yaml --output changes=own.tar
expect_equal "$(tar -tf "$many/own.tar" | grep "toehold-test$$/." | sed 's|.*/\(.\)|\1|' | tr '\n' ' ')" "file .wh.folder new "
expect_equal "$(cat "$owned/file") $(ls -d "$owned/"* | sed 's|.*/||' | tr '\n' ' ')" "mine file folder state "

cat >"$many/breaks.yaml" <<'YAML'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Breaks
        action: ExecuteBash
        inputs: {commands: ['mkdir /opt/a && echo x > /opt/a/b && chown -R 7:7 /opt/a && false']}
YAML
expect_exit 1 toehold build --view plain breaks.yaml --on-failure=keep
id=$(sed -n 's/.*toehold shell \([^ ]*\).*/\1/p' <<<"$err")
expect_exit 0 toehold shell "$id" stat -c %u:%g /opt/a/b
expect_equal "$out" 7:7
expect_exit 0 toehold cleanup "$id"
expect_exit 0 toehold cleanup
expect_equal "$(ls "$state/builds")" ""
expect_equal "$(ls -d /toehold-new /opt/a /usr/lib/toehold 2>/dev/null)" ""
expect_equal "$(here)" "$before"
expect_equal "$(leftovers)" 0

# --- what cannot be is said before anything is launched
toehold() { as "$one" "$scratch/toehold" "$@"; }
expect_exit 1 build owners.yaml
expect_contains "$err" "root is the only user"
expect_contains "$err" "usermod --add-subuids 100000-165535 $one"
sed -i '/chown\|33:42\|setpriv\|12:34/d' "$one/owners.yaml"
sed -i '/name: test/,$d' "$one/owners.yaml"
expect_exit 0 build owners.yaml --output changes=changes.tar.gz
expect_contains "$(tar -tvzf "$one/changes.tar.gz" --numeric-owner)" "-rwsr-xr-x 0/0"
printf '%s\n' 'schemaVersion: 1.0' 'phases: [{name: build, steps: [{name: Own, action: ExecuteBash, inputs: {commands: ["set -e; echo own >/usr/local/bin/own; echo more >>/etc/hosts; rm /usr/bin/env"]}}]}]' >"$one/host.yaml"
expect_exit 0 toehold build --view plain host.yaml --output changes=host.tar
expect_equal "$(tar -tvf "$one/host.tar" --numeric-owner | awk '{print $2, $6}' | grep -v '/$' | tr '\n' ' ')" "0/0 etc/hosts 0/0 usr/bin/.wh.env 0/0 usr/local/bin/own "
expect_exit 1 toehold build --view plain owners.yaml --set target.base=mmdebstrap:bookworm
expect_contains "$err" "cannot be made"
# Nobody in a changed root may make a user namespace: this is how a refusal looks.
mkdir "$scratch/refused"
refused() {
  unshare --mount sh -c 'mount --rbind / "$1/refused" && cd / && exec chroot --userspec="$2:$2" "$1/refused" \
    env HOME="$1/$2" "$1/toehold" build "$1/$2/owners.yaml" --set "target.base=$1/base.tar.gz"' sh "$scratch" "$one"
}
expect_exit 1 refused
expect_contains "$err" "an ordinary user cannot make a user namespace here"

# --- nothing stays, be it of a sandbox or of another target
toehold() { as "$many" "$scratch/toehold" "$@"; }
expect_exit 1 build broken.yaml
as "$many" sh -c 'cd .local/state/toehold/builds && cp -r broken-* other && sed -i "s/\"id\": \"broken[^\"]*/\"id\": \"other/; s/\"sandbox\"/\"container\"/" other/build.json && : >other/inventory.jsonl'
expect_exit 0 toehold cleanup
expect_contains "$out" "build other is gone"
expect_contains "$out" "build broken"
expect_equal "$(ls "$state/builds")" ""
expect_exit 0 toehold cache prune --all --bases
expect_equal "$(find "$state" ! -user "$many" | wc -l)" 0
expect_equal "$(find "$state/cache" -type d -name 'fs*' | wc -l)" 0
expect_equal "$(here)" "$before"
expect_equal "$(leftovers)" 0
