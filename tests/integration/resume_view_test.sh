# What a person sees of a run that goes on: where it stands, the step that is open, why it failed.
. "$(dirname "$0")/lib.sh"
toehold_run() { "$TOEHOLD" run -s "$scratch/state" -l "$scratch/logs" --view plain "$@"; }

sample=$TOEHOLD_SOURCE/samples/components/reboot-and-resume.yaml
expect_exit 194 toehold_run "$sample"
expect_contains "$err" 'installed a kernel'
expect_exit 0 toehold_run "$sample"
expect_contains "$err" 'going on after the reboot'
expect_contains "$err" 'NewKernel (ExecuteBash)'
expect_contains "$err" ' running the new kernel'
expect_contains "$err" "$(log_folder "$scratch/logs")"
expect_lacks "$err" 'Prepare'
expect_lacks "$err" 'installed a kernel'

cat >killed.yaml <<'Y'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Before, action: ExecuteBash, inputs: {commands: [echo before]}}
      - {name: Killed, action: ExecuteBash, inputs: {commands: [touch started, sleep 60]}}
Y
"$TOEHOLD" run -s state -l logs killed.yaml >/dev/null 2>&1 &
program=$!
wait_until 10 test -e started
kill -9 $program
wait $program || true
expect_exit 1 toehold_run killed.yaml
expect_contains "$err" 'going on after an interruption'
expect_contains "$err" 'step failed: build.Killed'
expect_contains "$err" '--in-doubt rerun'
expect_lacks "$err" 'Before'
