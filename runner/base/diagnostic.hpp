// Diagnostics: what is wrong with a document. Collected, never thrown, so that one look shows all.
// Called by the YAML reader, the document reader, the validator and the field tables; rendered in
// one place for people (line and caret), for machines (JSON) and for GitHub annotations.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runner/base/source.hpp"
#include "runner/base/value.hpp"

namespace toehold {

enum class Severity { error, warning };

/// A stable name for one kind of mistake, with the sentence that the reference page gives it.
struct DiagnosticCode {
  const char* name;
  const char* summary;
};

struct Diagnostic {
  Severity severity = Severity::error;
  std::string code;
  std::string message;
  std::string hint;  // what to write instead; may have several lines
  SourceLocation where;
  SourcePtr source;
};

class Diagnostics {
 public:
  explicit Diagnostics(SourcePtr source) : source_(std::move(source)) {}

  void error(const DiagnosticCode& code, SourceLocation where, std::string message,
             std::string hint = {});
  void warning(const DiagnosticCode& code, SourceLocation where, std::string message,
               std::string hint = {});
  void append(const Diagnostics& other);
  void append(const Diagnostic& item) { items_.push_back(item); }
  /// The place has been explained: further errors exactly there say less and are dropped.
  void explained(SourceLocation where);
  /// The same for the place of every error so far.
  void explain_errors();
  bool has_error_in_line(std::uint32_t line) const;

  const SourcePtr& source() const { return source_; }
  const std::vector<Diagnostic>& items() const { return items_; }
  bool has_errors() const;
  std::size_t error_count() const;
  /// In the order of the document.
  void sort();

 private:
  SourcePtr source_;
  std::vector<Diagnostic> items_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> explained_;  // line, column
};

/// `file:line:col: error[code]: message`, the source line, a caret and the hint. Ends with '\n'.
std::string render_text(const Diagnostic& diagnostic, bool colour);
/// One GitHub workflow command: `::error file=…,line=…,col=…,title=…::…`. Ends with '\n'.
std::string render_github(const Diagnostic& diagnostic);
/// {severity, code, message, hint, file, line, column}
Value to_value(const Diagnostic& diagnostic);

}  // namespace toehold
