# Sourced after lib.sh by the tests against a local AWS: a moto server that is up when this returns
# and gone at the end, settings that lead there and nowhere else, and `aws` and $aws_python to look
# at its state with. `start_fault_proxy` puts support/fault_proxy.py in front of it.
#
#   $aws_url        the server itself: what `aws` and $aws_python talk to
#   $AWS_ENDPOINT_URL, $AWS_EC2_METADATA_SERVICE_ENDPOINT: what the agent talks to
aws_python=$(HOME="$HOME" "$TOEHOLD_SOURCE/tests/support/aws_tools.sh" find) ||
  skip "no moto, boto3 and AWS CLI here; get them by: tests/support/aws_tools.sh make"

aws_children=()
stop_aws_children() {
  local child
  for child in "${aws_children[@]}"; do
    kill -CONT "$child" 2>/dev/null || true
    kill "$child" 2>/dev/null || true
  done
}
trap 'stop_aws_children; rm -rf "$scratch" || true' EXIT

# start_server NAME PROGRAM [ARGUMENT...]: $started_port of a program that writes it to NAME.port
start_server() {
  local name=$1
  shift
  "$@" >"$scratch/.$name.log" 2>&1 </dev/null &
  aws_children+=($!)
  disown $!
  local deadline=$((SECONDS + 90))
  until [ -s "$scratch/.$name.port" ]; do
    kill -0 "${aws_children[-1]}" 2>/dev/null || fail "$name ended: $(tail -5 "$scratch/.$name.log")"
    [ "$SECONDS" -lt "$deadline" ] || fail "$name is not up: $(tail -5 "$scratch/.$name.log")"
    sleep 0.05
  done
  started_port=$(<"$scratch/.$name.port")
}

# Nothing of the machine's own settings, and no proxy between us and the loopback.
for variable in $(compgen -e | grep '^AWS_\|^MOTO_' || true); do unset "$variable"; done
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
export HOME="$scratch/home" no_proxy=127.0.0.1
mkdir -p "$HOME"
export AWS_CONFIG_FILE="$HOME/.aws/config" AWS_SHARED_CREDENTIALS_FILE="$HOME/.aws/credentials"

if ! declare -F start_aws >/dev/null; then  # ec2.sh has another one
  start_aws() {
    start_server aws "$aws_python" "$TOEHOLD_SOURCE/tests/support/aws_server.py" "$scratch/.aws.port"
    aws_host=127.0.0.1
  }
fi
start_aws
aws_url=http://$aws_host:$started_port
export AWS_ENDPOINT_URL=$aws_url AWS_EC2_METADATA_SERVICE_ENDPOINT=$aws_url
# What is there may take longer than the second that is usual on EC2.
export AWS_METADATA_SERVICE_TIMEOUT=20
export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
aws_account=123456789012
# Whoever looks on has a key of his own in the same account, so that logs of calls tell them apart.
onlooker=AKIAI44QH8DHBEXAMPLE

# The AWS CLI, past any fault proxy.
aws() {
  AWS_ENDPOINT_URL=$aws_url AWS_ACCESS_KEY_ID=$onlooker AWS_PAGER='' AWS_EC2_METADATA_DISABLED=true \
    "$(dirname "$aws_python")/aws" "$@"
}
# component ARN FILE [KEY VALUE]...: what GetComponent answers from now on
component() {
  "$aws_python" - "$aws_url" "$@" <<'P'
import json, sys, urllib.request
url, arn, file, *more = sys.argv[1:]
component = {"arn": arn, "data": open(file).read(), **dict(zip(more[::2], map(json.loads, more[1::2])))}
urllib.request.urlopen(url + "/toehold/component", json.dumps(component).encode()).read()
P
}

# start_fault_proxy: the agent's calls go through it from now on; the log of them is $aws_log.
start_fault_proxy() {
  aws_log=$scratch/aws-calls.jsonl
  : >>"$aws_log"
  start_server proxy "$aws_python" "$TOEHOLD_SOURCE/tests/support/fault_proxy.py" \
    --upstream "${aws_url#http://}" --log "$aws_log" --port-file "$scratch/.proxy.port" --host "$aws_host"
  proxy_url=http://$aws_host:$started_port
  export AWS_ENDPOINT_URL=$proxy_url AWS_EC2_METADATA_SERVICE_ENDPOINT=$proxy_url
}
# faults JSON: the rules from now on; the log starts anew, and what it had goes to $aws_log.before.
faults() {
  printf '%s' "$1" | "$aws_python" -c '
import sys, urllib.request
urllib.request.urlopen(sys.argv[1] + "/fault-proxy/rules", sys.stdin.buffer.read()).read()' "$proxy_url"
  cat "$aws_log" >>"$aws_log.before"
  : >"$aws_log"
}
# aws_calls: "service:Operation" of each call since, in order
aws_calls() {
  "$aws_python" -c '
import json, sys
for line in open(sys.argv[1]):
    call = json.loads(line)
    print(call["service"] + ":" + call["operation"])' "$aws_log"
}
