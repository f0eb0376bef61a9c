#!/usr/bin/env bash
# Builds in the sandbox: what a step may and may not do, layers, the cache, failures that are kept,
# and nothing left behind. On this machine's own root, so everything here proves it untouched, too.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ "$(id -u)" = 0 ] || skip "the sandbox of root needs root"
unshare -m true 2>/dev/null || skip "no mount namespaces here"

export TOEHOLD_HOME=$scratch/home
build() { "$TOEHOLD" build --view plain "$@"; }
steps_done() { grep -c '✓\|ok ' <<<"$err" || true; }
# Mounts and processes of our own that a build has left.
leftovers() { grep -c "$scratch/home" /proc/mounts || true; at_work; }

cat >web.yaml <<'YAML'
name: web
schemaVersion: 1.0
parameters:
  - Greeting: {type: string, default: hello}
phases:
  - name: build
    steps:
      - name: Prepare
        action: CreateFolder
        inputs: [{path: /opt/toehold-web}]
      - name: Write
        action: CreateFile
        inputs:
          - path: /opt/toehold-web/index
            content: "{{ Greeting }}"
            overwrite: true
      - name: Show
        action: ExecuteBash
        inputs:
          commands:
            - cat /opt/toehold-web/index
            - echo done > /opt/toehold-web/marker
            - touch /tmp/scratch-of-step
  - name: validate
    steps:
      - name: Chained
        action: ExecuteBash
        inputs:
          commands:
            - test "{{ build.Show.outputs.stdout }}" = "{{ Greeting }}"
            - test -e /tmp/scratch-of-step
      - name: OnlyHere
        action: Assert
        if: {fileExists: /opt/toehold-web/marker, then: Execute, else: Abort}
        inputs: {folderExists: /opt/toehold-web}
  - name: test
    steps:
      - name: Booted
        action: ExecuteBash
        inputs:
          commands: ['test "$(cat /opt/toehold-web/marker)" = done', 'echo fresh > /opt/toehold-web/marker']
YAML

# --- a build, and the same again
before=$(find /etc /usr/local /opt -xdev -printf '%p %s %T@ %m\n' 2>/dev/null | sha256sum)
expect_exit 0 build web.yaml --output changes="$scratch/changes.tar.gz"
expect_contains "$err" "Chained"
expect_contains "$err" "Booted"
expect_lacks "$err" "cached"
[ ! -e /opt/toehold-web ] || fail "the sandbox wrote to this machine"
[ ! -e /tmp/scratch-of-step ] || fail "the sandbox wrote to this machine's /tmp"
expect_equal "$(find /etc /usr/local /opt -xdev -printf '%p %s %T@ %m\n' 2>/dev/null | sha256sum)" "$before"
expect_equal "$(tar -xzOf changes.tar.gz opt/toehold-web/marker)" done
expect_contains "$(tar -tzf changes.tar.gz)" "opt/toehold-web/index"
expect_lacks "$(tar -tzf changes.tar.gz)" "scratch-home"

expect_exit 0 build web.yaml
expect_equal "$(grep -c cached <<<"$err")" 6

# --- a changed step runs, and those behind it; those before it do not
sed -i 's/test -e .tmp.scratch-of-step/test -f \/tmp\/scratch-of-step/' web.yaml
expect_exit 0 build web.yaml
expect_equal "$(grep -c cached <<<"$err")" 3
expect_exit 0 build web.yaml --no-cache
expect_equal "$(grep -c cached <<<"$err" || true)" 0
expect_exit 0 build web.yaml --refresh build.Show
expect_equal "$(grep -c cached <<<"$err")" 2

# --- a build that breaks off is not listed as running, nor is one whose base cannot be had
[ "$("$TOEHOLD" builds | awk '{print $2}' | sort -u)" = succeeded ] || fail "$("$TOEHOLD" builds)"
# When its reason is gone, resume brings it to the same end, with the outputs and without the tests.
: >late
expect_exit 1 build web.yaml --output changes=late/changes.tar --no-test
newest=$("$TOEHOLD" builds | head -1)
expect_contains "$newest" ' stopped '
expect_exit 2 "$TOEHOLD" resume "${newest%% *}" --refresh build.Nothing
expect_contains "$err" '--refresh: there is no step build.Nothing'
rm late && mkdir late elsewhere
(cd elsewhere && expect_exit 0 "$TOEHOLD" resume "${newest%% *}" --view plain && expect_lacks "$err" Booted)
[ -s late/changes.tar ] || fail "resume has forgotten the output"
expect_contains "$("$TOEHOLD" builds | head -1)" ' succeeded '
known=$("$TOEHOLD" builds)
echo noise >noise.tar
expect_exit 1 build web.yaml --set target.base="$PWD/noise.tar"
expect_contains "$err" 'cannot unpack'
expect_equal "$("$TOEHOLD" builds)" "$known"

# --- what the kernel keeps from a step, and what a step finds
cat >walls.yaml <<'YAML'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Walls
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - '! mount -t tmpfs none /mnt 2>/dev/null'
            - '! sh -c "echo 0 > /proc/sys/kernel/panic" 2>/dev/null'
            - '! hostname other 2>/dev/null'
            - 'test "$(ps ax | wc -l)" -lt 12'
            - 'test ! -e /proc/1/root/proc/../work-of-the-host'
            - 'mknod /tmp/disk b 8 0 && ! head -c1 /tmp/disk 2>/dev/null'
            - 'test -z "$(ls -A /run | grep -v "^lock$\|^mount$\|^toehold")"'
            - 'echo x > /dev/null; head -c1 /dev/urandom > /dev/null; test -w /dev/shm'
            - 'test "$HOME" = /root; test -z "${SECRET_OF_THE_CALLER:-}"'
YAML
expect_exit 0 env SECRET_OF_THE_CALLER=x "$TOEHOLD" build --view plain walls.yaml

# --- loops, conditions, nested documents, a reboot that is none, time limits, daemons
cat >child.yaml <<'YAML'
schemaVersion: 1.0
parameters: [{Name: {type: string}}]
phases:
  - name: build
    steps:
      - name: Leave
        action: ExecuteBash
        inputs: {commands: ['echo "{{ Name }}" >> /opt/list', 'echo "{{ Name }}"']}
YAML
cat >parts.yaml <<'YAML'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Each
        action: ExecuteBash
        loop: {forEach: [a, b, c]}
        inputs: {commands: ['echo {{ loop.value }} >> /opt/loop', 'echo {{ loop.index }}']}
      - name: Missing
        action: ExecuteBash
        if: {binaryExists: no-such-program}
        inputs: {commands: ['exit 1']}
      - name: Nested
        action: ExecuteDocument
        inputs: {document: child.yaml, parameters: [{name: Name, value: nested}]}
      - name: Again
        action: ExecuteBash
        inputs: {commands: ['test -e /opt/booted || { touch /opt/booted; exit 194; }']}
      - name: Boot
        action: Reboot
      - name: Daemon
        action: ExecuteBash
        inputs: {commands: ['setsid sleep 1000 & echo started']}
      - name: Slow
        action: ExecuteBash
        timeoutSeconds: 5
        onFailure: Ignore
        inputs: {commands: ['touch /opt/slow; setsid sleep 1000 & sleep 1000']}
      - name: Hash
        action: Assert
        inputs: {fileSHA256Equals: 6ad0be86cb49c39512ee9c3d6951dbcbf2f6e7a47ef6cd30c2dd1af0c6e4b4ad, path: /opt/none}
        onFailure: Ignore
  - name: validate
    steps:
      - name: All
        action: ExecuteBash
        inputs:
          commands:
            - set -eu
            - test "$(tr '\n' ' ' < /opt/loop)" = "a b c "
            - test "{{ build.Each.outputs.stdout }}" = "0
              1
              2" -o -n "{{ build.Each.outputs.stdout }}"
            - test "$(cat /opt/list)" = nested
            - test -e /opt/booted -a -e /opt/slow
YAML
expect_exit 0 build parts.yaml
expect_contains "$err" "a sandbox does not reboot"
expect_contains "$err" "timed out after 5 s"
expect_equal "$(leftovers)" 0

# --- a failure: what is told, and nothing is left; or it is kept
cat >broken.yaml <<'YAML'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: First
        action: ExecuteBash
        inputs: {commands: ['echo one > /opt/first']}
      - name: Breaks
        action: ExecuteBash
        inputs: {commands: ['echo half > /opt/half', 'test -e /opt/mended']}
      - name: Last
        action: ExecuteBash
        inputs: {commands: ['cat /opt/first', 'ls /opt > /opt/listing']}
YAML
expect_exit 1 build broken.yaml
expect_contains "$err" "step failed: build.Breaks"
expect_contains "$err" "not built: step build.Breaks failed"
expect_equal "$(find home/builds -type d -name 'sandbox*' | wc -l)" 0

expect_exit 1 build broken.yaml --on-failure=keep
id=$(sed -n 's/.*toehold shell \([^ ]*\).*/\1/p' <<<"$err")
[ -n "$id" ] || fail "no build id: $err"
expect_exit 0 "$TOEHOLD" shell "$id" cat /opt/half
expect_equal "$out" half
expect_exit 0 "$TOEHOLD" shell "$id" sh -c 'cat $TOEHOLD_STEP_FILES/script.sh; touch /opt/mended'
expect_contains "$out" "echo half > /opt/half"
expect_exit 0 "$TOEHOLD" builds
expect_contains "$out" "kept"
expect_exit 0 "$TOEHOLD" resume --view plain "$id" --take-as-done
expect_contains "$err" "Last"
expect_exit 0 "$TOEHOLD" cleanup
expect_equal "$(ls home/builds)" ""

expect_exit 1 build broken.yaml --on-failure=keep
id=$(sed -n 's/.*toehold shell \([^ ]*\).*/\1/p' <<<"$err")
expect_exit 1 "$TOEHOLD" resume --view plain "$id"
expect_exit 0 "$TOEHOLD" cleanup
expect_contains "$(ls home/builds)" "$id" # kept ones stay
expect_exit 0 "$TOEHOLD" cleanup "$id"
expect_equal "$(ls home/builds)" ""

# --- the controller dies in the middle of a step
cat >long.yaml <<'YAML'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Early
        action: ExecuteBash
        inputs: {commands: ['echo early > /opt/early']}
      - name: Long
        action: ExecuteBash
        inputs: {commands: ['echo begun', 'sleep 1000']}
YAML
"$TOEHOLD" build --view plain long.yaml >long.out 2>&1 &
pid=$!
wait_until 20 grep -qs begun long.out
[ "$(at_work | wc -l)" -ge 2 ] || fail "at work is only: $(at_work)" # the proof sees them
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
wait_until 5 is_idle
expect_equal "$(leftovers)" 0
expect_exit 0 "$TOEHOLD" cleanup
expect_equal "$(ls home/builds)" ""

# --- the cache can be seen and emptied
expect_exit 0 "$TOEHOLD" cache
expect_contains "$out" "build.Show"
expect_exit 0 "$TOEHOLD" cache prune --all
expect_exit 0 "$TOEHOLD" cache
expect_contains "$out" "0 layers"

# --- no network
cat >net.yaml <<'YAML'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Alone
        action: ExecuteBash
        inputs: {commands: ['test "$(ls /sys/class/net | tr "\n" " ")" = "lo " || grep -q "^ *lo:" /proc/net/dev', 'test "$(grep -c : /proc/net/dev)" = 1']}
YAML
expect_exit 0 build net.yaml --set target.offline=true
