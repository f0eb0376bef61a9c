# Sourced by tests of the target container: an image made here of a static busybox, names that say
# whose it is, and everything gone at the end.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
needs podman python3
[ "$(id -u)" = 0 ] || skip "podman as root only"
busybox=$(command -v busybox) || skip "no busybox here"
export TOEHOLD_HOME=$scratch/toehold
export TOEHOLD_STATIC_AGENT=$TOEHOLD_SOURCE/build/static/toehold-agent
[ -x "$TOEHOLD_STATIC_AGENT" ] || skip "no static agent here: packaging/static-agent.sh builds it"

base=localhost/toehold-test-base:$$
clean_up() {
  "$TOEHOLD" cleanup --all >/dev/null 2>&1 || true
  podman image rm --force "$base" >/dev/null 2>&1 || true
  rm -rf "$scratch" || true
}
trap clean_up EXIT
mkdir -p root/{bin,tmp,etc,var/lib/dpkg}
printf 'Package: first\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n' >root/var/lib/dpkg/status
cp "$busybox" root/bin/busybox
for name in sh echo printf cat ls grep sleep touch test rm sha256sum seq; do ln -s busybox root/bin/$name; done
printf '#!/bin/sh\n[ "$1" != -i ] || shift\nexec sh "$@"\n' >root/bin/bash
chmod 755 root/bin/bash
echo 'root:x:0:0::/:/bin/sh' >root/etc/passwd
tar -C root -c . | podman import --change 'CMD ["sh", "-c", "echo $GREETING"]' \
  --change 'ENV GREETING=hello' - "$base" >/dev/null 2>&1 || skip "podman does not work here"

build() { "$TOEHOLD" build recipe.yml --view plain "$@"; }
# What builds of this test have left in podman: the names of builds are below TOEHOLD_HOME.
left() {
  local id
  for id in $(ls "$TOEHOLD_HOME/builds" 2>/dev/null) "$@"; do
    podman ps --all --format '{{.Names}}' --filter "name=toehold-$id"
    podman images --format '{{.Repository}}:{{.Tag}}' --filter "reference=localhost/toehold-build:$id"
  done
}
