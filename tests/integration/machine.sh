# Sourced by tests of the target qemu: a home of their own, whose bases are kept between tests, as
# one takes two minutes to make, and no machine left at the end.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
needs qemu-system-x86_64 qemu-img mmdebstrap grub-mkimage ssh-keygen ssh python3
[ "$(uname -m)" = x86_64 ] || skip "the target qemu is for x86_64"
[ "$(id -u)" = 0 ] || skip "the machines' bases are made as root here"
export TOEHOLD_STATIC_AGENT=$TOEHOLD_SOURCE/build/static/toehold-agent
[ -x "$TOEHOLD_STATIC_AGENT" ] || skip "no static agent here: packaging/static-agent.sh builds it"
export TOEHOLD_HOME=$scratch/home
mkdir -p -m 700 "$TOEHOLD_HOME/cache" "$TOEHOLD_SOURCE/build/machine-bases"
ln -s "$TOEHOLD_SOURCE/build/machine-bases" "$TOEHOLD_HOME/cache/bases"
if ! ls "$TOEHOLD_HOME"/cache/bases/machine-bookworm-*/ready >/dev/null 2>&1; then
  needs_mirror
fi
# The newest: an older toehold may have made others.
base_disk() { ls -t "$TOEHOLD_HOME"/cache/bases/machine-bookworm-*/fs/disk.qcow2 2>/dev/null | head -1; }

# Process ids of the machines of this test.
machines() {
  local id
  for id in $(pgrep -x qemu-system-x86); do
    if { tr '\0' '\n' <"/proc/$id/environ" | grep -q "^TOEHOLD_MACHINE=$scratch/"; } 2>/dev/null; then
      echo "$id"
    fi
  done
}
has_machine() { [ -n "$(machines)" ]; }
clean_up() {
  "$TOEHOLD" cleanup --all >/dev/null 2>&1 || true
  local left
  for left in $(machines); do kill -9 "$left" 2>/dev/null || true; done
  rm -rf "$scratch" || true
}
trap clean_up EXIT
# Makes the base of mmdebstrap, if no test has done so before.
make_base() {
  [ ! -e "$(base_disk)" ] || return 0
  printf 'name: nothing\nschemaVersion: 1.0\nphases: [{name: build, steps: [{name: No, action: ExecuteBash, inputs: {commands: ["true"]}}]}]\n' >nothing.yml
  printf 'name: nothing\ncomponents: [nothing.yml]\ntarget: {type: qemu, base: "mmdebstrap:bookworm", accelerator: tcg}\n' >make-base.yml
  "$TOEHOLD" build make-base.yml --view plain >make-base.log 2>&1 &
  local maker=$!
  wait_until 900 grep -q 'booting a machine' make-base.log
  kill -INT "$maker"
  wait "$maker" || true
}
# What emulates least boots soonest: four seconds of five with the usual CPU.
emulated=(--set target.accelerator=tcg --set target.cpu=qemu64)
build() { "$TOEHOLD" build recipe.yml --view plain "${emulated[@]}" "$@"; }
# The same beside us, with its output in LOG and its process id in $controller.
start_build() {
  local log=$1
  shift
  "$TOEHOLD" build recipe.yml --view plain "${emulated[@]}" "$@" >"$log" 2>&1 </dev/null &
  controller=$!
}
the_build() { ls "$TOEHOLD_HOME/builds"; }
# guest machine|machine-test COMMAND...: in the machine of the only build, beside toehold.
guest() {
  local folder
  folder=$(echo "$TOEHOLD_HOME"/builds/*/"${1:?}")
  shift
  ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes \
    -o ConnectTimeout=20 -o ServerAliveInterval=5 -i "$folder/identity" \
    -o UserKnownHostsFile="$folder/known_hosts" -p "$(cat "$folder/port")" root@127.0.0.1 "$@" </dev/null
}
