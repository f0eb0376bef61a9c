#include "runner/controller/recipe_tables.hpp"

namespace toehold {

namespace {

FieldInfo field(std::string name, FieldType type, std::string doc, std::string default_text = {}) {
  FieldInfo info;
  info.name = std::move(name);
  info.type = type;
  info.doc = std::move(doc);
  info.default_text = std::move(default_text);
  return info;
}

FieldInfo required(FieldInfo info) {
  info.required = true;
  return info;
}

FieldInfo in_range(FieldInfo info, std::int64_t minimum, std::int64_t maximum) {
  info.minimum = minimum;
  info.maximum = maximum;
  return info;
}

FieldInfo with_choices(FieldInfo info, std::vector<std::string> choices) {
  info.choices = std::move(choices);
  return info;
}

FieldInfo with_fields(FieldInfo info, std::vector<FieldInfo> fields) {
  info.fields = std::move(fields);
  return info;
}

// clang-format off
// Names and limits of the three tables below: the API model of Image Builder (2019-12-02).
std::vector<FieldInfo> ebs_fields() {
  return {
      field("encrypted", FieldType::boolean, "Encrypt the volume."),
      field("deleteOnTermination", FieldType::boolean, "The volume goes with its instance."),
      in_range(field("iops", FieldType::integer, "Operations a second, for io1, io2 and gp3."), 100, 64000),
      field("kmsKeyId", FieldType::text, "Key that encrypts it."),
      field("snapshotId", FieldType::text, "Snapshot that it is made from."),
      in_range(field("volumeSize", FieldType::integer, "Size in GiB."), 1, 16000),
      with_choices(field("volumeType", FieldType::text, "Kind of volume."), {"standard", "io1", "io2", "gp2", "gp3", "sc1", "st1"}),
      in_range(field("throughput", FieldType::integer, "MiB a second, for gp3."), 125, 1000),
  };
}

std::vector<FieldInfo> block_device_fields() {
  return {
      field("deviceName", FieldType::text, "Name of the device, such as /dev/xvda."),
      with_fields(field("ebs", FieldType::record, "The volume behind it."), ebs_fields()),
      field("virtualName", FieldType::text, "Instance store, such as ephemeral0."),
      field("noDevice", FieldType::text, "An empty text: the parent's device is left out."),
  };
}

std::vector<FieldInfo> instance_fields() {
  return {
      with_fields(field("systemsManagerAgent", FieldType::record, "The agent of Systems Manager."),
                  {field("uninstallAfterBuild", FieldType::boolean, "Accepted and not acted on: an agent that is in the image stays in it.", "false")}),
      field("userDataOverride", FieldType::text, "User data of the build instance, in base64."),
  };
}
// clang-format on

}  // namespace

// clang-format off
std::vector<FieldInfo> recipe_fields() {
  return {
      required(field("name", FieldType::text, "Name of the image: 3 to 128 letters, digits, `_`, `-` and blanks between them.")),
      field("version", FieldType::text, "Three numbers, `1.2.3`.", "1.0.0"),
      field("semanticVersion", FieldType::text, "The same, as Image Builder calls it."),
      field("description", FieldType::text, "What the image is for."),
      field("parentImage", FieldType::text, "What it starts from, unless the target says so: for a sandbox what `base` takes, for a container what `image` takes."),
      required(field("components", FieldType::any, "A list of components, run in this order: each the path of a document, or a map (see below).")),
      with_fields(field("parameters", FieldType::record_list, "Parameters for all components; those of a component win."), recipe_parameter_fields()),
      field("workingDirectory", FieldType::text, "Absolute path that steps start in."),
      field("target", FieldType::any, "Where it is built: the name of a target, or a map of `type` and its options (see below).", "sandbox"),
      field("outputs", FieldType::any, "A list of what is written in the end: each the name of a kind, or a map (see below)."),
      field("distributions", FieldType::any, "A list of regions and accounts that a machine image of AWS is brought to, each a map (see below)."),
      field("matrix", FieldType::any, "A map of names and lists of texts. Each combination is one build, with its values at `{{ matrix.NAME }}` in the texts of the recipe."),
      with_fields(field("imageTestsConfiguration", FieldType::record, "The test phase, which runs in a machine started from the new image."),
                  {field("imageTestsEnabled", FieldType::boolean, "Whether it runs.", "true"),
                   in_range(field("timeoutMinutes", FieldType::integer, "Limit for all of it. Image Builder itself takes 60 or more.", "720"), 1, 1440)}),
      field("tags", FieldType::text_map, "Tags of the image; labels of an OCI image."),
      field("amiTags", FieldType::text_map, "Tags of the build's machine image. Only for targets on AWS."),
      with_fields(field("blockDeviceMappings", FieldType::record_list, "Volumes. Only for targets on AWS."), block_device_fields()),
      with_fields(field("additionalInstanceConfiguration", FieldType::record, "The build instance. Only for targets on AWS."), instance_fields()),
  };
}

std::vector<FieldInfo> component_fields() {
  return {
      field("component", FieldType::text, "Path of a document, or its URL, `s3://` address or ARN."),
      field("componentArn", FieldType::text, "The same, as Image Builder calls it."),
      field("path", FieldType::text, "The same, for those who like it plain."),
      with_fields(field("parameters", FieldType::record_list, "Its parameters."), recipe_parameter_fields()),
  };
}

std::vector<FieldInfo> recipe_parameter_fields() {
  return {
      required(field("name", FieldType::text, "Name of the parameter.")),
      required(field("value", FieldType::any, "Its value: a text, or a list of texts, which are joined by commas.")),
  };
}

std::vector<FieldInfo> output_fields() {
  return {
      required(with_choices(field("type", FieldType::text, "`oci-archive`: an image for podman and docker. `rootfs`: the root file system as a tarball. `changes`: what the build changed, as a tarball with OCI whiteouts. `qcow2`, `raw`: the disk of a virtual machine."), {"oci-archive", "rootfs", "changes", "qcow2", "raw"})),
      field("path", FieldType::text, "Where it goes. A tarball whose name ends in `.gz` or `.tgz` is compressed.", "in the image store"),
  };
}
// clang-format on

}  // namespace toehold
