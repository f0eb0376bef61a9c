# The static agent for aarch64 does in an emulator what the other does: with file actions alone in an
# empty root, and with a shell of its own machine.
. "$(dirname "$0")/static_agents.sh"
agent=$TOEHOLD_SOURCE/build/static-aarch64/toehold-agent
[ "$(uname -m)" = x86_64 ] || skip "built and tried on x86_64 only"
[ -x "$agent" ] || skip "no agent for aarch64 here: packaging/static-agent.sh aarch64 builds it"
needs qemu-aarch64-static
emulator=$(command -v qemu-aarch64-static)
expect_contains "$(readelf -h "$agent")" AArch64

kept=$TOEHOLD_SOURCE/build/test-roots/busybox-arm64
if [ ! -x "$kept" ] && [ "$(id -u)" = 0 ]; then
  needs mmdebstrap
  mmdebstrap --quiet --variant=extract --arch=arm64 --include=busybox-static bookworm arm64 2>mm.err ||
    skip "no busybox for aarch64 can be had: $(tail -1 mm.err)"
  mkdir -p "$(dirname "$kept")"
  cp arm64/bin/busybox "$kept.new" && mv "$kept.new" "$kept"
fi
[ ! -x "$kept" ] || busybox=$kept
check_agent aarch64
