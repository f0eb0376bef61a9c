#include "runner/engine/run_request.hpp"

#include <algorithm>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/document/yaml.hpp"

namespace toehold {

namespace {

std::vector<FieldInfo> parameter_item_fields() {
  FieldInfo name;
  name.name = "name";
  name.required = true;
  name.doc = "Name of the parameter.";
  FieldInfo value = name;
  value.name = "value";
  value.doc = "Its value.";
  return {name, value};
}

std::vector<FieldInfo> document_item_fields() {
  FieldInfo path;
  path.name = "path";
  path.required = true;
  path.doc = "Path, s3:// or https:// address or component ARN of the document.";
  FieldInfo parameters;
  parameters.name = "parameters";
  parameters.type = FieldType::record_list;
  parameters.fields = parameter_item_fields();
  parameters.doc = "Parameters for this document; they win over the global ones.";
  return {path, parameters};
}

/// The file's keys as they stand; RunRequest has the decoded documents and parameters.
struct FlatConfig {
  Value documents;
  Value parameters;
  std::string phases, execution_id, execution_id_as_misspelt, log_directory, state_directory;
  std::string log_s3_bucket_name, log_s3_bucket_owner, log_s3_key_prefix, document_s3_bucket_owner;
  std::string cw_log_group, cw_log_stream, cw_log_region;
  bool cw_ignore_failures = false;
  bool trace = false;
};

const Fields<FlatConfig>& config_table() {
  // clang-format off
  static const Fields<FlatConfig> table = Fields<FlatConfig>{}
      .required_records("documents", &FlatConfig::documents, document_item_fields(), "The documents, in the order in which they run.")
      .optional_records("parameters", &FlatConfig::parameters, parameter_item_fields(), "Parameters for all documents.")
      .optional("phases", &FlatConfig::phases, "Comma-separated phases to run.", "all")
      .optional("executionId", &FlatConfig::execution_id, "Id of the run.", "a new UUID")
      .optional("executonId", &FlatConfig::execution_id_as_misspelt, "The same; a spelling that is around.")
      .optional("logDirectory", &FlatConfig::log_directory, "Folder in which the log folder is made.", ".")
      .optional("stateDirectory", &FlatConfig::state_directory, "Folder of the journal.")
      .optional("logS3BucketName", &FlatConfig::log_s3_bucket_name, "Bucket that gets the log folder at the end of the run.")
      .optional("logS3BucketOwner", &FlatConfig::log_s3_bucket_owner, "Account that must own it.")
      .optional("logS3KeyPrefix", &FlatConfig::log_s3_key_prefix, "Prefix of its keys.")
      .optional("documentS3BucketOwner", &FlatConfig::document_s3_bucket_owner, "Account that must own the buckets of documents.")
      .optional("cwLogGroup", &FlatConfig::cw_log_group, "CloudWatch Logs group that gets console.log while it is written.")
      .optional("cwLogStream", &FlatConfig::cw_log_stream, "Stream in it.", "the execution id")
      .optional("cwLogRegion", &FlatConfig::cw_log_region, "Region of it.", "that of AWS_REGION, the profile or the instance")
      .optional("cwIgnoreFailures", &FlatConfig::cw_ignore_failures, "Do not fail the run when CloudWatch Logs fails.", "false")
      .optional("trace", &FlatConfig::trace, "Show the application log on stderr.", "false");
  // clang-format on
  return table;
}

Parameters decode_parameters(const Value* list) {
  Parameters parameters;
  if (!list) return parameters;
  for (const Value& item : list->list()) {
    parameters.emplace_back(item.find("name")->text(), item.find("value")->text());
  }
  return parameters;
}

std::vector<std::string> split_csv(const std::string& text) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (quoted && i + 1 < text.size() && text[i + 1] == '"') {
        fields.back() += text[i++];
      } else {
        quoted = !quoted;
      }
    } else if (text[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += text[i];
    }
  }
  if (quoted) {
    throw Error(Error::Kind::usage, "--parameters: a double quote is not closed in " + text);
  }
  return fields;
}

void hash_part(Digest& digest, std::string_view part) {
  digest.update(std::to_string(part.size()) + ":");
  digest.update(part);
}

}  // namespace

Parameters parse_parameters(const std::string& text) {
  Parameters parameters;
  for (const std::string& field : split_csv(text)) {
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == field.size()) {
      throw Error(Error::Kind::usage,
                  "--parameters: '" + field + "' is not name=value with both of them",
                  "a value with a comma goes in double quotes: --parameters 'list=\"a,b\"'; an "
                  "empty value goes in a --config file");
    }
    parameters.emplace_back(field.substr(0, equals), field.substr(equals + 1));
  }
  return parameters;
}

RunRequest parse_run_config(const std::string& name, const std::string& text) {
  const auto source = std::make_shared<SourceText>(name, text);
  Value root;
  try {
    root = parse_json(text);
  } catch (Error& error) {
    throw Error(Error::Kind::usage, name + ": " + error.what());
  }
  // Read once more as the YAML that JSON mostly is: that reader knows where everything stands.
  Diagnostics diagnostics(source);
  if (auto placed = read_yaml(source, diagnostics)) {
    root = std::move(*placed);
  } else {
    diagnostics = Diagnostics(source);
  }
  const auto config = config_table().decode(root, "the configuration", diagnostics);
  if (config && config->documents.list().empty()) {
    diagnostics.error(codes::missing_key, config->documents.where,
                      "the configuration names no documents",
                      "write \"documents\": [{\"path\": \"FILE\"}]");
  }
  if (diagnostics.has_errors()) {
    diagnostics.sort();
    std::string message = "the configuration is wrong\n";
    for (const Diagnostic& item : diagnostics.items()) message += render_text(item, false);
    message.pop_back();
    throw Error(Error::Kind::usage, message);
  }
  RunRequest request;
  for (const Value& item : config->documents.list()) {
    request.documents.push_back(
        {item.find("path")->text(), decode_parameters(item.find("parameters"))});
  }
  request.parameters = decode_parameters(&config->parameters);
  request.phases = config->phases;
  request.execution_id =
      config->execution_id.empty() ? config->execution_id_as_misspelt : config->execution_id;
  request.log_directory = config->log_directory;
  request.state_directory = config->state_directory;
  request.log_s3_bucket_name = config->log_s3_bucket_name;
  request.log_s3_bucket_owner = config->log_s3_bucket_owner;
  request.log_s3_key_prefix = config->log_s3_key_prefix;
  request.document_s3_bucket_owner = config->document_s3_bucket_owner;
  request.cw_log_group = config->cw_log_group;
  request.cw_log_stream = config->cw_log_stream;
  request.cw_log_region = config->cw_log_region;
  request.cw_ignore_failures = config->cw_ignore_failures;
  request.trace = config->trace;
  return request;
}

std::vector<FieldInfo> run_config_fields() {
  return config_table().info();
}

Parameters parameters_for(const RequestedDocument& document, const Parameters& global) {
  Parameters all = global;  // a later one wins
  all.insert(all.end(), document.parameters.begin(), document.parameters.end());
  return all;
}

std::string run_fingerprint(const std::vector<DocumentRun>& documents, const PlanFilter& filter) {
  Digest digest(DigestAlgorithm::sha256);
  for (const DocumentRun& run : documents) {
    hash_part(digest, run.path);
    hash_part(digest, run.document->source->text());
    Parameters parameters = run.parameters;
    std::stable_sort(parameters.begin(), parameters.end());
    for (const auto& [name, value] : parameters) {
      hash_part(digest, name);
      hash_part(digest, value);
    }
    hash_part(digest, "|");
  }
  hash_part(digest, join(filter.phases, ","));
  hash_part(digest, filter.from);
  hash_part(digest, join(filter.only, ","));
  return digest.finish();
}

}  // namespace toehold
