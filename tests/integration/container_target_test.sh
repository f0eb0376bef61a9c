# Target container: builds in containers of podman, from an image that is made here. What the image
# has and has not, failures and shells, and what a killed controller leaves.
. "$(dirname "$0")/podman.sh"
needs python3

cat >nested.yml <<'Y'
schemaVersion: 1.0
parameters: [{Word: {type: string}}]
phases:
  - name: build
    steps:
      - {name: Deep, action: ExecuteBash, inputs: {commands: ['echo nested {{ Word }}']}}
Y
cat >work.yml <<'Y'
schemaVersion: 1.0
parameters: [{DbPassword: {type: string}}]
phases:
  - name: build
    steps:
      - name: Write
        action: ExecuteBash
        inputs: {commands: ['echo built >/built; echo "in $PWD, umask $(umask), $GREETING, {{ DbPassword }}"']}
      - name: Again
        action: ExecuteBash
        inputs: {commands: ['echo again >>/again', 'if [ ! -e /once ]; then touch /once; exit 194; fi; echo restarted']}
      - {name: Boot, action: Reboot}
      - name: Add
        action: ExecuteBash
        inputs: {commands: ['printf "\nPackage: second\nStatus: install ok installed\nVersion: 2.0\n" >>/var/lib/dpkg/status']}
      - name: Nest
        action: ExecuteDocument
        inputs: {document: ./nested.yml, parameters: [{name: Word, value: word}]}
  - name: validate
    steps:
      - {name: Look, action: ExecuteBinary, inputs: {path: grep, arguments: [built, /built]}}
  - name: test
    steps:
      - {name: Find, action: ExecuteBash, inputs: {commands: ['cat /built; touch /only-in-test; ls -d /.toehold* | grep -c toehold']}}
Y
cat >recipe.yml <<Y
name: Boxed Thing
version: 1.2.3
tags: {team: blue}
workingDirectory: /etc
components:
  - path: work.yml
    parameters: [{name: DbPassword, value: hush-hush-1}]
target: {type: container, image: '$base'}
outputs: [oci-archive]
Y
expect_exit 0 build --output "rootfs=$scratch/root.tar" --output "oci-archive=$scratch/boxed.tar"
expect_contains "$err" 'a container does not reboot'
expect_contains "$err" 'in /etc, umask 0022, hello, ***'
expect_contains "$err" 'restarted'
expect_contains "$err" 'nested word'
expect_contains "$err" 'localhost/boxed-thing:1.2.3'
expect_equal "$(left)" ''
# Both restarts went on with the same run, whose log is whole and here.
logs=("$TOEHOLD_HOME"/builds/*/logs/TOE_*)
expect_equal "${#logs[@]}" 2
expect_contains "$(cat "${logs[@]/%//console.log}")" 'nested word'
expect_contains "$err" 'success  6 steps run'
expect_lacks "$(cat "$TOEHOLD_HOME"/builds/*/logs/TOE_*/* "$TOEHOLD_HOME"/builds/*/build.json)" 'hush-hush-1'

# The image: the build's files, the first image's command, no agent and nothing of the test.
image=localhost/boxed-thing:1.2.3
config=$(podman image inspect --format '{{json .Config}}' "$image")
expect_contains "$config" '"Cmd":["sh","-c","echo $GREETING"]'
expect_contains "$config" '"team":"blue"'
expect_lacks "$config" 'toehold-agent'
mkdir image
tar -C image -xf root.tar
expect_equal "$(cat image/built)" built
expect_equal "$(cat image/again)" $'again\nagain'
[ ! -e image/only-in-test ] || fail "the test phase changed the image"
[ -z "$(find image -name '.toehold*' -o -name 'toehold-agent')" ] || fail "the agent is in the image"
parent=$(podman image inspect --format '{{.Id}}' "$base")
manifest=$("$TOEHOLD" images --format json)
expect_contains "$(cat "$TOEHOLD_HOME"/images/*/manifest.json)" "\"parentId\": \"$parent\""
expect_contains "$(cat "$TOEHOLD_HOME"/images/*/manifest.json)" "\"image\": \"$image\""
# Which files each step changed, also before a restart.
step_files() {
  python3 - "$TOEHOLD_HOME"/images/*/manifest.json <<'P'
import json, sys
for step in json.load(open(sys.argv[1]))["steps"]:
    print(step["name"], *(f["change"] + ":" + f["path"] + ":" + f.get("sha256", "")[:8] for f in step["files"]))
P
}
expect_equal "$(step_files)" "Write added:/built:$(echo built | sha256sum | cut -c1-8)
Again added:/again:$(printf 'again\nagain\n' | sha256sum | cut -c1-8) added:/once:e3b0c442
Boot
Add changed:/var/lib/dpkg/status:$(sha256sum image/var/lib/dpkg/status | cut -c1-8)
Nest
Deep
Look
Find"
expect_contains "$manifest" 'Boxed Thing'
expect_equal "$(python3 - "$TOEHOLD_HOME"/images/*/manifest.json <<'P'
import json, sys
manifest = json.load(open(sys.argv[1]))
print([[p["name"] for p in manifest[key]["packages"]] for key in ("packagesBefore", "packagesAfter")])
print([step["name"] + " " + step["result"] for step in manifest["steps"]])
P
)" "[['first'], ['first', 'second']]
['Write success', 'Again success', 'Boot success', 'Add success', 'Nest success', 'Deep success', 'Look success', 'Find success']"
podman image rm --force "$image" >/dev/null
expect_contains "$(podman load --quiet --input boxed.tar)" "$image"
podman image rm --force "$image" >/dev/null

# What cannot be had is refused before anything starts; so is an image that is not there.
expect_exit 1 build --output changes
expect_contains "$err" "cannot write 'changes'"
expect_lacks "$err" '== build'
expect_exit 1 build --set target.image=localhost/toehold-no-such-image:1
expect_contains "$err" 'localhost/toehold-no-such-image:1'
expect_equal "$(left)" ''

# A step that fails leaves nothing, unless it is told to; then there is a shell in its state.
cat >work.yml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Before, action: ExecuteBash, inputs: {commands: ['echo before >>/ledger']}}
      - {name: Wrong, action: ExecuteBash, inputs: {commands: ['echo half >/half', 'test -e /mended']}}
      - {name: After, action: ExecuteBash, inputs: {commands: ['cat /ledger']}}
  - name: test
    steps:
      - {name: Never, action: ExecuteBash, inputs: {commands: ['test -e /tested']}}
Y
cat >recipe.yml <<Y
name: Wrong
components: [work.yml]
target: {type: container, image: '$base'}
Y
expect_exit 1 build
expect_contains "$err" 'build.Wrong'
expect_equal "$(left)" ''
expect_exit 1 build --on-failure keep
id=$(sed -n 's/^  toehold resume \([^ ]*\) .*/\1/p' <<<"$err")
expect_exit 0 "$TOEHOLD" shell "$id" sh -c 'pwd; cat /half $TOEHOLD_STEP_FILES/script.sh; echo $GREETING; touch /mended'
expect_equal "$out" $'/tmp\nhalf\necho half >/half\ntest -e /mended\nhello'
# The step that failed runs again, those before it do not; then the test fails, and only it is mended.
expect_exit 1 "$TOEHOLD" resume "$id" --view plain --on-failure keep
expect_contains "$err" 'test.Never failed'
expect_exit 0 "$TOEHOLD" shell "$id" sh -c 'cat /ledger; touch /tested'
expect_equal "$out" before
expect_exit 0 "$TOEHOLD" resume "$id" --view plain
expect_lacks "$err" 'Wrong (ExecuteBash)'
expect_equal "$(left)" ''
podman image rm --force localhost/wrong:1.0.0 >/dev/null
expect_exit 1 build --on-failure keep
id=$(sed -n 's/^  toehold resume \([^ ]*\) .*/\1/p' <<<"$err")
expect_exit 0 "$TOEHOLD" cleanup "$id"
expect_equal "$(left)" ''

# At a terminal: a shell in the state that the step left, and what is mended there is taken as done.
expect_exit 0 python3 "$TOEHOLD_SOURCE/tests/support/type_into.py" "$TOEHOLD" build recipe.yml -- \
  '[s/r/k/c/p/q] ' s '# ' 'cat $TOEHOLD_STEP_FILES/script.sh; rm /half; touch /tested; exit' \
  '[s/r/k/c/p/q] ' c
expect_contains "$out" 'what it has done stays on this target'
expect_contains "$out" $'echo half >/half\ntest -e /mended'
expect_contains "$out" 'built in'
expect_equal "$(left)" ''
podman image rm --force localhost/wrong:1.0.0 >/dev/null
