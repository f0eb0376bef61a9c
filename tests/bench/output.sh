#!/bin/bash
# 1 GiB of a step's output against `cat` through a pipe into a file, with and without line ends.
. "$(dirname "$0")/common.sh"
size=$((1 << 30))

compare() { # NAME COMMAND
  cat >"$scratch/document.yaml" <<DOCUMENT
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Print
        action: ExecuteBash
        inputs:
          commands:
            - $2
DOCUMENT
  local ours plain print=$2
  clean() { rm -rf "$scratch/plain" "$scratch/logs" "$scratch/state"; }
  plain_pipe() { bash -c "$print | cat >'$scratch/plain'"; }
  run_print() { run_agent "$scratch/document.yaml"; }
  read -r plain ours <<<"$(in_turns plain_pipe run_print)"
  [[ $(find "$scratch/logs" -name console.log -printf %s) -ge $size ]] ||
    { echo "console.log lacks output" >&2; exit 1; }
  verdict "1 GiB $1: time of cat" "$(ratio "$ours" "$plain")" x 1.5
  verdict "1 GiB $1: memory" "$(ratio "$(cat "$scratch/rss")" 1024)" MiB 30
}

compare "in lines" "yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c $size"
compare "without a line end" "head -c $size /dev/zero"
exit $((failures > 0))
