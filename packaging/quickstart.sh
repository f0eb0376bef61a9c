#!/usr/bin/env bash
# From a fresh checkout to a first run: installs what is missing, builds, and runs a sample.
# Repeating it costs seconds when nothing has changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }

say "1/3 packages"
packaging/dependencies.sh build

say "2/3 build, into build/release"
configured=$(cmake --preset release -Wno-dev 2>&1) || { echo "$configured"; exit 1; }
NINJA_STATUS='[%f/%t] ' cmake --build --preset release

say "3/3 a first run"
place=build/quickstart
rm -rf "$place"
mkdir -p "$place"
command=(build/release/toehold run samples/components/hello.yaml
  --state-directory "$place/state" --log-directory "$place/logs")
echo "\$ ${command[*]}"
"${command[@]}"

cat <<'END'

Next, try
  build/release/toehold validate samples/components/*.yaml
  build/release/toehold run samples/components/chaining.yaml --explain
  build/release/toehold run samples/components/conditions.yaml -l build/quickstart/logs
  less build/quickstart/logs/TOE_*/console.log
and read docs/how-to/write-a-component.md.
END
