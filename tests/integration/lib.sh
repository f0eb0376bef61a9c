# Sourced by every integration test: a scratch folder that goes away, assertions that say what they
# saw, and skips that say why. Tests call $TOEHOLD and $TOEHOLD_AGENT, the real programs.
set -euo pipefail
: "${TOEHOLD:?}" "${TOEHOLD_AGENT:?}" "${TOEHOLD_SOURCE:?}"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/toehold-test.XXXXXX")
trap 'rm -rf "$scratch" || true' EXIT
cd "$scratch"

fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "skipped: $*"; exit 77; }
needs() { for program in "$@"; do command -v "$program" >/dev/null || skip "no $program here"; done; }

# thrice COMMAND...: what asks a mirror, of which one refusal says nothing; a timeout does.
thrice() {
  local code try
  for try in 1 2 3; do
    code=0
    "$@" || code=$?
    case $code:$try in 0:* | 124:* | *:3) return "$code" ;; esac
    sleep 3
  done
}
# Skips where apt reaches no mirror; leaves the machine's own lists alone.
needs_mirror() {
  mkdir -p lists/partial
  thrice timeout 60 apt-get update -qq -o Dir::State::Lists="$scratch/lists" -o Dir::Cache::pkgcache= \
    -o Dir::Cache::srcpkgcache= -o APT::Update::Error-Mode=any >update.out 2>&1 ||
    skip "no package mirror is reached: $(tail -1 update.out)"
  rm -rf lists
}

# expect_exit CODE COMMAND...: stdout in $out, stderr in $err
expect_exit() {
  local want=$1 got=0
  shift
  "$@" >"$scratch/.out" 2>"$scratch/.err" </dev/null || got=$?
  out=$(cat "$scratch/.out") err=$(cat "$scratch/.err")
  [ "$got" = "$want" ] || fail "exit $got instead of $want: $*"$'\n'"${out:0:4000}"$'\n'"${err:0:4000}"
}
expect_contains() { [[ "$1" == *"$2"* ]] || fail "'$2' is not in:"$'\n'"${1:0:4000}"; }
expect_lacks() { [[ "$1" != *"$2"* ]] || fail "'$2' is in:"$'\n'"${1:0:4000}"; }
expect_equal() { [ "$1" = "$2" ] || fail "'$1' instead of '$2'"; }
# A busy machine takes longer than one thinks, and the sanitizers longer still; what fails waits for it.
patience=2
[ "${TOEHOLD_BUILD:-}" != sanitize ] || patience=4
# wait_until SECONDS COMMAND...: polls; for things another process does in its own time.
wait_until() {
  local deadline=$((SECONDS + $1 * patience))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || fail "not within the time: $*"
    sleep 0.02
  done
}
# The programs of ours that run with this test's TOEHOLD_HOME, a line each.
at_work() {
  local file
  for file in $(grep -lsaF "TOEHOLD_HOME=$TOEHOLD_HOME" /proc/[0-9]*/environ); do
    readlink "${file%/environ}/exe" | grep -F toehold || true
  done
}
is_idle() { [ -z "$(at_work)" ]; }
# The only log folder below a folder.
log_folder() { echo "$1"/TOE_*; }
agent_run() { "$TOEHOLD_AGENT" run --state-directory "$scratch/state" --log-directory "$scratch/logs" "$@"; }
