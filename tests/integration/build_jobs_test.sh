# What `build` says before it builds (--explain), and several builds at once (--jobs): each has its
# line, a failure takes none of the others with it, an interrupt ends all and leaves nothing.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip "needs root"
needs busybox script python3
export TOEHOLD_HOME=$scratch/home

component() {  # FILE SECOND-COMMAND
  cat >"$1" <<Y
schemaVersion: 1.0
parameters:
  - Fruit: {type: string, default: apple}
phases:
  - name: build
    steps:
      - {name: First, action: ExecuteBash, inputs: {commands: ['echo {{ Fruit }} >/root/fruit']}}
      - {name: Second, action: ExecuteBash, inputs: {commands: ['$2']}}
      - name: Never
        action: ExecuteBash
        if: {stringEquals: a, value: b}
        inputs: {commands: ['echo never']}
  - name: test
    steps:
      - {name: Look, action: ExecuteBash, inputs: {commands: ['cat /root/fruit']}}
Y
}
# outcome STEP: "runs because" of the explanation in $out
outcome() { sed -n "s/^  $1  *//p" <<<"$out"; }

# --- explained before anything is there, and nothing is left of that
component one.yaml 'echo second'
expect_exit 0 "$TOEHOLD" build --explain one.yaml
expect_contains "$(outcome build.First)" 'runs     the cache has no step of this name'
expect_contains "$(outcome build.Second)" 'runs     a step before it is run'
expect_contains "$(outcome test.Look)" 'runs     the image is made anew'
expect_equal "$(ls "$TOEHOLD_HOME/builds")" ''
expect_equal "$("$TOEHOLD" images --format json | tr -d ' \n')" '[]'

# --- after a build all is there
expect_exit 0 "$TOEHOLD" build one.yaml
expect_exit 0 "$TOEHOLD" build --explain one.yaml
expect_contains "$(outcome build.First)" 'cached   done at 20'
expect_contains "$(outcome build.Never)" 'skipped  its condition is false'
expect_contains "$(outcome test.Look)" 'cached   done at 20'
expect_contains "$out" '0 of 4 steps would run'

# --- and what is changed is named, in the forecast and in the build
component one.yaml 'echo another second'
expect_exit 0 "$TOEHOLD" build --explain one.yaml
expect_contains "$(outcome build.First)" 'cached'
expect_contains "$(outcome build.Second)" "runs     input 'commands' has changed since 20"
expect_contains "$(outcome test.Look)" 'runs     the image is made anew'
expect_exit 0 "$TOEHOLD" build one.yaml
expect_contains "$(cat "$TOEHOLD_HOME"/builds/*/logs/TOE_*/console.log)" \
  "not cached: input 'commands' has changed since 20"

printf 'name: fruits\ncomponents: [one.yaml]\nworkingDirectory: /var\n' >dir.yaml
expect_exit 0 "$TOEHOLD" build --explain dir.yaml
expect_contains "$(outcome build.First)" 'runs     the working directory has changed since 20'
expect_exit 0 "$TOEHOLD" build --explain one.yaml --no-cache
expect_contains "$(outcome build.First)" 'runs     --no-cache'
expect_exit 0 "$TOEHOLD" build --explain one.yaml --refresh Second
expect_contains "$(outcome build.First)" 'cached'
expect_contains "$(outcome build.Second)" 'runs     --refresh'

# --- a matrix at once: every build has its line, what failed is shown with the end of its log
component many.yaml 'echo fruit {{ Fruit }}; [ {{ Fruit }} != plum ]'
cat >recipe.yaml <<'Y'
name: fruits
components: [many.yaml]
matrix: {FRUIT: [apple, plum, pear]}
parameters: [{name: Fruit, value: '{{ matrix.FRUIT }}'}]
Y
expect_exit 1 "$TOEHOLD" build --jobs 3 recipe.yaml one.yaml
expect_contains "$err" 'FRUIT=apple  built in'
expect_contains "$err" 'FRUIT=pear   built in'
expect_contains "$err" 'FRUIT=plum   not built after'
expect_contains "$err" 'step build.Second failed'
expect_contains "$err" '│ fruit plum'
expect_lacks "$err" '│ fruit pear'
expect_contains "$err" 'build 1/3  build.First'
log=$(sed -n 's/.*all of it: //p' <<<"$err")
expect_contains "$(cat "$log")" 'fruit plum'
expect_equal "$(stat -c %a "$log")" 600
"$TOEHOLD" images --format json | python3 -c '
import json, sys
names = sorted(image["name"] for image in json.load(sys.stdin))
assert names.count("fruits") == 2, names'

# --- a base that all of them need is made once; the others wait for it
mkdir -p base/{bin,tmp,root,opt} && head -c 200000000 /dev/zero >base/filler
cp /bin/busybox base/bin/busybox
for applet in sh cat echo sleep; do ln -s busybox "base/bin/$applet"; done
printf '#!/bin/sh\nexec sh "$@"\n' >base/bin/bash
chmod +x base/bin/bash
tar -C base -cf base.tar . && rm -r base
sed 's/^matrix.*/matrix: {FRUIT: [apple, pear, quince]}/' recipe.yaml >of-tar.yaml
printf 'target: {type: sandbox, base: base.tar}\n' >>of-tar.yaml
for try in 1 2 3; do
  expect_exit 0 "$TOEHOLD" build --jobs 3 of-tar.yaml
  expect_equal "$(ls -d "$TOEHOLD_HOME"/cache/bases/tar-*/fs | wc -l)" 1
  # On a busy machine it may be there before another comes to it.
  if grep -q 'waiting for another build that makes tar-' "$TOEHOLD_HOME"/builds/*/build.log; then break; fi
  [ "$try" != 3 ] || fail "none has waited for the base"
  expect_exit 0 "$TOEHOLD" cache prune --all --bases
done
rm base.tar

# --- a mistake in a component is told once, before any build
sed 's/action: ExecuteBash/action: ExecuteBsh/' many.yaml >wrong.yaml
sed 's/many.yaml/wrong.yaml/' recipe.yaml >wrong-recipe.yaml
before=$(ls "$TOEHOLD_HOME/builds")
expect_exit 1 "$TOEHOLD" build --jobs 2 wrong-recipe.yaml
expect_equal "$(grep -c "wrong.yaml:7:.*ExecuteBsh" <<<"$err")" 1
expect_equal "$(ls "$TOEHOLD_HOME/builds")" "$before"

# --- who is asked, when several fail at once?
expect_exit 2 "$TOEHOLD" build --jobs 2 --on-failure ask recipe.yaml
expect_contains "$err" 'does not go with several builds at once'

# --- kept ones are kept
expect_exit 1 "$TOEHOLD" build --jobs 2 --on-failure keep recipe.yaml
kept=$("$TOEHOLD" builds | sed -n 's/ *kept .*//p')
expect_exit 0 "$TOEHOLD" shell "$kept" cat /root/fruit
expect_equal "$out" plum
expect_exit 0 "$TOEHOLD" cleanup "$kept"

# --- on a terminal the lines of those at work are drawn anew in their place
TERM=xterm script -qec "'$TOEHOLD' build --jobs 3 --no-cache recipe.yaml" typescript >/dev/null </dev/null || true
expect_contains "$(cat typescript)" $'\033[1A'
expect_contains "$(cat typescript)" 'FRUIT=pear   '

# --- interrupted: all end, nothing is left, the code says so
component slow.yaml 'touch /root/started; echo begun; sleep 600'
sed 's/many.yaml/slow.yaml/' recipe.yaml >slow-recipe.yaml
"$TOEHOLD" cleanup --all >/dev/null
"$TOEHOLD" build --jobs 2 slow-recipe.yaml >slow.out 2>slow.err &
controller=$!
both_sleep() { [ "$(cat "$TOEHOLD_HOME"/builds/*/logs/TOE_*/console.log 2>/dev/null | grep -c begun)" = 2 ]; }
wait_until 30 both_sleep
[ "$(at_work | wc -l)" -ge 5 ] || fail "at work is only: $(at_work)"  # the proof sees them
kill -TERM "$controller"
code=0
wait "$controller" || code=$?
[ "$code" != 0 ] || fail "an interrupted build ended well"
expect_contains "$(cat slow.err)" 'interrupted after'
expect_equal "$(at_work)" ''
expect_exit 0 "$TOEHOLD" cleanup
expect_equal "$(ls "$TOEHOLD_HOME/builds")" ''
