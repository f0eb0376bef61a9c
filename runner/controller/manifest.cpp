#include "runner/controller/manifest.hpp"

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/document/reference_page.hpp"
#include "runner/engine/redactor.hpp"

namespace toehold {

namespace {

// clang-format off
const Fields<Manifest>& manifest_table() {
  static const Fields<Manifest> table = Fields<Manifest>{}
      .required("format", &Manifest::format, "Version of this format: 1.")
      .required("id", &Manifest::id, "Id of the image.")
      .required("name", &Manifest::name, "Of the recipe.")
      .required("version", &Manifest::version, "Of the recipe.")
      .optional("description", &Manifest::description, "Of the recipe.")
      .optional("buildId", &Manifest::build_id, "Of the build that made it.")
      .optional("recipe", &Manifest::recipe, "Path of the recipe.")
      .optional("recipeSha256", &Manifest::recipe_sha256, "Of its text.")
      .optional("matrix", &Manifest::matrix, "The values of this build of a matrix.")
      .optional("tags", &Manifest::tags, "Of the recipe.")
      .optional("target", &Manifest::target, "Where it was built.")
      .optional("parent", &Manifest::parent, "What it started from, as the recipe names it.")
      .optional("parentId", &Manifest::parent_id, "What that was then: a digest or an id; empty where nothing can say.")
      .optional("image", &Manifest::image, "What an engine of containers calls the image; empty where none has it.")
      .optional("agentVersion", &Manifest::agent_version, "Of the program that ran the steps.")
      .optional("started", &Manifest::started, "UTC.")
      .optional("finished", &Manifest::finished, "UTC.")
      .optional("seconds", &Manifest::seconds, "How long it took.");
  return table;
}

const Fields<ManifestDocument>& document_table() {
  static const Fields<ManifestDocument> table = Fields<ManifestDocument>{}
      .required("path", &ManifestDocument::path, "Where it was read from.")
      .optional("name", &ManifestDocument::name, "Its `name`.")
      .optional("sha256", &ManifestDocument::sha256, "Of its text.")
      .optional("parameters", &ManifestDocument::parameters, "What it was given. Values whose names tell of a secret are masked.");
  return table;
}

const Fields<ManifestStep>& step_table() {
  static const Fields<ManifestStep> table = Fields<ManifestStep>{}
      .required("id", &ManifestStep::id, "As in the events.")
      .optional("phase", &ManifestStep::phase, "Name of its phase.")
      .optional("name", &ManifestStep::name, "Its name.")
      .optional("result", &ManifestStep::result, "As in the events.")
      .optional("cached", &ManifestStep::cached, "It was taken from the step cache.")
      .optional("seconds", &ManifestStep::seconds, "How long it took.");
  return table;
}

const Fields<WrittenOutput>& output_table() {
  static const Fields<WrittenOutput> table = Fields<WrittenOutput>{}
      .required("type", &WrittenOutput::type, "`oci-archive`, `rootfs`, `changes`, `qcow2`, `raw` or another.")
      .optional("path", &WrittenOutput::path, "Where it was written.")
      .optional("sha256", &WrittenOutput::sha256, "Of the file.")
      .optional("size", &WrittenOutput::size, "In bytes.");
  return table;
}

const Fields<Package>& package_table() {
  static const Fields<Package> table = Fields<Package>{}
      .required("name", &Package::name, "Its name.")
      .optional("version", &Package::version, "As the package manager writes it.")
      .optional("architecture", &Package::architecture, "What it was built for.");
  return table;
}

const Fields<PackageList>& package_list_table() {
  static const Fields<PackageList> table = Fields<PackageList>{}
      .optional("manager", &PackageList::manager, "`dpkg`, `rpm` or `apk`; empty where no database is there.")
      .optional("note", &PackageList::note, "Why the list is empty although there is a database.");
  return table;
}
// clang-format on

template <class T>
Value encode_all(const Fields<T>& table, const std::vector<T>& records) {
  Value::List list;
  for (const T& record : records) list.push_back(table.encode(record));
  return Value(std::move(list));
}

/// Reads records, whatever a later version has added to them.
class Reading {
 public:
  explicit Reading(const std::string& file) : file_(file) {}

  template <class T>
  T one(const Fields<T>& table, const Value& value) const {
    Value known = value;
    if (known.is_map()) {
      std::erase_if(known.map(), [&](const Value::Member& member) {
        for (const FieldInfo& field : table.info()) {
          if (field.name == member.key) return false;
        }
        return true;
      });
    }
    Diagnostics findings(nullptr);
    auto record = table.decode(known, "a record", findings);
    if (record) return std::move(*record);
    throw Error(Error::Kind::io,
                file_ + " is no manifest of a build: " + findings.items().front().message);
  }

  template <class T>
  std::vector<T> all(const Fields<T>& table, const Value& owner, const char* key) const {
    std::vector<T> records;
    if (const Value* list = owner.find(key)) {
      for (const Value& item : list->list()) records.push_back(one(table, item));
    }
    return records;
  }

 private:
  const std::string& file_;
};

}  // namespace

ManifestDocument manifest_document(const DocumentRun& run) {
  ManifestDocument document;
  document.path = run.path;
  document.name = run.document->name;
  document.sha256 = digest_of(DigestAlgorithm::sha256, run.document->source->text());
  for (const auto& [name, value] : run.parameters) {
    document.parameters.emplace_back(name, looks_secret(name) ? "***" : value);
  }
  return document;
}

Value to_value(const PackageList& list) {
  Value value = package_list_table().encode(list);
  value.set("packages", encode_all(package_table(), list.packages));
  return value;
}

PackageList packages_from(const Value& value, const std::string& file) {
  const Reading reading(file);
  PackageList list = reading.one(package_list_table(), value);
  list.packages = reading.all(package_table(), value, "packages");
  return list;
}

Value to_value(const ManifestStep& step) {
  Value value = step_table().encode(step);
  value.set("files", encode_all(changed_file_fields(), step.files));
  return value;
}

ManifestStep step_from(const Value& value, const std::string& file) {
  const Reading reading(file);
  ManifestStep step = reading.one(step_table(), value);
  step.files = reading.all(changed_file_fields(), value, "files");
  return step;
}

std::optional<PublishedImage> published_image(const Manifest& manifest) {
  const std::size_t in = manifest.image.find(" in ");
  if (!manifest.image.starts_with("ami-") || in == std::string::npos) return std::nullopt;
  return PublishedImage{manifest.image.substr(0, in), manifest.image.substr(in + 4)};
}

Value to_value(const Manifest& manifest) {
  Value value = manifest_table().encode(manifest);
  value.set("documents", encode_all(document_table(), manifest.documents));
  value.set("outputs", encode_all(output_table(), manifest.outputs));
  value.set("distributed", encode_all(distribution_result_fields(), manifest.distributed));
  Value::List steps;
  for (const ManifestStep& step : manifest.steps) steps.push_back(to_value(step));
  value.set("steps", Value(std::move(steps)));
  value.set("packagesBefore", to_value(manifest.packages_before));
  value.set("packagesAfter", to_value(manifest.packages_after));
  return value;
}

Manifest manifest_from(const Value& value, const std::string& file) {
  const Reading reading(file);
  Manifest manifest = reading.one(manifest_table(), value);
  manifest.documents = reading.all(document_table(), value, "documents");
  manifest.outputs = reading.all(output_table(), value, "outputs");
  manifest.distributed = reading.all(distribution_result_fields(), value, "distributed");
  if (const Value* steps = value.find("steps")) {
    for (const Value& item : steps->list()) manifest.steps.push_back(step_from(item, file));
  }
  if (const Value* list = value.find("packagesBefore")) {
    manifest.packages_before = packages_from(*list, file);
  }
  if (const Value* list = value.find("packagesAfter")) {
    manifest.packages_after = packages_from(*list, file);
  }
  return manifest;
}

std::vector<ChangedFile> net_changes(const Manifest& manifest) {
  std::vector<std::vector<ChangedFile>> steps;
  for (const ManifestStep& step : manifest.steps) steps.push_back(step.files);
  return net_changes(steps);
}

ReferencePage manifest_page() {
  std::string text =
      "# Manifests\n\n"
      "Every build leaves a `manifest.json` in the image store: what the image was made of, and "
      "what the build did.\nLater versions may add fields; none is taken away.\n\n" +
      field_table(manifest_table().info());
  const auto section = [&](const char* heading, const std::string& introduction,
                           const std::vector<FieldInfo>& fields) {
    text += std::string("## ") + heading + "\n\n" + introduction + "\n\n" + field_table(fields);
  };
  section("documents[]", "The documents, in the order in which they ran.", document_table().info());
  section("outputs[]", "What was written in the end.", output_table().info());
  section("distributed[]", "Where a machine image of AWS was brought to.",
          distribution_result_fields().info());
  section("steps[]", "The steps, in the order in which they ran.", step_table().info());
  section("steps[].files[]",
          "What the step did to files, in byte order of the paths, on targets that can tell.",
          changed_file_fields().info());
  section("packagesBefore, packagesAfter", "What the parent and the image have installed.",
          package_list_table().info());
  section("packagesBefore.packages[], packagesAfter.packages[]", "By name.",
          package_table().info());
  while (text.ends_with("\n\n")) text.pop_back();
  return {"manifest.md", text};
}

}  // namespace toehold
