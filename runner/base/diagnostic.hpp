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

namespace codes {
inline constexpr DiagnosticCode too_many{"too-many", "There are more findings than are listed."};
}  // namespace codes

struct Diagnostic {
  Severity severity = Severity::error;
  std::string code;
  std::string message;
  std::string hint;  // what to write instead; may have several lines
  SourceLocation where;
  SourcePtr source;
};

/// Of each severity only the first 200 are kept, and of a long text in them the beginning: a
/// document may have as many mistakes as it has bytes.
class Diagnostics {
 public:
  explicit Diagnostics(SourcePtr source) : source_(std::move(source)) {}

  void error(const DiagnosticCode& code, SourceLocation where, std::string message,
             std::string hint = {});
  void warning(const DiagnosticCode& code, SourceLocation where, std::string message,
               std::string hint = {});
  void append(const Diagnostics& other);
  void append(const Diagnostic& item) { add(item); }
  /// The place has been explained: further errors exactly there say less and are dropped.
  void explained(SourceLocation where);
  /// The same for the place of every error so far.
  void explain_errors();
  bool has_error_in_line(std::uint32_t line) const;

  const SourcePtr& source() const { return source_; }
  const std::vector<Diagnostic>& items() const { return items_; }
  /// Both counts include the findings that are not kept.
  std::size_t error_count() const { return errors_; }
  std::size_t found() const { return errors_ + warnings_; }
  bool has_errors() const { return errors_ != 0; }
  /// In the order of the document.
  void sort();

 private:
  void add(Diagnostic item);

  SourcePtr source_;
  std::vector<Diagnostic> items_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
  std::set<std::pair<std::uint32_t, std::uint32_t>> explained_;  // line, column
};

/// `file:line:col: error[code]: message`, the source line, a caret and the hint. Ends with '\n'.
std::string render_text(const Diagnostic& diagnostic, bool colour);
/// One GitHub workflow command: `::error file=…,line=…,col=…,title=…::…`. Ends with '\n'.
std::string render_github(const Diagnostic& diagnostic);
/// {severity, code, message, hint, file, line, column}
Value to_value(const Diagnostic& diagnostic);

}  // namespace toehold
