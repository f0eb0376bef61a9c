#!/bin/bash
# 1,000 steps that do nothing against a bash loop that starts as many shells and makes one durable
# write a turn.
. "$(dirname "$0")/common.sh"
steps=${BENCH_STEPS:-1000}

{
  printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n'
  for ((i = 0; i < steps; ++i)); do
    printf '      - name: S%d\n        action: ExecuteBash\n' "$i"
    printf "        inputs: {commands: ['true']}\n"
  done
} >"$scratch/document.yaml"

# One long-lived writer, so that the loop pays for fdatasync and not for another process.
cat >"$scratch/loop.py" <<'LOOP'
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for line in sys.stdin:
    os.write(fd, line.encode()); os.fdatasync(fd); print(flush=True)
LOOP
plain_loop() {
  coproc WRITER { exec python3 "$scratch/loop.py" "$scratch/journal"; }
  local to=${WRITER[1]} from=${WRITER[0]}
  for ((i = 0; i < steps; ++i)); do
    bash -c true
    echo "step $i is done" >&"$to"
    read -r _ <&"$from"
  done
  exec {to}>&-
  wait
}

run_steps() { run_agent "$scratch/document.yaml"; }
read -r plain ours <<<"$(in_turns plain_loop run_steps)"
verdict "$steps steps: time of a bash loop" "$(ratio "$ours" "$plain")" x 1.5
verdict "$steps steps: each" "$(awk "BEGIN { print $ours * 1000 / $steps }")" ms 1000
verdict "$steps steps: memory" "$(ratio "$(cat "$scratch/rss")" 1024)" MiB 30
exit $((failures > 0))
