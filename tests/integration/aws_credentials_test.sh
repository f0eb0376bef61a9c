# Credentials come from where boto3 takes them: same files and variables, same keys, and roles
# assumed with the same keys in the same order.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"
: "${TOEHOLD_AWS_PROBE:?}"

start_fault_proxy
"$aws_python" "$TOEHOLD_SOURCE/tests/support/aws_credentials.py" "$TOEHOLD_AWS_PROBE" "$proxy_url" "$scratch"
