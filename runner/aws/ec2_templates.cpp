#include "runner/aws/ec2_templates.hpp"

#include "runner/aws/ec2_wire.hpp"
#include "runner/aws/xml.hpp"

namespace toehold::aws::ec2 {

namespace {

LaunchTemplate read_template(const Value& item) {
  return {text(item, "launchTemplateId"), text(item, "launchTemplateName"),
          number(item, "defaultVersionNumber").value_or(0),
          number(item, "latestVersionNumber").value_or(0), tags(item)};
}

LaunchTemplateVersion read_version(const Value& item) {
  return {text(item, "launchTemplateId"),   number(item, "versionNumber").value_or(0),
          text(item, "versionDescription"), text_at(item, {"launchTemplateData", "imageId"}),
          flag(item, "defaultVersion"),     time(item, "createTime")};
}

}  // namespace

Result<std::vector<LaunchTemplate>> describe_launch_templates(const Region& region,
                                                              const std::vector<std::string>& ids,
                                                              const Control& control) {
  return read_all(all_of(region, "DescribeLaunchTemplates", "LaunchTemplateId", ids,
                         "launchTemplates", control),
                  read_template);
}

Result<std::vector<LaunchTemplateVersion>> describe_launch_template_versions(
    const Region& region, const std::string& template_id, const std::vector<std::string>& versions,
    const Control& control) {
  const Value parameters =
      Value::object({{"LaunchTemplateId", template_id}, {"LaunchTemplateVersion", said(versions)}});
  return read_all(all_pages(region, "DescribeLaunchTemplateVersions", parameters,
                            "launchTemplateVersionSet", control),
                  read_version);
}

Result<LaunchTemplateVersion> create_launch_template_version(
    const Region& region, const NewLaunchTemplateVersion& version, const Control& control) {
  const Value parameters =
      Value::object({{"LaunchTemplateId", version.template_id},
                     {"SourceVersion", said(version.source_version)},
                     {"VersionDescription", said(version.description)},
                     {"ClientToken", said(version.client_token)},
                     {"LaunchTemplateData", Value::object({{"ImageId", version.image_id}})}});
  Call call = ec2_call(region, "CreateLaunchTemplateVersion", parameters, version.template_id);
  call.repeatable = !version.client_token.empty();
  return send(region, call, control).then([&](const Value& answer) {
    required_text(call, answer, {"launchTemplateVersion", "versionNumber"});
    return read_version(*answer.find("launchTemplateVersion"));
  });
}

Result<Done> set_default_version(const Region& region, const std::string& template_id,
                                 std::int64_t version, const Control& control) {
  const Value parameters =
      Value::object({{"LaunchTemplateId", template_id}, {"SetDefaultVersion", version}});
  return do_call(region, ec2_call(region, "ModifyLaunchTemplate", parameters, template_id),
                 control);
}

}  // namespace toehold::aws::ec2
