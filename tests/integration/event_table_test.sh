#!/usr/bin/env bash
# One table over all targets: the same documents, unmodified, tell the same events and print the
# same bytes in the sandbox, in a container, on a host over SSH and on instances of EC2 over SSH and
# over SSM. The column of the target qemu is in qemu_reboot_test.
. "$(dirname "${BASH_SOURCE[0]}")/ec2.sh"
. "$TOEHOLD_SOURCE/tests/integration/event_table.sh"

# run TARGET YAML [OPTION...]: the last document fails, so no image is made of it.
run() {
  local name=$1
  event_recipe "$name.yml" "$2" "${event_documents[@]}" continue
  expect_exit 1 "$TOEHOLD" build "$name.yml" --view plain "${@:3}"
  expect_contains "$err" 'step build.Wrong failed'
  local logs=("$TOEHOLD_HOME"/builds/*/logs/TOE_*)
  [ "${#logs[@]}" = 1 ] || fail "${#logs[@]} log folders: $err"
  mv "${logs[0]}" "$scratch/logs-$name"
  "$TOEHOLD" cleanup --all >/dev/null
  rm -rf "$TOEHOLD_HOME/builds"
}

# A machine for the target ssh: one that we know, with a sshd.
ssh-keygen -q -t ed25519 -N '' -f key
ssh-keygen -q -t ed25519 -N '' -f host
machine=$(boto '
import base64
key, private, public = [open(name).read() for name in ("key.pub", "host", "host.pub")]
data = "#cloud-config\n" + json.dumps({"ssh_deletekeys": True, "ssh_keys": {"ed25519_private": private, "ed25519_public": public}})
ec2.import_key_pair(KeyName="ours", PublicKeyMaterial=key.encode())
made = ec2.run_instances(ImageId=sys.argv[1], MinCount=1, MaxCount=1, KeyName="ours", UserData=data)["Instances"][0]
print(made["InstanceId"], made["PrivateIpAddress"])' "$base_ami")
address=${machine#* }
echo "$address $(cut -d' ' -f1,2 host.pub)" >known_hosts
wait_for_state "${machine% *}" running

# An image for the target container: a bash of this machine and the programs that the documents want.
mkdir -p root/{bin,tmp,etc,var/lib}
for program in bash cat cut echo grep ls printf seq sh sleep test true; do cp "$(type -P $program)" root/bin/; done
for library in $(ldd root/bin/* | grep -o '/[^ ]*' | grep '\.so' | sort -u); do
  mkdir -p "root$(dirname "$library")"
  cp "$library" "root$library"
done
echo 'root:x:0:0::/:/bin/sh' >root/etc/passwd
# With a storage of its own: in these namespaces podman would take the machine's for that of an earlier boot.
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$scratch/images" "$scratch/containers" >storage.conf
export CONTAINERS_STORAGE_CONF=$scratch/storage.conf
no_podman=
tar -C root -c . | podman import - localhost/events:1 >/dev/null 2>podman.told || no_podman=$(tail -1 podman.told)

run sandbox '{type: sandbox}'
[ -n "$no_podman" ] || run container '{type: container, image: localhost/events:1}'
run ssh "{type: ssh, host: $address, user: root, identityFile: $scratch/key, knownHosts: $scratch/known_hosts}"
ec2="{type: ec2, base: $base_ami, recordFiles: false"
run ec2-ssh "$ec2, connect: ssh, user: $ssh_user, sshFrom: 127.0.0.0/8}"
run ec2-ssm "$ec2, staging: 's3://$bucket/events', instanceProfileName: $instance_profile}"

compare_events sandbox "$scratch/logs-sandbox" 'reboots~a step that asks for a reboot runs again at once'
if [ -n "$no_podman" ]; then
  echo "container  all          skipped: $no_podman"
else
  compare_events container "$scratch/logs-container"
fi
for target in ssh ec2-ssh ec2-ssm; do compare_events "$target" "$scratch/logs-$target"; done
expect_same_events
