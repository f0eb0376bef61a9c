// What people get wrong in component documents, and what to write instead. Called by the YAML
// reader when the text is not YAML (syntax_mistakes.cpp), and by load_document on the tree before
// the general checks (mistakes.cpp); says nothing about what it does not recognise.
#pragma once

#include <string>

#include "runner/base/diagnostic.hpp"
#include "runner/base/value.hpp"

namespace toehold {

/// Reports a syntax error at `where` in words that help; `message` is the YAML library's.
void explain_syntax_error(const SourceText& source, SourceLocation where,
                          const std::string& message, Diagnostics& diagnostics);

/// Looks for shapes that are YAML but not what was meant. The general checks that follow say
/// nothing more at a place that this has explained.
void diagnose_mistakes(const Value& root, const SourceText& source, Diagnostics& diagnostics);

/// Reports a here-document of the script in `scalar` whose end bash would not see.
void check_here_documents(const Value& scalar, const SourceText& source, Diagnostics& diagnostics);

}  // namespace toehold
