# S3Download and S3Upload against moto, with boto3 as second opinion: odd names, prefixes, many
# objects, parts, checksums and owners.
. "$(dirname "$0")/lib.sh"
. "$TOEHOLD_SOURCE/tests/support/aws_lib.sh"
. "$TOEHOLD_SOURCE/tests/support/s3_lib.sh"
boto 's3.create_bucket(Bucket="bucket")'
mkdir to

# --- names that need escaping, as objects and as files, there and back
boto '
for i, key in enumerate(["a b+c%41.txt", "ü/\u65e5\u672c.txt", "it'"'"'s \"quoted\" & <so>.txt", "x=1;y,z~!@$().txt",
                         "percent%2Fslash", "plus+", "dots...", "tab\there"]):
    s3.put_object(Bucket="bucket", Key="odd/" + key, Body=b"content of %d" % i)'
s3_step 0 S3Download "{source: 's3://bucket/odd/*', destination: '$scratch/to/'}"
expect_contains "$log" "S3Download: s3://bucket/odd/* -> $scratch/to/ (8 objects, "
boto '
listed = s3.list_objects_v2(Bucket="bucket", Prefix="odd/")["Contents"]
assert len(listed) == 8
for item in listed:
    want = s3.get_object(Bucket="bucket", Key=item["Key"])["Body"].read()
    assert open("to/" + item["Key"][4:], "rb").read() == want, item
'
: >to/empty
s3_step 0 S3Upload "{source: '$scratch/to/*', destination: s3://bucket/back/, recurse: true}"
s3_step 0 S3Download "{source: s3://bucket/back/empty, destination: '$scratch/to/nothing'}"
if [ ! -f to/nothing ] || [ -s to/nothing ]; then fail "an empty file did not come back"; fi
boto '
for item in s3.list_objects_v2(Bucket="bucket", Prefix="odd/")["Contents"]:
    one = s3.get_object(Bucket="bucket", Key=item["Key"])["Body"].read()
    two = s3.get_object(Bucket="bucket", Key="back/" + item["Key"][4:])["Body"].read()
    assert one == two, item
assert s3.list_objects_v2(Bucket="bucket", Prefix="back/")["KeyCount"] == 9'
s3_step 0 S3Download "{source: 's3://bucket/odd/a b+c%41.txt', destination: '$scratch/to/one'}"
expect_equal "$(cat to/one)" "content of 0"

# --- keys that would leave the folder
for key in evil/../../out evil//etc/passwd; do
  boto 's3.put_object(Bucket="bucket", Key=sys.argv[1], Body=b"evil")' "$key"
  s3_step 1 S3Download "{source: 's3://bucket/evil/*', destination: '$scratch/to/'}"
  expect_contains "$log" "s3://bucket/$key can be no file in"
  boto 's3.delete_object(Bucket="bucket", Key=sys.argv[1])' "$key"
done
if [ -e out ] || [ -e to/out ]; then fail "a key led out of the folder"; fi

# --- 1,000 objects at once, and one more
boto '
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda i: s3.put_object(Bucket="bucket", Key="many/%d/%d" % (i % 7, i), Body=b"%d" % i), range(1000)))'
rm -rf to/* && mkdir to/many
s3_step 0 S3Download "{source: 's3://bucket/many/*', destination: '$scratch/to/many'}"
expect_equal "$(find to/many -type f | wc -l)" 1000
expect_equal "$(cat to/many/6/993)" 993
boto 's3.put_object(Bucket="bucket", Key="many/z", Body=b"z")'
mkdir to/more
s3_step 1 S3Download "{source: 's3://bucket/many/*', destination: '$scratch/to/more'}"
expect_contains "$log" "more than 1000 objects below s3://bucket/many/"
expect_equal "$(find to/more -mindepth 1 | wc -l)" 0

# --- parts: ours read by boto3, boto3's read by us; each checksum that boto3 can make
head -c 20000000 /dev/urandom >big
s3_step 0 S3Upload "{source: '$scratch/big', destination: s3://bucket/big}"
boto '
answer = s3.get_object(Bucket="bucket", Key="big")
assert answer["Body"].read() == open("big", "rb").read()
assert answer["ETag"].endswith("-3\""), answer["ETag"]
assert not s3.list_multipart_uploads(Bucket="bucket").get("Uploads")'
boto '
from boto3.s3.transfer import TransferConfig
config = TransferConfig(multipart_threshold=6 << 20, multipart_chunksize=6 << 20)
s3.upload_file("big", "bucket", "sums/parts", Config=config)
for algorithm in ["CRC32", "SHA1", "SHA256"]:
    s3.upload_file("big", "bucket", "sums/parts-" + algorithm, Config=config, ExtraArgs={"ChecksumAlgorithm": algorithm})
    s3.put_object(Bucket="bucket", Key="sums/one-" + algorithm, Body=open("big", "rb"), ChecksumAlgorithm=algorithm)'
mkdir to/sums
s3_step 0 S3Download "{source: 's3://bucket/sums/*', destination: '$scratch/to/sums/'}"
for file in to/sums/*; do cmp big "$file" || fail "$file is not what was uploaded"; done
expect_equal "$(find to/sums -type f | wc -l)" 7
expect_lacks "$log" "cannot be checked"

# --- the checksum that we send is right: boto3's side knows it only by our word
head -c 100000 big >small
s3_step 0 S3Upload "{source: '$scratch/small', destination: s3://bucket/small}"
boto '
def crc64nvme(data):
    crc = (1 << 64) - 1
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x9A6C9329AC4BC9B5 if i & 1 else 0)
        table.append(i)
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc ^ (1 << 64) - 1
import base64
answer = s3.get_object(Bucket="bucket", Key="small", ChecksumMode="ENABLED")
content = answer["Body"].read()
assert content == open("small", "rb").read()
want = base64.b64encode(crc64nvme(content).to_bytes(8, "big")).decode()
assert answer["ChecksumCRC64NVME"] == want, (answer["ChecksumCRC64NVME"], want)'
s3_step 0 S3Download "{source: s3://bucket/small, destination: '$scratch/to/small'}"
cmp small to/small

# --- the account that must own the bucket
s3_step 0 S3Download "{source: s3://bucket/small, destination: '$scratch/to/small', expectedBucketOwner: '$aws_account'}"
rm to/small
s3_step 1 S3Download "{source: s3://bucket/small, destination: '$scratch/to/small', expectedBucketOwner: '012345678901'}"
expect_contains "$log" "s3:GetObject on s3://bucket/small of account 012345678901"
s3_step 1 S3Download "{source: 's3://bucket/odd/*', destination: '$scratch/to/', expectedBucketOwner: '012345678901'}"
expect_contains "$log" "s3:ListBucket on s3://bucket/ of account 012345678901"
s3_step 1 S3Upload "{source: '$scratch/small', destination: s3://bucket/other, expectedBucketOwner: '012345678901'}"
expect_contains "$log" "s3:PutObject on s3://bucket/other of account 012345678901"
if [ -e to/small ]; then fail "a refused download left a file"; fi
expect_no_parts
