// Source text and positions in it: the leaf that every message about a document stands on.
// A SourceText is one document as read; a SourceLocation is a place in it. Called by everything
// that reads text; never reads a file and knows nothing of YAML.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace toehold {

/// A place in a SourceText. Both numbers count from 1; column counts bytes. 0 means unknown.
struct SourceLocation {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  bool known() const { return line != 0; }
  friend bool operator==(const SourceLocation&, const SourceLocation&) = default;
};

class SourceText {
 public:
  /// `name` is what messages call the text: the path as the user wrote it.
  SourceText(std::string name, std::string text);

  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }
  std::size_t line_count() const { return line_starts_.size(); }

  /// The line without its line end; empty for a number outside of the text. `number` counts from 1.
  std::string_view line(std::uint32_t number) const;

  /// Byte offset of `where`, clamped to the text.
  std::size_t offset_of(SourceLocation where) const;
  SourceLocation location_at(std::size_t offset) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<std::size_t> line_starts_;
};

using SourcePtr = std::shared_ptr<const SourceText>;

}  // namespace toehold
