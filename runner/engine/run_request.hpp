// RunRequest: everything that `run` can be asked to do, from the command line or from the JSON of
// `--config`. Its field table is the configuration file's format.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/base/fields.hpp"
#include "runner/engine/plan.hpp"

namespace toehold {

struct RequestedDocument {
  std::string path;
  Parameters parameters;  // win over the global ones
};

struct RunRequest {
  std::vector<RequestedDocument> documents;
  Parameters parameters;  // for all documents
  std::string phases;
  std::string execution_id;
  std::string log_directory;
  std::string state_directory;
  std::string log_s3_bucket_name;
  std::string log_s3_bucket_owner;
  std::string log_s3_key_prefix;
  std::string document_s3_bucket_owner;
  std::string cw_log_group;
  std::string cw_log_stream;
  std::string cw_log_region;
  bool cw_ignore_failures = false;
  bool trace = false;
};

/// `n1=v1,n2=v2`; a part in double quotes may hold commas (`n="a,b"` or `"n=a,b"`), `""` in it is a
/// quote. Throws Error(usage) for an empty name or value.
Parameters parse_parameters(const std::string& text);

/// Reads the JSON of `--config`; throws Error(usage) with every mistake in it.
RunRequest parse_run_config(const std::string& name, const std::string& text);
std::vector<FieldInfo> run_config_fields();

/// A document's own parameters before the global ones.
Parameters parameters_for(const RequestedDocument& document, const Parameters& global);

/// SHA-256 over what a resumed run must have in common with its begin.
std::string run_fingerprint(const std::vector<DocumentRun>& documents, const PlanFilter& filter);

}  // namespace toehold
