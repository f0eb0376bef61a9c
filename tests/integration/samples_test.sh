# Every sample validates, runs, and prints what tests/data/samples.tsv says.
. "$(dirname "$0")/lib.sh"
needs python3
samples=$TOEHOLD_SOURCE/samples/components
table=$TOEHOLD_SOURCE/tests/data/samples.tsv

mkdir served
echo hello >served/tool.tar
: >served.log
python3 -u -m http.server 0 --bind 127.0.0.1 --directory served >served.log 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$scratch" || true' EXIT
wait_until 20 grep -q 'port [0-9]' served.log
port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' served.log)
url=http://127.0.0.1:$port/tool.tar
sha256=$(sha256sum served/tool.tar | cut -d' ' -f1)
wrong_sum=$(echo other | sha256sum | cut -d' ' -f1)
export IMAGE_VERSION=1.2.3

run_sample() {
  local sample=$1 code=$2 parameters=$3 expected=$4 never=$5 arguments=(--documents "$samples/$1")
  if [ "$parameters" != - ]; then
    parameters=${parameters//@samples@/$samples} parameters=${parameters//@url@/$url}
    parameters=${parameters//@sha256@/$sha256} parameters=${parameters//@wrong-sum@/$wrong_sum}
    arguments+=(--parameters "$parameters")
  fi
  expect_exit "$code" agent_run "${arguments[@]}"
  # The folder of this run is the youngest; a resumed run goes on in its own.
  local folder log piece
  folder=$(ls -td logs/TOE_* | head -n 1)
  log=$(cat "$folder/console.log")
  local IFS='|'
  for piece in $expected; do
    [[ "$log" == *"$piece"* ]] || fail "$sample did not print '$piece' but:"$'\n'"$log"
  done
  [ "$never" = - ] || [[ "$log" != *"$never"* ]] || fail "$sample printed '$never':"$'\n'"$log"
}

while IFS=$'\t' read -r sample code parameters expected never; do
  case "$sample" in '#'*) continue ;; esac
  [ "$code" != - ] || continue
  run_sample "$sample" "$code" "$parameters" "$expected" "$never"
done <"$table"

for sample in "$samples"/*; do
  expect_exit 0 "$TOEHOLD_AGENT" validate --strict --documents "$sample"
  grep -q "^${sample##*/}"$'\t' "$table" || fail "${sample##*/} is not in $table"
done
# What must not leave a trace leaves none in any of the logs.
! grep -rq 'tok-[0-9a-f]' logs || fail "a secret is in the logs: $(grep -rl 'tok-[0-9a-f]' logs)"
