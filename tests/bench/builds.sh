#!/bin/bash
# Builds in the sandbox: what one costs over the agent alone, what an unchanged one and one with
# another last step take, and the same 20 steps with podman and with buildah. On a base of a few
# files, so that nothing is downloaded and the tools themselves are seen.
. "$(dirname "$0")/common.sh"
toehold=$(dirname "$agent")/toehold
[[ $(id -u) == 0 ]] || { echo "builds: needs root"; exit 0; }
[[ -x $toehold ]] || { echo "there is no $toehold" >&2; exit 2; }
command -v busybox >/dev/null || { echo "builds: there is no busybox here"; exit 0; }
export TOEHOLD_HOME=$scratch/home
cd "$scratch" || exit 2

mkdir -p root/{bin,etc,tmp,opt,proc,sys,dev,run}
cp "$(command -v bash)" "$(command -v busybox)" root/bin/
for library in $(ldd "$(command -v bash)" | grep -o '/[^ :]*' | sort -u); do
  mkdir -p "root$(dirname "$library")"
  cp -n "$library" "root$library"
done
for applet in sh cat echo ls mkdir sleep true; do ln -s busybox "root/bin/$applet"; done
echo 'root:x:0:0::/root:/bin/sh' >root/etc/passwd
tar -C root -cf base.tar .

# component STEPS LAST: a document of so many steps; what the last one writes.
component() {
  printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n'
  for ((i = 1; i < $1; ++i)); do
    printf '      - {name: S%d, action: ExecuteBash, inputs: {commands: ["echo %d > /opt/f%d"]}}\n' "$i" "$i" "$i"
  done
  printf '      - {name: Last, action: ExecuteBash, inputs: {commands: ["echo %s > /opt/last"]}}\n' "$2"
}
printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - {name: Nothing, action: ExecuteBash, inputs: {commands: ["true"]}}\n' >empty.yaml
component 20 first >steps.yaml
in_sandbox() { "$toehold" build --view none --set "target.base=$scratch/base.tar" "$@"; }
alone() { "$agent" run --documents empty.yaml --log-directory logs --state-directory state; }
empty() { in_sandbox --no-cache empty.yaml; }
on_host() { "$toehold" build --view none --no-cache empty.yaml; }
unchanged() { in_sandbox steps.yaml; }
changes=0
last_changed() {
  component 20 "change $((++changes)) $RANDOM" >steps.yaml
  in_sandbox steps.yaml
}
ms() { awk "BEGIN { print $1 * 1000 }"; }

empty 2>/dev/null
on_host 2>/dev/null
read -r a b <<<"$(in_turns empty alone)"
verdict "empty build in a sandbox, over the agent" "$(ms "($a - $b)")" ms 100
read -r a b <<<"$(in_turns on_host alone)"
verdict "the same on this machine's root" "$(ms "($a - $b)")" ms 100
unchanged 2>/dev/null
verdict "20 steps, unchanged" "$(ms "$(seconds unchanged)")" ms 500
verdict "20 steps, the last one changed" "$(ms "$(seconds last_changed)")" ms 300

# --- the same steps by others; each starts from the same base and keeps an image
storage=(--root "$scratch/containers" --runroot "$scratch/run")
limits=(--ulimit nofile=20000:20000 --ulimit nproc=9000:9000)
forget() { podman "${storage[@]}" system reset --force >/dev/null 2>&1 || true; rm -rf "$scratch"; }
fresh() { rm -rf "$TOEHOLD_HOME/cache/layers"; component 20 "fresh $RANDOM" >steps.yaml; in_sandbox steps.yaml; }
script() { for ((i = 1; i < 20; ++i)); do echo "echo $i > /opt/f$i"; done; echo "echo $1 > /opt/last"; }
with_podman() {
  podman "${storage[@]}" run --network none "${runtime[@]}" "${limits[@]}" --name bench-$$ bench-base \
    bash -ec "$(script "$RANDOM")" && podman "${storage[@]}" commit -q bench-$$ bench-image &&
    podman "${storage[@]}" rm bench-$$
}
containerfile() { echo "FROM bench-base"; script "$1" | sed 's/^/RUN /'; }
with_buildah() {
  containerfile "$RANDOM" >Containerfile
  buildah "${storage[@]}" bud -q --isolation chroot --layers "$@" -t bench-image -f Containerfile .
}
with_buildah_fresh() { with_buildah --no-cache; }

if ! command -v podman >/dev/null; then echo "builds: there is no podman here"; exit $((failures > 0)); fi
trap forget EXIT
runtime=()
podman "${storage[@]}" import -q base.tar bench-base >/dev/null 2>&1 || { echo "builds: podman does not work here"; exit $((failures > 0)); }
with_podman >/dev/null 2>&1 || { runtime=(--runtime runc); podman "${storage[@]}" rm -f bench-$$ >/dev/null 2>&1; }
if with_podman >why 2>&1; then
  read -r a b <<<"$(in_turns fresh with_podman)"
  verdict "20 steps, first build: by podman run, commit" "$(ratio "$a" "$b")" times 2
  unchanged 2>/dev/null
  read -r a b <<<"$(in_turns last_changed with_podman)"
  verdict "the last one changed: by podman run, commit" "$(ratio "$a" "$b")" times 1
else
  echo "builds: podman runs nothing here: $(tail -1 why)"
fi
if ! command -v buildah >/dev/null; then
  echo "builds: there is no buildah here (apt-get install buildah)"
elif with_buildah_fresh >why 2>&1; then
  read -r a b <<<"$(in_turns fresh with_buildah_fresh)"
  verdict "20 steps, first build: by buildah" "$(ratio "$a" "$b")" times 1
  unchanged 2>/dev/null
  read -r a b <<<"$(in_turns last_changed with_buildah)"
  verdict "the last one changed: by buildah --layers" "$(ratio "$a" "$b")" times 1
else
  echo "builds: buildah builds nothing here: $(tail -1 why)"
fi
exit $((failures > 0))
