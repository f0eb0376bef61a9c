#!/bin/bash
# A document of 10,000 steps is checked in a second and 100 MiB, and a step costs the same in one
# that is four times as long.
. "$(dirname "$0")/common.sh"
steps=${BENCH_STEPS:-10000}

document() { # STEPS
  printf 'schemaVersion: 1.0\nconstants:\n  - Name: {type: string, value: x}\n'
  printf 'phases:\n  - name: build\n    steps:\n'
  for ((i = 0; i < $1; ++i)); do
    printf '      - name: S%d\n        action: ExecuteBash\n        timeoutSeconds: 60\n' "$i"
    printf '        inputs:\n          commands:\n            - echo "{{ Name }}"\n'
  done
}
document "$steps" >"$scratch/document.yaml"
document $((steps / 2)) >"$scratch/short.yaml"
document $((steps * 2)) >"$scratch/long.yaml"

check() {
  python3 -c '
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:], stdout=subprocess.DEVNULL)
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)' "$scratch/rss" "$agent" validate --documents "$scratch/$1.yaml"
}
verdict "validate $steps steps" "$(seconds check document)" s 1
verdict "validate $steps steps: memory" "$(ratio "$(cat "$scratch/rss")" 1024)" MiB 100
short=$(seconds check short)
long=$(seconds check long)
verdict "a step of $((steps * 2)) to one of $((steps / 2))" "$(ratio "$long" "($short * 4)")" x 1.3
exit $((failures > 0))
