# Component documents that people published validate unmodified, except for those that are wrong:
# tests/data/corpus-exceptions.tsv names these, each with the code of its mistake.
. "$(dirname "$0")/lib.sh"
corpus=$TOEHOLD_SOURCE/../shared/corpus
exceptions=$TOEHOLD_SOURCE/tests/data/corpus-exceptions.tsv
[ -d "$corpus/documents" ] || skip "no corpus of documents at ../shared/corpus"

# The platform that a document was written for, by the corpus' index.
platform_of() {
  local features
  features=$(awk -F'\t' -v name="$1" '$1 == name { print $7 }' "$corpus/INDEX.tsv")
  case ",$features," in
    *,Windows,*) echo windows ;;
    *,macOS,*) echo darwin ;;
    *) echo linux ;;
  esac
}

count=0
for document in "$corpus"/documents/*; do
  name=${document##*/}
  code=$(awk -F'\t' -v name="$name" '$1 == name { print $2 }' "$exceptions")
  want=0
  [ -z "$code" ] || want=1
  expect_exit $want "$TOEHOLD_AGENT" validate --format json --os-platforms "$(platform_of "$name")" \
    "$document"
  [ -z "$code" ] || expect_contains "$out" "\"code\": \"$code\""
  count=$((count + 1))
done
[ "$count" -gt 100 ] || fail "only $count documents in $corpus/documents"

while IFS=$'\t' read -r name _; do
  [ -e "$corpus/documents/$name" ] || fail "$exceptions names $name, which is not in the corpus"
done <"$exceptions"
