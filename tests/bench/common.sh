# Sourced by the benches. TOEHOLD_AGENT: the program to measure, an optimised build.
set -euo pipefail
agent=${TOEHOLD_AGENT:?set TOEHOLD_AGENT to an optimised toehold-agent}
scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/toehold-bench-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
rounds=${BENCH_ROUNDS:-3}

# run_agent DOCUMENT: its peak memory in KiB goes to $scratch/rss.
run_agent() {
  rm -rf "$scratch/logs" "$scratch/state"
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

# verdict NAME VALUE UNIT MOST: one line; fails when VALUE is above MOST.
failures=0
verdict() {
  local word=ok
  awk "BEGIN { exit !($2 > $4) }" && { word=MISSED; failures=$((failures + 1)); }
  awk -v n="$1" -v v="$2" -v u="$3" -v m="$4" -v w="$word" \
    'BEGIN { printf "%-44s %9.2f %-5s (goal: at most %g)  %s\n", n, v, u, m, w }'
}
ratio() { awk "BEGIN { print $1 / $2 }"; }
