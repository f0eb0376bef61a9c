# At a terminal: what a person is offered when a step of a sandbox build fails, and what comes of it.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
needs python3
[ "$(id -u)" = 0 ] || skip "the sandbox of root needs root"
unshare -m true 2>/dev/null || skip "no mount namespaces here"

export TOEHOLD_HOME=$scratch/home
menu='[s/r/k/c/p/q] '
at_terminal() { # CODE TALK...
  local want=$1
  shift
  expect_exit "$want" python3 "$TOEHOLD_SOURCE/tests/support/type_into.py" "$TOEHOLD" build \
    --no-cache recipe.yaml -- "$@"
}
# Without root's .bashrc, which may do anything.
mkdir home-of-root
cat >recipe.yaml <<'YAML'
name: broken
components: [broken.yaml]
target: {type: sandbox, base: host, bind: ['home-of-root:/root']}
YAML
document() { # WHAT-THE-SECOND-STEP-DOES
  cat >broken.yaml <<YAML
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: First
        action: ExecuteBash
        inputs: {commands: ['echo one >/opt/first']}
      - name: Breaks
        action: ExecuteBash
        inputs: {commands: ['echo half >/opt/half', '$1']}
      - name: Last
        action: ExecuteBash
        inputs: {commands: ['echo last sees \$(cd /opt && cat first half mended 2>&1)']}
YAML
}

# --- a shell in the state that the step left; what is done there counts when it is taken as done
document 'exit 3'
at_terminal 0 "$menu" s '# ' 'cat $TOEHOLD_STEP_FILES/script.sh /opt/half; echo fixed >/opt/mended; exit' \
  "$menu" c
expect_contains "$out" $'echo half >/opt/half\nexit 3\nhalf'
expect_contains "$out" 'last sees one half fixed'
expect_contains "$out" 'built in'

# --- twice into the shell, then given up: nothing is left
at_terminal 1 "$menu" s '# ' 'echo a >/opt/mended; exit' "$menu" s '# ' \
  'echo still $(cat /opt/mended); exit' "$menu" q
expect_contains "$out" 'still a'
expect_contains "$out" 'not built: step build.Breaks failed'
expect_equal "$(find "$TOEHOLD_HOME/builds" -type d -name 'sandbox*' | wc -l)" 0

# --- skipped: without what the step has done
at_terminal 0 "$menu" k
expect_contains "$out" 'last sees one cat: half: No such file or directory'

# --- run again with the document as it is by then; nothing of the failed try is left
document 'exit 4'
at_terminal 0 "$menu" s '# ' 'echo from the shell >/opt/mended; exit' \
  "$menu" "!sed -i 's:exit 4:echo better >>/opt/half:' broken.yaml" '' r
expect_contains "$out" 'exit code 4'
expect_contains "$out" 'last sees one half better cat: mended: No such file or directory'

# --- kept: the build ends, and is there for later
document 'exit 5'
at_terminal 1 "$menu" p
expect_contains "$out" 'kept. Next:'
id=$("$TOEHOLD" builds | sed -n 's/ *kept .*//p')
expect_exit 0 "$TOEHOLD" shell "$id" cat /opt/half
expect_equal "$out" half

# --- the end of the input is no answer: it gives up
expect_exit 1 "$TOEHOLD" build --no-cache --on-failure=ask recipe.yaml
expect_contains "$err" 'not built'
