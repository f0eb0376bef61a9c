# Sourced first by tests of the target ec2: an AWS of the test's own (support/local_ec2) in which an
# instance is a real machine: a root, processes, sshd and an address of its own, ready within half a
# second. The script starts anew in namespaces of its own (network, mounts, processes), with
# everything below a tmpfs: whatever becomes of the test, nothing stays. Brings lib.sh and the
# functions of aws_lib.sh along (aws, start_fault_proxy, faults, aws_calls).
#
# What is there:
#   $aws_url               the server; AWS_ENDPOINT_URL is the same until start_fault_proxy. Instances
#                          reach it, and the proxy, by the same URL. Credentials and region
#                          (us-east-1) are exported, IMDS is off for us
#   $aws_account           the account; credentials of sts:AssumeRole for another one act there
#   $bucket                toehold-test, empty
#   $base_ami              the image to start from: Debian's, x86_64, root /dev/xvda of 8 GiB, ENA, UEFI
#   $base_ami_name, $base_ami_pattern, $base_ami_owner    to find it by; an older one matches as well
#   $base_parameter        public SSM parameter that holds $base_ami
#   $instance_profile      IAM instance profile, without which an instance never gets online in SSM
#   $vpc, $subnet, $subnet_b    the default VPC, its subnets in us-east-1a and -1b
#   $ssh_user              admin, with sudo and no password; root's authorized_keys has the key as well
# TOEHOLD_HOME is $scratch/toehold, HOME $scratch/home. Region eu-central-1 has $base_ami, too; all
# regions have a default VPC.
#
#   boto CODE...           Python with ec2, ssm, s3, sts, iam (clients of us-east-1), client(NAME, REGION),
#                          json, sys, time, wait(SECONDS, FUNCTION) at hand; the words after CODE are sys.argv[1:]
#   left                   prints what is there and was not at the start, a line each, "KIND REGION ID ...":
#                          instance (not terminated), image, snapshot, volume, security-group, key-pair,
#                          network-interface, launch-template, parameter, object (not the buckets),
#                          address (of the network), process (of instances that should not run)
#   expect_nothing_left    fails with what `left` prints; waits 5 s for what is on its way out
#   cloud_faults JSON      the faults from now on, see local_ec2/faults.py; '[]' ends them. Example:
#                          [{"operation": "RunInstances", "match": {"InstanceType": "c7i.large"},
#                            "code": "InsufficientInstanceCapacity", "times": 2}]
#   cloud_calls            "service:Operation" of each call since the last cloud_faults, in order
#   cloud_log              the same calls as JSON lines: operation, region, access_key, parameters, code
#   cloud_settings JSON    {"online_after": S, "pending_for": S, "image_pending_for": S, "copy_pending_for": S,
#                          "stop_takes": S, "spot_notice": ..., "capacity"...}: see local_ec2/settings.py; all 0
#   advance_timers SECONDS [ID]   lets the time of armed timers (systemd-run, shutdown +M) pass: those
#                          that are due by then fire now, in all instances or in one
#   timers ID              its armed timers, a line each: SECONDS-LEFT NAME COMMAND
#   spot_notice ID SECONDS from now on its IMDS has the notice; SECONDS later it is terminated for it
#   instance_do ID COMMAND...     runs it there as root, past SSH and SSM; its output, its exit code
#   instance_root ID       its root as a path of ours (while it runs)
#   instance_console ID    what its first process printed
#   instance_crash ID      the machine ends at once, as with a fault of the hardware: state "stopped"
#   wait_for_state ID STATE [SECONDS]    of an instance, by DescribeInstances
#
# LOCAL_EC2_LIGHT=1, set before this is sourced: instances have no processes, and commands over SSM get
# a scripted answer (cloud_settings {"answers": [{"match": RE, "code": 0, "stdout": "...", "stderr": ""}]}).
