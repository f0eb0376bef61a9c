# Sourced by the benches. TOEHOLD_AGENT: the program to measure; the release build unless set.
set -euo pipefail
agent=${TOEHOLD_AGENT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build/release/toehold-agent}
[[ -x $agent ]] || { echo "there is no $agent; packaging/quickstart.sh builds it" >&2; exit 2; }
scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/toehold-bench-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
rounds=${BENCH_ROUNDS:-3}

# run_agent DOCUMENT: its peak memory in KiB goes to $scratch/rss.
run_agent() {
  python3 -c '
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:], stdout=subprocess.DEVNULL)
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)' "$scratch/rss" "$agent" run --documents "$1" \
    --log-directory "$scratch/logs" --state-directory "$scratch/state"
}

# seconds COMMAND...: of wall clock, the best of $rounds: noise only ever adds.
seconds() {
  local best=999999 begin end took
  for ((round = 0; round < rounds; ++round)); do
    begin=$EPOCHREALTIME
    "$@" >"$scratch/stdout" 2>"$scratch/stderr" || { cat "$scratch/stderr" >&2; return 1; }
    end=$EPOCHREALTIME
    took=$(awk "BEGIN { print $end - $begin }")
    best=$(awk "BEGIN { print ($took < $best) ? $took : $best }")
  done
  echo "$best"
}

# in_turns A B: the seconds of two functions, run by turns as the machine's mood changes; neither
# pays for what the other left to be written.
clean() { rm -rf "$scratch/logs" "$scratch/state"; }
in_turns() {
  local a=999999 b=999999 turn took
  for ((turn = 0; turn < rounds; ++turn)); do
    clean
    sync
    took=$(rounds=1 seconds "$1")
    a=$(awk "BEGIN { print ($took < $a) ? $took : $a }")
    clean
    sync
    took=$(rounds=1 seconds "$2")
    b=$(awk "BEGIN { print ($took < $b) ? $took : $b }")
  done
  echo "$a $b"
}

# verdict NAME VALUE UNIT MOST: one line; fails when VALUE is above MOST.
failures=0
verdict() {
  local word=ok
  awk "BEGIN { exit !($2 > $4) }" && { word=MISSED; failures=$((failures + 1)); }
  awk -v n="$1" -v v="$2" -v u="$3" -v m="$4" -v w="$word" \
    'BEGIN { printf "%-44s %9.2f %-5s (goal: at most %g)  %s\n", n, v, u, m, w }'
}
ratio() { awk "BEGIN { print $1 / $2 }"; }
