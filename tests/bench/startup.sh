#!/bin/bash
# What the program costs before it does anything, and a run of one empty step.
. "$(dirname "$0")/common.sh"
cat >"$scratch/document.yaml" <<'DOCUMENT'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Nothing
        action: ExecuteBash
        inputs: {commands: ['true']}
DOCUMENT
starts() { for ((i = 0; i < 50; ++i)); do "$agent" --version >/dev/null; done; }
checks() {
  for ((i = 0; i < 50; ++i)); do "$agent" validate --documents "$scratch/document.yaml"; done
}
runs() {
  for ((i = 0; i < 10; ++i)); do
    "$agent" run --documents "$scratch/document.yaml" --log-directory "$scratch/logs" \
      --state-directory "$scratch/state"
  done
}
verdict "start" "$(awk "BEGIN { print $(seconds starts) * 1000 / 50 }")" ms 10
verdict "validate one step" "$(awk "BEGIN { print $(seconds checks) * 1000 / 50 }")" ms 30
verdict "run one step" "$(awk "BEGIN { print $(seconds runs) * 1000 / 10 }")" ms 100
exit $((failures > 0))
