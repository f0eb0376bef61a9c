# docs/reference is what the tables say now.
. "$(dirname "$0")/lib.sh"
mkdir pages
"$TOEHOLD" describe --write pages >/dev/null
diff -ru "$TOEHOLD_SOURCE/docs/reference" pages ||
  fail "docs/reference is stale; write it anew: toehold describe --write docs/reference"
