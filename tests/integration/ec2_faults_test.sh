#!/usr/bin/env bash
# Faults in the AWS calls of builds on EC2: each call has each kind of fault, and what is left is
# counted by Describe calls. Here a few builds, each with a fault in every call that it makes; with
# SHARD each fault of each call in a build of its own (reliability/ec2.sh).
#
#   SHARD=0/4 RESULTS=FILE    cells 0, 4, 8 ... of the table of reliability/ec2_cells.py
#   SEED=N                    which faults the short form has
#   SLOW=SECONDS              how long a slow answer takes, 2 if not said
. "$(dirname "${BASH_SOURCE[0]}")/ec2_reliability.sh"
flows=(tested refused)
[ "${WAY:-}" != ssm ] || flows=(ssm everywhere)

sed -i "s/'echo one/'seq -f \"line %g\" 1 20000; echo one/" work.yml
sed 's/= one/= two/' work.yml >refused-work.yml
recipe ssh "$over_ssh"
recipe subnet "$over_ssh, subnetId: $subnet"
recipe name "$over_ssh, baseOwner: '$base_ami_owner'" "name:$base_ami_pattern"
recipe refused "$over_ssh, baseOwner: '$base_ami_owner', subnetId: $subnet" "name:$base_ami_pattern" refused-work.yml
recipe ssm "$over_ssm" "ssm:$base_parameter"
recipe logs "$over_ssm, logging: {cloudWatchLogs: {logGroupName: /builds/output}}"
aws logs create-log-group --log-group-name /builds/output
template=$(aws --region eu-central-1 ec2 create-launch-template --launch-template-name web \
  --launch-template-data "ImageId=$base_ami" --query LaunchTemplate.LaunchTemplateId --output text)
recipe everywhere "$over_ssh"
cat >>everywhere.yml <<YAML
distributions:
  - region: eu-central-1
    amiDistributionConfiguration:
      name: 'web {{ buildId }}'
      launchPermission: {userIds: [111122223333]}
      targetAccountIds: ["210987654321"]
      amiTags: {stage: live}
    launchTemplateConfigurations: [{launchTemplateId: $template, setDefaultVersion: true}]
    ssmParameterConfigurations: [{parameterName: /images/web}]
    deprecateAfter: 6 months
YAML

if [ -n "${SHARD:-}" ]; then
  driver ec2_faults all "${SHARD%/*}" "${SHARD#*/}" "${RESULTS:-/dev/null}"
else
  driver ec2_faults some "${SEED:-1}" "${flows[@]}"
fi
[ "${WAY:-}" != ssh ] || expect_calls_allowed +ec2:DeregisterImage +ec2:DeleteSnapshot
