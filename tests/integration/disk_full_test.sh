# Full disks, real ones. Logs that find no room cost their lines and are missed aloud, never the run.
# A journal that finds none ends the run before its next effect, and with room made the same command
# goes on. A step that meets a full disk has failed. What a detached run tells is short of output
# alone, and says so.
script=$(realpath "${BASH_SOURCE[0]}")
. "$(dirname "$script")/lib.sh"
[ "$(id -u)" = 0 ] || skip "only root mounts a small disk"
if [ -z "${TOEHOLD_SMALL_DISK:-}" ]; then
  unshare -m true 2>/dev/null || skip "no mount namespaces here"
  cd / && rm -rf "$scratch"
  TOEHOLD_SMALL_DISK=yes exec unshare -m bash "$script"
fi
trap 'umount -l "$scratch/small" || true; cd /; rm -rf "$scratch" || true' EXIT
mkdir small
mount -t tmpfs -o size=512k,mode=700 tmpfs small

cat >full.yml <<Y
name: full
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: ExecuteBash, inputs: {commands: ["echo one >>$scratch/ledger"]}}
      - name: Loud
        action: ExecuteBash
        maxAttempts: 2
        inputs:
          commands:
            - echo loud >>$scratch/ledger
            - head -c 3000000 /dev/zero | tr '\\\\0' x | fold -w 100
      - {name: Three, action: ExecuteBash, inputs: {commands: ["echo three >>$scratch/ledger"]}}
Y
run() { "$TOEHOLD_AGENT" run --documents full.yml --state-directory "$1" --log-directory "$2"; }
ledger() { xargs <ledger; }
again() { rm -rf small/* large ledger; mkdir -m 700 large; }

# The logs.
again
expect_exit 0 run large/state small/logs
expect_contains "$err" 'console.log are missing: the disk did not take them'
expect_equal "$(ledger)" "one loud three"
for log in detailedoutput chaining events; do
  python3 - small/logs/TOE_*/$log.json* <<"PY" 2>parse.err || expect_contains "$err" "$log"
import json, sys
text = open(sys.argv[1]).read()
[json.loads(line) for line in text.splitlines()] if sys.argv[1].endswith("l") else json.loads(text)
PY
done

# The journal, from the first record on.
again
head -c 520000 /dev/zero >small/fill 2>/dev/null || true
expect_exit 74 run small/state large/logs
expect_contains "$err" 'cannot write the journal'
expect_contains "$err" 'No space left on device'
expect_contains "$err" 'give the same command again'
[ ! -e ledger ] || fail "a step ran without a journal"
rm small/fill
expect_exit 0 run small/state large/logs
expect_equal "$(ledger)" "one loud three"

# Journal and logs together: the output of the second step takes all the room, so its end cannot be
# recorded. It is in doubt then, and by its document it is repeated; nothing else is.
again
expect_exit 74 run small/state small/logs
expect_contains "$err" 'cannot write the journal'
expect_equal "$(ledger)" "one loud"
"$TOEHOLD_AGENT" events small/state >events 2>&1 || fail "the journal cannot be read: $(cat events)"
rm small/logs/TOE_*/console.log
mount -o remount,size=16m small
expect_exit 0 run small/state small/logs
expect_equal "$(ledger)" "one loud loud three"
mount -o remount,size=512k small 2>/dev/null || { umount small && mount -t tmpfs -o size=512k,mode=700 tmpfs small; }

# Filled by a step, at all places of a page: where the journal stops then, the same command goes on.
journal_stops=0
for size in $(seq 0 512 4096); do
  again
  cat >fills.yml <<Y
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: One, action: ExecuteBash, inputs: {commands: ["echo one >>$scratch/ledger # $(head -c "$size" /dev/zero | tr '\0' x)"]}}
      - {name: Fill, action: ExecuteBash, maxAttempts: 2, inputs: {commands: ["echo fill >>$scratch/ledger", "grep -c fill $scratch/ledger | grep -qx 1 || exit 0", "cat /dev/zero >$scratch/small/fill || true"]}}
      - {name: Three, action: ExecuteBash, maxAttempts: 2, inputs: {commands: ["echo three >>$scratch/ledger"]}}
Y
  got=0
  "$TOEHOLD_AGENT" run --documents fills.yml --state-directory small/state --log-directory large >told 2>&1 || got=$?
  [ "$got" != 0 ] || continue
  expect_equal "$got" 74
  journal_stops=$((journal_stops + 1))
  "$TOEHOLD_AGENT" events small/state >events || fail "the journal cannot be read"
  rm small/fill
  mount -o remount,size=1m small
  expect_exit 0 "$TOEHOLD_AGENT" run --documents fills.yml --state-directory small/state --log-directory large
  case "$(grep -c '"type":"stepFinished"' events) $(ledger)" in
    '1 one fill fill three' | '2 one fill three' | '2 one fill three three' | '3 one fill three') ;;
    *) fail "after $(grep -c stepFinished events) finished steps: $(ledger)" ;;
  esac
  umount small && mount -t tmpfs -o size=512k,mode=700 tmpfs small
done
[ "$journal_stops" -ge 3 ] || fail "the journal had room nearly always"

# The disk of a step.
again
cat >step.yml <<Y
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Copy, action: CreateFile, inputs: [{path: $scratch/small/file, content: "$(head -c 700000 /dev/zero | tr '\0' x)"}]}
Y
expect_exit 1 "$TOEHOLD_AGENT" run --documents step.yml --state-directory large/state --log-directory large/logs
expect_contains "$(tail -c 2000 large/logs/TOE_*/console.log)" 'No space left on device'
[ ! -e small/file ] || fail "half a file is there"

# A detached run whose stream has no room for its output.
again
mount -o remount,size=3m small
mkdir -m 700 small/run
"$TOEHOLD_AGENT" detach small/run -- run --documents full.yml --state-directory large/state \
  --log-directory large/logs --stream small/run/stream
timeout 60 "$TOEHOLD_AGENT" follow small/run --offset 0 --wait >told
expect_equal "$(ledger)" "one loud three"
expect_equal "$(grep -c '"type":"stepFinished"' told)" 3
expect_contains "$(cat told)" '"type":"ended","exitCode":0'
grep -q 'of what the run told are missing' told || fail "nobody is told that output is missing"
