// The meaning of a Document: known actions with good inputs on the right platform, references that
// can resolve, unique names, loops that end. Asks the actions' tables; runs nothing, reads no file.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runner/base/diagnostic.hpp"
#include "runner/document/action_info.hpp"
#include "runner/document/document.hpp"

namespace toehold {

struct ValidationOptions {
  unsigned platforms = linux_only;           // every one of them must be able to run the steps
  std::vector<std::string> blocked_actions;  // --blocked-action-modules
  bool allow_foreign_references = false;     // `{{ .ID }}` stays as it is instead of an error
};

void validate_document(const Document& document, const ActionCatalogue& actions,
                       const ValidationOptions& options, Diagnostics& diagnostics);

struct LoadedDocument {
  std::shared_ptr<const Document> document;  // null when the text could not be read at all
  Diagnostics diagnostics;
};

/// read_yaml + read_document + validate_document over one text; diagnostics sorted by position.
LoadedDocument load_document(const SourcePtr& source, const ActionCatalogue& actions,
                             const ValidationOptions& options);

}  // namespace toehold
