// Pattern: a regular expression of the RE2 language (that of Go), matched without regard to case.
// Called by conditions; linear in its input whatever the pattern. The only user of RE2.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace toehold {

class Pattern {
 public:
  /// nullopt and `error` set when `text` is not a valid pattern.
  static std::optional<Pattern> compile(const std::string& text, std::string& error);
  /// True when the pattern matches anywhere in `text`.
  bool matches(std::string_view text) const;
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

 private:
  struct Compiled;
  explicit Pattern(std::unique_ptr<Compiled> compiled);
  std::unique_ptr<Compiled> compiled_;
};

/// Whether the texts differ in case at most, in any script, as patterns see it (simple case folding
/// of Unicode, that of Go's strings.EqualFold).
bool equals_folded(std::string_view a, std::string_view b);

}  // namespace toehold
