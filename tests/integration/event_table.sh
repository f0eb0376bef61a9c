# Sourced by the tests that run the documents of tests/data/events on a target: their order, a recipe
# for them, and the comparison of what the run told with what the same documents tell everywhere.
event_documents=(chaining loops conditions files secrets output failures nested reboots)
cp "$TOEHOLD_SOURCE"/tests/data/events/*.yml .

# event_recipe FILE TARGET DOCUMENT...: TARGET is YAML
event_recipe() {
  local file=$1 target=$2 document
  shift 2
  {
    printf 'name: events\ntarget: %s\ncomponents:\n' "$target"
    for document in "$@"; do echo "  - $document.yml"; done
  } >"$file"
}
# compare_events TARGET LOG-FOLDER [WORD...]: prints a row a document; words as of
# support/event_table.py. Targets that differ are in $events_differ.
events_differ=
compare_events() {
  python3 "$TOEHOLD_SOURCE/tests/support/event_table.py" "$TOEHOLD_SOURCE/tests/data/events/expected.txt" \
    "$2" "$1" "${@:3}" || events_differ+=" $1"
}
expect_same_events() { [ -z "$events_differ" ] || fail "other events than elsewhere:$events_differ"; }
