#!/usr/bin/env bash
# From a fresh checkout to a first image: installs what is missing, compiles, and builds a sample
# recipe in the sandbox.
# Repeating it costs seconds when nothing has changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }

say "1/3 packages"
packaging/dependencies.sh build

say "2/3 build, into build/release"
configured=$(cmake --preset release -Wno-dev 2>&1) || { echo "$configured"; exit 1; }
NINJA_STATUS='[%f/%t] ' cmake --build --preset release

say "3/3 a first build"
mkdir -p build/quickstart
command=(build/release/toehold build samples/recipes/site.yaml)
echo "\$ TOEHOLD_HOME=\$PWD/build/quickstart ${command[*]}"
TOEHOLD_HOME=$PWD/build/quickstart "${command[@]}"

cat <<'END'

Again, it takes no time: every step that is unchanged is taken from the cache. Next, try
  export TOEHOLD_HOME=$PWD/build/quickstart
  build/release/toehold build samples/recipes/site.yaml
  build/release/toehold validate samples/components/*.yaml
  build/release/toehold run samples/components/chaining.yaml --explain
  build/release/toehold build samples/components/conditions.yaml
  build/release/toehold images
and read docs/how-to/build-your-first-image.md.
END
