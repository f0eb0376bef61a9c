#include "tests/support/fake_catalogue.hpp"

#include "runner/base/text.hpp"

namespace toehold {

namespace {

struct Commands {
  std::vector<std::string> commands;
};
struct Download {
  std::string source, destination;
  std::string checksum, algorithm;
  bool overwrite = true;
};
struct Folder {
  std::string path;
};
struct Restart {
  std::int64_t delay = 0;
};
struct Nested {
  std::string document;
  Value parameters;
};

ActionInfo action(std::string name, std::string summary, std::vector<FieldInfo> inputs,
                  std::vector<OutputInfo> outputs = {}) {
  ActionInfo info;
  info.name = std::move(name);
  info.summary = std::move(summary);
  info.inputs = std::move(inputs);
  info.outputs = std::move(outputs);
  return info;
}

std::vector<FieldInfo> download_fields() {
  return Fields<Download>{}
      .required("source", &Download::source, "The URL.")
      .required("destination", &Download::destination, "Where to.")
      .optional("checksum", &Download::checksum, "What it has to be.")
      .optional("algorithm", &Download::algorithm, "How the checksum was made.")
      .choices({"MD5", "SHA256"})
      .optional("overwrite", &Download::overwrite, "Replace a file.", "true")
      .info();
}

std::vector<FieldInfo> nested_fields() {
  struct Pair {
    std::string name, value;
  };
  return Fields<Nested>{}
      .required("document", &Nested::document, "The other document.")
      .optional_records("parameters", &Nested::parameters,
                        Fields<Pair>{}
                            .required("name", &Pair::name, "Its name.")
                            .required("value", &Pair::value, "Its value.")
                            .info(),
                        "Values for it.")
      .info();
}

void check_url(const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
  const Value* source = item.find("source");
  if (!source || deferred(*source) || source->text().starts_with("http")) return;
  diagnostics.error(codes::invalid_value, source->where, "no URL");
}

}  // namespace

FakeCatalogue::FakeCatalogue() {
  const auto commands =
      Fields<Commands>{}.required("commands", &Commands::commands, "Lines of a script.").info();
  const std::vector<OutputInfo> printed{{"stdout", "What was printed."}};
  infos_.push_back(action("ExecuteBash", "Runs a script.", commands, printed));
  infos_.back().example =
      "- name: Hello\n  action: ExecuteBash\n  inputs:\n    commands:\n"
      "      - echo hello\n";
  infos_.push_back(action("ExecutePowerShell", "Runs a script on Windows.", commands, printed));
  infos_.back().platforms = windows_only;
  infos_.push_back(action("ExecuteDocument", "Runs a document.", nested_fields()));
  infos_.back().takes_timeout = false;
  infos_.back().takes_attempts = false;
  infos_.push_back(action("Assert", "Fails where a condition does not hold.", {}));
  infos_.back().shape = InputShape::condition;
  infos_.push_back(action("Reboot", "Restarts the machine.",
                          Fields<Restart>{}
                              .optional("delaySeconds", &Restart::delay, "Waits before it.", "0")
                              .range(0, 600)
                              .info()));
  infos_.back().inputs_required = false;
  infos_.push_back(
      action("WebDownload", "Fetches files.", download_fields(), {{"destination", "The paths."}}));
  infos_.back().shape = InputShape::each_item;
  infos_.back().repeatable = true;
  infos_.back().check = check_url;
  infos_.push_back(action("CreateFolder", "Makes folders.",
                          Fields<Folder>{}.required("path", &Folder::path, "The folder.").info()));
  infos_.back().shape = InputShape::each_item;
}

const ActionInfo* FakeCatalogue::find_info(std::string_view name) const {
  for (const ActionInfo& info : infos_) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

std::vector<const ActionInfo*> FakeCatalogue::all_infos() const {
  std::vector<const ActionInfo*> infos;
  for (const ActionInfo& info : infos_) infos.push_back(&info);
  return infos;
}

LoadedDocument load_text(const std::string& text, const ValidationOptions& options) {
  static const FakeCatalogue catalogue;
  return load_document(std::make_shared<SourceText>("doc.yaml", text), catalogue, options);
}

LoadedDocument load_steps(const std::string& steps, const ValidationOptions& options) {
  return load_text(
      "schemaVersion: 1.0\nconstants: [{Fixed: {type: string, value: x}}]\n"
      "parameters: [{Param: {type: string}}]\nphases:\n- name: build\n  steps:\n" +
          replace_all("\n" + steps, "\n", "\n  ").substr(1) + "\n",
      options);
}

std::vector<std::string> findings(const LoadedDocument& loaded) {
  std::vector<std::string> result;
  for (const Diagnostic& item : loaded.diagnostics.items()) {
    result.push_back(std::to_string(item.where.line) + ":" + std::to_string(item.where.column) +
                     (item.severity == Severity::error ? " error[" : " warning[") + item.code +
                     "] " + item.message + " | " + item.hint);
  }
  return result;
}

std::string all_findings(const LoadedDocument& loaded) {
  return join(findings(loaded), "\n");
}

}  // namespace toehold
