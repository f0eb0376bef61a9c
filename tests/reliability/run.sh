#!/usr/bin/env bash
# The long loops, whose results are in docs/reliability.md: 300 kills of the agent at random moments,
# and 50 power cuts of a virtual machine. Takes about a minute, and an hour on an emulated machine.
#
#   tests/reliability/run.sh [KILLS [CUTS]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
kills=${1:-300} cuts=${2:-50}

packaging/dependencies.sh tests
packaging/static-agent.sh
agent=$PWD/build/static/toehold-agent
python3 tests/reliability/kill_agent.py --agent "$agent" --times "$kills"
[ "$cuts" != 0 ] || exit 0

cmake --preset release -Wno-dev >/dev/null
cmake --build --preset release --target toehold toehold-agent
export TOEHOLD=$PWD/build/release/toehold TOEHOLD_AGENT=$PWD/build/release/toehold-agent TOEHOLD_SOURCE=$PWD
CUTS=$cuts exec bash tests/integration/qemu_power_cut_test.sh
