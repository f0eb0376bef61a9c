// Plan: which steps run, in which order, as immutable data that can be printed, filtered and
// tested. Made from the documents and what the command line asks for; the engine runs it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runner/document/document.hpp"
#include "runner/engine/scope.hpp"

namespace toehold {

/// Whether it names something elsewhere (s3://, https://, an ARN) and not a file.
bool is_remote_document(std::string_view name);
/// What tells documents apart: a file's path without links and dots, or the name as it is.
std::string document_identity(const std::string& name);

struct DocumentRun {
  std::shared_ptr<const Document> document;
  std::string path;  // as given
  Parameters parameters;
};

struct PlannedStep {
  std::size_t document = 0;  // index in Plan::documents
  const Phase* phase = nullptr;
  const Step* step = nullptr;
  std::string id;
  bool left_out = false;  // by --from or --only
};

struct Plan {
  std::vector<DocumentRun> documents;
  std::vector<std::string> document_ids;
  std::vector<PlannedStep> steps;  // documents in the order given, phases in document order
};

struct PlanFilter {
  std::vector<std::string> phases;  // empty: all; a name that matches nothing is no error
  std::string from;                 // "phase.step" or an id: leave out what stands before it
  std::vector<std::string> only;    // likewise, or "phase": leave out everything else
  bool partial() const { return !from.empty() || !only.empty(); }
};

/// `id_prefix`: "" for the top level, "<step id>>" for a nested document. Throws Error(usage) for a
/// `from` or `only` that names no step of the chosen phases.
Plan make_plan(std::vector<DocumentRun> documents, const PlanFilter& filter,
               const std::string& id_prefix = {});

}  // namespace toehold
