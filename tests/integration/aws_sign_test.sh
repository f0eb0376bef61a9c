# Signatures, presigned URLs and endpoints are those of botocore: 500 random requests, and every
# region that botocore knows.
. "$(dirname "$0")/lib.sh"
: "${TOEHOLD_AWS_PROBE:?}"
python=$("$TOEHOLD_SOURCE/tests/support/aws_tools.sh" find) ||
  skip "no boto3 here; get it by: tests/support/aws_tools.sh make"

for variable in $(compgen -e | grep '^AWS_' || true); do unset "$variable"; done
HOME=$scratch "$python" "$TOEHOLD_SOURCE/tests/support/aws_sign.py" "$TOEHOLD_AWS_PROBE" 500
