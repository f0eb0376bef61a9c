#!/bin/bash
# A document of 10,000 steps is checked in a second and 100 MiB.
. "$(dirname "$0")/common.sh"
steps=${BENCH_STEPS:-10000}

{
  printf 'schemaVersion: 1.0\nconstants:\n  - Name: {type: string, value: x}\n'
  printf 'phases:\n  - name: build\n    steps:\n'
  for ((i = 0; i < steps; ++i)); do
    printf '      - name: S%d\n        action: ExecuteBash\n        timeoutSeconds: 60\n' "$i"
    printf '        inputs:\n          commands:\n            - echo "{{ Name }}"\n'
  done
} >"$scratch/document.yaml"

check() {
  python3 -c '
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:], stdout=subprocess.DEVNULL)
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)' "$scratch/rss" "$agent" validate --documents "$scratch/document.yaml"
}
verdict "validate $steps steps" "$(seconds check)" s 1
verdict "validate $steps steps: memory" "$(ratio "$(cat "$scratch/rss")" 1024)" MiB 100
exit $((failures > 0))
