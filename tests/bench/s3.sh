#!/bin/bash
# Downloads from S3 beside the AWS CLI and curl: 1 GiB, and 1,000 objects below a prefix. The server
# is nginx on the loopback, with files for objects and a list made before, so that the clients are
# what is measured.
. "$(dirname "$0")/common.sh"
skip() { echo "skipped: $*"; exit 0; }
command -v nginx >/dev/null || skip "no nginx here; apt-get install nginx-light"
aws_python=$("$(dirname "$0")/../support/aws_tools.sh" find) ||
  skip "no AWS CLI here; get it by: tests/support/aws_tools.sh make"
aws_cli=$(dirname "$aws_python")/aws
size=$((1 << 30))
objects=1000

server=
trap '[[ -z $server ]] || kill "$server"; rm -rf "$scratch"' EXIT
mkdir -p "$scratch/www/bucket/many" "$scratch/nginx" "$scratch/to"
chmod 755 "$scratch"

# 1 GiB of 1,024 times the same MiB, whose CRC64NVME Python works out from that of one; small
# objects of 1 to 20 kB; and the answer of ListObjectsV2 for those.
cat >"$scratch/make.py" <<'P'
import base64, os, sys
POLYNOMIAL, ONES = 0x9A6C9329AC4BC9B5, (1 << 64) - 1
table = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ (POLYNOMIAL if i & 1 else 0)
    table.append(i)

def crc64nvme(data):
    crc = ONES
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc ^ ONES

def times(a, b):
    product = 0
    for bit in range(63, -1, -1):
        product ^= b if a >> bit & 1 else 0
        b = b >> 1 ^ (POLYNOMIAL if b & 1 else 0)
    return product

def power_of_x(n):
    result, square = 1 << 63, 1 << 62
    while n:
        result = times(result, square) if n & 1 else result
        square, n = times(square, square), n >> 1
    return result

root, objects = sys.argv[1], int(sys.argv[2])
mebibyte = os.urandom(1 << 20)
with open(root + "/bucket/big", "wb") as file:
    for _ in range(1024):
        file.write(mebibyte)
crc, shift = crc64nvme(mebibyte), power_of_x(8 << 20)
total = 0
for _ in range(1024):
    total = times(total, shift) ^ crc
listed = ""
for number in range(objects):
    content = os.urandom(1000 + number * 19)
    key = "many/%04d" % number
    with open(root + "/bucket/" + key, "wb") as file:
        file.write(content)
    listed += "<Contents><Key>%s</Key><Size>%d</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>" % (key, len(content))
with open(root + "/list.xml", "w") as file:
    file.write("<?xml version=\"1.0\"?><ListBucketResult><Name>bucket</Name><EncodingType>url</EncodingType>"
               "<KeyCount>%d</KeyCount><IsTruncated>false</IsTruncated>%s</ListBucketResult>" % (objects, listed))
print(base64.b64encode(total.to_bytes(8, "big")).decode())
P
crc=$("$aws_python" "$scratch/make.py" "$scratch/www" "$objects")
chmod -R a+rX "$scratch/www"

port=$("$aws_python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$scratch/nginx/nginx.conf" <<C
daemon off;
worker_processes 2;
pid $scratch/nginx/pid;
error_log $scratch/nginx/error.log;
events { worker_connections 256; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000;
  default_type binary/octet-stream;
  client_body_temp_path $scratch/nginx/body;
  proxy_temp_path $scratch/nginx/proxy;
  fastcgi_temp_path $scratch/nginx/fastcgi;
  uwsgi_temp_path $scratch/nginx/uwsgi;
  scgi_temp_path $scratch/nginx/scgi;
  # As S3 does it: of a whole object only.
  map "\$uri\$http_range" \$crc { "/bucket/big" "$crc"; default ""; }
  server {
    listen 127.0.0.1:$port;
    root $scratch/www;
    add_header x-amz-checksum-crc64nvme \$crc;
    location = /bucket { types { } default_type application/xml; try_files /list.xml =404; }
    location = /bucket/ { types { } default_type application/xml; try_files /list.xml =404; }
  }
}
C
nginx -p "$scratch/nginx" -c nginx.conf 2>"$scratch/nginx/stderr" &
server=$!
url=http://127.0.0.1:$port
for ((try = 0; try < 100; ++try)); do
  curl -s -o /dev/null --noproxy '*' "$url/bucket/" && break
  sleep 0.1
done

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
export AWS_ENDPOINT_URL=$url AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=example HOME=$scratch
download_document() { # SOURCE DESTINATION
  printf 'schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: Get\n        action: S3Download\n'
  printf '        inputs:\n          - {source: "%s", destination: "%s"}\n' "$1" "$2"
}
download_document s3://bucket/big "$scratch/to/big" >"$scratch/big.yaml"
download_document 's3://bucket/many/*' "$scratch/to/" >"$scratch/many.yaml"

clean() { rm -rf "$scratch/logs" "$scratch/state" "$scratch/to"; mkdir "$scratch/to"; }
agent_big() { run_agent "$scratch/big.yaml"; }
agent_many() { run_agent "$scratch/many.yaml"; }
cli_big() { "$aws_cli" s3 cp --only-show-errors s3://bucket/big "$scratch/to/big"; }
cli_many() { "$aws_cli" s3 cp --only-show-errors --recursive s3://bucket/many/ "$scratch/to/"; }
curl_big() { curl -sS -o "$scratch/to/big" "$url/bucket/big"; }
curl_many() { curl -sS --remote-name-all --output-dir "$scratch/to" -Z "$url/bucket/many/[0000-0999]"; }
complete() { # WHAT
  if [[ $1 == big ]]; then
    cmp "$scratch/www/bucket/big" "$scratch/to/big"
  else
    diff -r "$scratch/www/bucket/many" "$scratch/to"
  fi || { echo "the $1 download is not what was to be had" >&2; exit 1; }
}

for what in big many; do
  read -r cli ours <<<"$(in_turns "cli_$what" "agent_$what")"
  complete "$what"
  rss=$(ratio "$(cat "$scratch/rss")" 1024)
  read -r plain again <<<"$(in_turns "curl_$what" "agent_$what")"
  ours=$(awk "BEGIN { print ($again < $ours) ? $again : $ours }")
  printf '%-44s %9.2f s     (AWS CLI %.2f s, curl %.2f s)\n' "S3, $what: time" "$ours" "$cli" "$plain"
  [[ $what == big ]] && goal=1 || goal=0.3333
  verdict "S3, $what: time of the AWS CLI" "$(ratio "$ours" "$cli")" x "$goal"
  verdict "S3, $what: memory" "$rss" MiB 64
done
exit $((failures > 0))
