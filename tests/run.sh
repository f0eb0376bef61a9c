#!/usr/bin/env bash
# Builds and runs the tests, and ends with their count.
#
#   tests/run.sh                  all parts but format
#   tests/run.sh unit sanitize    some of: unit conformance integration sanitize format
#
# Unit stands for the architecture tests too. With CI=true a skip that is not in `may_skip` fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What a machine of CI may lack: the corpus of published documents, and leave to trace.
may_skip=(integration.corpus_validate_test integration.corpus_run_test integration.kill_sweep_test
  integration.sandbox_kill_test)
# Under the sanitizers: a traced process cannot look for leaks, the corpus' steps are not ours, and
# the static programs are the same. The last line's are long, and mostly the work of other programs.
not_sanitized='kill_sweep|corpus_run|static_agent|debian_roots|reproducible|packages_test|qemu'
not_sanitized+='|packages_build|docker_test|(container|sandbox|ssh)_kill|ec2_(kill|faults|scale)|ec2_elsewhere|local_ec2|event_table'

say() { printf '\n== %s\n' "$*"; }
usage() { sed -n '4,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }

parts=("$@")
[ "${#parts[@]}" != 0 ] || parts=(unit conformance integration sanitize)
labels=() sanitize='' format=''
for part in "${parts[@]}"; do
  case "$part" in
    unit) labels+=(unit architecture) ;;
    conformance | integration) labels+=("$part") ;;
    sanitize) sanitize=yes ;;
    format) format=yes ;;
    *) usage ;;
  esac
done

say "packages"
packaging/dependencies.sh tests
tests/support/aws_tools.sh make || echo "they cannot be had: the tests against a local AWS are skipped"

reports=$(mktemp -d)
beside=''
clean_up() {
  [ -z "$beside" ] || kill "$beside" 2>/dev/null || true
  rm -rf "$reports"
}
trap clean_up EXIT
failed=0

configure() {
  cmake --preset "$1" -Wno-dev >"$reports/configure" 2>&1 || { cat "$reports/configure"; exit 1; }
}
build_preset() {
  say "$1: build, into build/$1"
  configure "$1"
  NINJA_STATUS='[%f/%t] ' cmake --build --preset "$1"
}
# Tests wait now and then; what they leave of the processors goes to the next build, and no more.
build_beside() {
  say "$1: build beside the tests, into build/$1"
  configure "$1"
  chrt --idle 0 ninja -C "build/$1" >/dev/null 2>&1 </dev/null &
  beside=$!
}
# As far as it has come; the rest, and what is wrong with it, is for build_preset.
end_beside() {
  [ -z "$beside" ] || { kill "$beside" 2>/dev/null || true; wait "$beside" || true; }
  beside=''
}

# test_preset PRESET CTEST-ARGUMENTS...
test_preset() {
  local preset=$1
  shift
  say "$preset: test"
  # Three on two processors: most of them wait most of the time.
  # The count of a program's cases is at the end of what it prints.
  ctest --preset "$preset" --output-on-failure --test-output-size-passed 100000 -j"$(($(nproc) + 1))" \
    --output-junit "$reports/$preset.xml" "$@" </dev/null || failed=1
}

case " ${labels[*]} " in *' integration '*)
  say "static programs and packages: build, into build/static and build/packages"
  packaging/packages.sh
  ;;
esac
# Its first call makes a lock in /etc, and there are tests that prove /etc untouched.
podman info >/dev/null 2>&1 || true
if [ "${#labels[@]}" != 0 ]; then
  build_preset dev
  [ -z "$sanitize" ] || build_beside sanitize
  test_preset dev -L "^($(IFS='|'; echo "${labels[*]}"))\$"
  end_beside
fi
if [ -n "$sanitize" ]; then
  build_preset sanitize
  test_preset sanitize -E "$not_sanitized"
fi

check_format() {
  local files
  mapfile -t files < <(git ls-files '*.hpp' '*.cpp')
  clang-format-14 --dry-run -Werror "${files[@]}" || return 1
  echo "${#files[@]} files are formatted"
}
extra=()
if [ -n "$format" ]; then
  say "format"
  if ! command -v clang-format-14 >/dev/null; then
    extra+=(--skipped "format: there is no clang-format-14 here")
  elif check_format; then
    extra+=(--passed format)
  else
    echo "to mend it: git ls-files '*.hpp' '*.cpp' | xargs clang-format-14 -i"
    extra+=(--failed format)
  fi
fi

say "result"
for name in "${may_skip[@]}"; do extra+=(--may-skip "$name"); done
python3 tests/support/summary.py "${extra[@]}" "$reports"/*.xml || failed=1
exit "$failed"
