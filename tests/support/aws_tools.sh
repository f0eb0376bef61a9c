#!/usr/bin/env bash
# Finds the Python that has moto, boto3 and the AWS CLI, for the tests against a local AWS.
#
#   aws_tools.sh find    prints its path: PATH's, or that of build/aws-tools; 1 when neither has them
#   aws_tools.sh make    makes build/aws-tools from PyPI unless one is found; says what it did
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
venv=$PWD/build/aws-tools

has_tools() { "$1" -c 'import moto.server, boto3, awscli' 2>/dev/null; }
find_python() {
  local python
  for python in "$(command -v python3)" "$venv/bin/python3"; do
    # The real program: a shim would look for its settings below the test's HOME.
    if [ -x "$python" ] && has_tools "$python"; then
      "$python" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  return 1
}

case "${1:-}" in
  find) find_python ;;
  make)
    if found=$(find_python); then
      echo "moto, boto3, AWS CLI: those of $found"
      exit
    fi
    echo "moto, boto3, AWS CLI: installing from PyPI into $venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check 'moto[server]>=5' boto3 awscli
    ;;
  *)
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
