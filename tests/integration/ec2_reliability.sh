# Sourced first, instead of ec2.sh, by the tests of faults and of kills: two clouds at once, one for
# each way to an instance (WAY=ssh, WAY=ssm), since a build mostly waits; with SHARD it is one. Brings
# a document whose steps note that they have run, recipes of it, and the drivers of tests/reliability.
if [ -z "${WAY:-}${SHARD:-}" ]; then
  WAY=ssm bash "$0" &
  other=$! code=0
  WAY=ssh bash "$0" || code=$?
  wait "$other" || code=$?
  exit "$code"
fi
. "$(dirname "${BASH_SOURCE[0]}")/ec2.sh"

cat >work.yml <<'YAML'
name: work
schemaVersion: 1.0
phases:
  - {name: build, steps: [{name: One, action: ExecuteBash, inputs: {commands: ['echo one >>/srv/ledger']}}]}
  - {name: test, steps: [{name: Two, action: ExecuteBash, inputs: {commands: ['test "$(cat /srv/ledger)" = one']}}]}
YAML
over_ssh="connect: ssh, user: $ssh_user, sshFrom: 127.0.0.0/8"
over_ssm="staging: s3://$bucket/builds, instanceProfileName: $instance_profile"
# recipe NAME WORDS [BASE [COMPONENT]]: NAME.yml; the words are of its target
recipe() {
  printf 'name: %s\ncomponents: [%s]\nparentImage: %s\ntarget: {type: ec2, recordFiles: false, %s}\n' \
    "$1" "${4:-work.yml}" "${3:-$base_ami}" "$2" >"$1.yml"
}
# driver NAME WORDS...: tests/reliability/NAME.py, which looks at the account with a key of its own
driver() {
  CONTROLLER_KEY=$AWS_ACCESS_KEY_ID AWS_ACCESS_KEY_ID=$onlooker BASE_AMI=$base_ami BUCKET=$bucket \
    PYTHONPATH=$TOEHOLD_SOURCE/tests/reliability PYTHONDONTWRITEBYTECODE=1 \
    "$aws_python" "$TOEHOLD_SOURCE/tests/reliability/$1.py" "${@:2}"
}
