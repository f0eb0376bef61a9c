#!/usr/bin/env bash
# The long loops over builds on EC2, whose results are in docs/reliability.md: each AWS call with each
# fault, and the controller killed. A few clouds at once, each with a share; takes about half an hour.
#
#   tests/reliability/ec2.sh [CLOUDS [FOLDER]]    the results as JSON lines, a file for each share
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
clouds=${1:-4} folder=${2:-$(mktemp -d)}
mkdir -p "$folder"

if [ -z "${TOEHOLD:-}" ]; then
  packaging/dependencies.sh tests
  packaging/static-agent.sh
  cmake --preset release -Wno-dev >/dev/null
  cmake --build --preset release --target toehold toehold-agent
  export TOEHOLD=$PWD/build/release/toehold TOEHOLD_AGENT=$PWD/build/release/toehold-agent TOEHOLD_SOURCE=$PWD
  export TOEHOLD_STATIC_AGENT=$PWD/build/static/toehold-agent
fi

# shares NAME COMMAND...: all at once, and the end of those that failed
shares() {
  local name=$1 share failed=0 children=()
  shift
  for ((share = 0; share < clouds; share++)); do
    SHARD=$share/$clouds RESULTS=$folder/$name.$share "$@" >"$folder/$name.$share.log" 2>&1 &
    children+=($!)
  done
  for share in "${!children[@]}"; do
    wait "${children[share]}" || { failed=1 && grep -A 5 '^FAILED' "$folder/$name.$share.log" || tail -n 5 "$folder/$name.$share.log"; }
  done
  return "$failed"
}
code=0
shares faults env SLOW=30 bash tests/integration/ec2_faults_test.sh || code=1
for way in ssh ssm; do
  shares "kills-$way" env WAY="$way" bash tests/integration/ec2_kill_test.sh || code=1
done
python3 tests/reliability/ec2_table.py "$folder"
exit "$code"
