# Published component documents run to their end, unmodified, each in a fresh root file system of
# its own with no network. tests/data/corpus-run.tsv says which, and which programs are stubs.
. "$(dirname "$0")/lib.sh"
corpus=$TOEHOLD_SOURCE/../shared/corpus/documents
table=$TOEHOLD_SOURCE/tests/data/corpus-run.tsv
stubs=$TOEHOLD_SOURCE/tests/support/stubs
[ -d "$corpus" ] || skip "no corpus of documents at ../shared/corpus"
[ "$(id -u)" = 0 ] || skip "only root can change its root folder"
needs unshare chroot ldd
unshare --mount --net --pid --fork true 2>/dev/null || skip "no leave to make namespaces"

suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
base=${XDG_CACHE_HOME:-$HOME/.cache}/toehold-tests/$suite-minbase
if [ ! -d "$base" ]; then
  needs mmdebstrap
  rm -rf "$base.part"
  mkdir -p "${base%/*}"
  mmdebstrap --quiet --variant=minbase "$suite" "$base.part" >mmdebstrap.log 2>&1 ||
    skip "mmdebstrap made no root file system: $(tail -n 1 mmdebstrap.log)"
  mv "$base.part" "$base"
fi

# The program and its libraries; the chroot's own may be of another age.
mkdir program
cp "$TOEHOLD_AGENT" program/toehold-agent
ldd "$TOEHOLD_AGENT" | grep -o '/[^ ]*' | xargs -I{} cp -L {} program/
loader=$(basename "$(ldd "$TOEHOLD_AGENT" | grep -o '/[^ ]*/ld-linux[^ ]*')")

# run_in_chroot ROOT PREPARE ARGUMENTS...: in namespaces of its own, which take the mounts
# and every process that a step left behind with them.
run_in_chroot() {
  local root=$1 prepare=$2
  shift 2
  unshare --mount --propagation private --net --pid --fork --kill-child bash -c '
    set -e
    root=$1 base=$2 prepare=$3 loader=$4
    shift 4
    if ! mount -t overlay overlay "$root/root" 2>/dev/null \
      -o "lowerdir=$base,upperdir=$root/upper,workdir=$root/work" && [ ! -d "$root/root/etc" ]; then
      cp -a "$base/." "$root/root"
    fi
    cp -a "$root/../program" "$root/stubs" "$root/document.yml" "$root/root/opt/"
    mount -t proc proc "$root/root/proc"
    export HOME=/root PATH=/opt/stubs:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    cd /
    chroot "$root/root" bash -euc "cd /root; $prepare"
    exec chroot "$root/root" bash -c "cd /root && exec /opt/program/$loader \
      --library-path /opt/program /opt/program/toehold-agent run --view plain \
      --state-directory /opt/state --log-directory /opt/logs --documents /opt/document.yml \
      \"\$@\"" - "$@"
  ' - "$root" "$base" "$prepare" "$loader" "$@"
}

run_document() {
  local name=$1 parameters=$2 programs=$3 prepare=$4 root=$scratch/root program arguments=()
  rm -rf "$root"
  mkdir -p "$root"/{root,upper,work,stubs}
  cp "$corpus/$name" "$root/document.yml"
  for program in $programs; do
    [ "$program" != - ] || continue
    local stub=$stubs/$program
    [ -e "$stub" ] || stub=$stubs/quiet
    cp "$stub" "$root/stubs/$program"
  done
  [ "$prepare" != - ] || prepare=:
  [ "$parameters" = - ] || arguments=(--parameters "$parameters")
  # 194 asks for a reboot, which files survive and processes do not.
  local code=194 starts=0
  while [ "$code" = 194 ] && [ "$starts" -lt 3 ]; do
    code=0
    run_in_chroot "$root" "$prepare" "${arguments[@]}" >out 2>err </dev/null || code=$?
    prepare=: starts=$((starts + 1))
  done
  [ "$code" = 0 ] || fail "exit $code of $name:"$'\n'"$(cat out err)"
  expect_contains "$(cat out)" '"failedStepCount": 0'
}

count=0
while IFS=$'\t' read -r name parameters programs prepare _; do
  case "$name" in '#'*) continue ;; esac
  [ -z "${ONLY:-}" ] || [[ "$name" == *$ONLY* ]] || continue
  [ -e "$corpus/$name" ] || fail "$table names $name, which is not in the corpus"
  echo "$name"
  run_document "$name" "$parameters" "$programs" "$prepare"
  count=$((count + 1))
done <"$table"
[ -n "${ONLY:-}" ] || [ "$count" -ge 25 ] || fail "only $count documents"
echo "$count documents ran to their end"
