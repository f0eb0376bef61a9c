#!/usr/bin/env bash
# The everyday build: packages are installed with apt, a validate phase proves them, and a test
# phase uses them in an instance of the image; on a Debian of mmdebstrap and on this machine's own
# root, as root and as an ordinary user. And the recipes of samples/ that need a mirror.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ "$(id -u)" = 0 ] || skip "the sandbox of root needs root"
unshare -m true 2>/dev/null || skip "no mount namespaces here"
needs mmdebstrap apt-get
needs_mirror
export TOEHOLD_HOME=$scratch/home

cat >hello.yaml <<'YAML'
name: hello
description: A program and a service user, from packages.
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Update
        action: UpdateOS
      - name: Install
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - export DEBIAN_FRONTEND=noninteractive
            - apt-get update -q
            - apt-get install -y -q --no-install-recommends hello adduser
            - adduser --system --group --home /var/lib/greeter greeter
  - name: validate
    steps:
      - name: IsInstalled
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - test "$(dpkg-query -W -f '${db:Status-Status}' hello)" = installed
            - test "$(stat -c %U:%G /var/lib/greeter)" = greeter:greeter
            - hello --version | head -1
      - name: IsThere
        action: Assert
        inputs: {binaryExists: hello}
  - name: test
    steps:
      - name: Greets
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - test "$(hello)" = "Hello, world!"
            - test "$(su -s /bin/sh -c 'id -un' greeter)" = greeter
            - test -z "$(dpkg --audit)"
YAML
had_hello=$(command -v hello || true)
here() { find /etc /usr/bin /usr/local /var/lib/dpkg/info /opt -xdev -printf '%p %s %T@ %m\n' 2>/dev/null | sort; }
here >before
untouched() { here >now && diff before now >differs || fail "this machine was touched: $(head -5 differs)"; }

# --- on a Debian of its own
expect_exit 0 "$TOEHOLD" build --view plain --set target.base=mmdebstrap:bookworm hello.yaml --output "changes=$scratch/changes.tar.gz"
expect_contains "$err" "Greets"
[[ "$(tar -tzf changes.tar.gz)" == *usr/bin/hello* ]] || fail "hello is not in the image"
expect_equal "$(tar -xzOf changes.tar.gz var/lib/dpkg/status | grep -A1 '^Package: hello$' | tail -1)" "Status: install ok installed"
image=$(sed -n 's/^image *\([0-9a-f]*\).*/\1/p' <<<"$err")
python3 - home/images/"$image"/manifest.json <<'P'
import json, sys
manifest = json.load(open(sys.argv[1]))
after, before = ({p["name"] for p in manifest[side]["packages"]} for side in ("packagesAfter", "packagesBefore"))
assert "hello" in after - before, (after, before)
P

# --- on this machine's root, where updates of everything would take long
sed '/name: Update/,+1d' hello.yaml >host.yaml
expect_exit 0 "$TOEHOLD" build --view plain host.yaml
expect_equal "$(command -v hello || true)" "$had_hello"
untouched
expect_exit 0 "$TOEHOLD" build --view plain host.yaml
expect_equal "$(grep -c ' cached$' <<<"$err")" 4

# --- the recipes of the samples that start from a Debian
cp -r "$TOEHOLD_SOURCE/samples/recipes" recipes
expect_exit 0 "$TOEHOLD" build --view plain recipes/debian-tools.yaml
expect_contains "$err" "oci-archive"
expect_exit 0 "$TOEHOLD" build --view plain recipes/every-suite.yaml
expect_contains "$err" "tools-trixie"
expect_exit 0 "$TOEHOLD" images
for image in debian-tools tools-bookworm tools-trixie hello; do expect_contains "$out" "$image"; done
expect_equal "$(grep -c "$scratch" /proc/mounts || true)" 0
untouched

# --- the same by an ordinary user, who becomes several in there
command -v newuidmap >/dev/null || { echo "no newuidmap here: the part of ordinary users is left out"; exit 0; }
user=toehold-apt$$
remove_user() { userdel -f "$user" 2>/dev/null || true; rm -rf "$scratch" || true; }
trap remove_user EXIT
chmod 755 "$scratch"
useradd --create-home --base-dir "$scratch" "$user"
grep -q "^$user:" /etc/subuid || usermod --add-subuids 2000000-2065535 --add-subgids 2000000-2065535 "$user"
install -m 755 "$TOEHOLD" toehold
cp hello.yaml "$user/"
as_user() {
  (cd "$user" && env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME="$scratch/$user" \
    setpriv --reuid "$user" --regid "$user" --init-groups "$@")
}
as_user unshare --user true 2>/dev/null || { echo "ordinary users can make no user namespace here: their part is left out"; exit 0; }
expect_exit 0 as_user "$scratch/toehold" build --view plain --set target.base=mmdebstrap:bookworm hello.yaml --output changes=changes.tar.gz
expect_contains "$err" "Greets"
expect_contains "$(tar -tvzf "$user/changes.tar.gz" --numeric-owner ./var/lib/greeter/ var/lib/greeter/ 2>/dev/null)" "100/"
expect_exit 0 as_user "$scratch/toehold" cleanup
expect_exit 0 as_user "$scratch/toehold" cache prune --all --bases
expect_equal "$(find "$user/.local" ! -user "$user" | wc -l)" 0
