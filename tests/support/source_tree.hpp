// The project's own files as text, and the #include lines in them. Called by the tests of
// tests/architecture; reads only, judges nothing.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace toehold {

struct SourceFile {
  std::string path;  // from the repository's root, with '/': "runner/base/text.hpp"
  std::string text;
};

struct Include {
  std::string target;
  bool quoted = false;  // "target" rather than <target>
  int line = 0;         // 1-based
};

/// Every text file below `root` in path order, without build folders, .git and files that hold a
/// NUL byte. Throws std::filesystem::filesystem_error.
std::vector<SourceFile> read_source_tree(const std::filesystem::path& root);

std::vector<Include> includes_of(const SourceFile& file);

std::vector<std::string_view> lines_of(std::string_view text);

/// Below runner/ or actions/: what is shipped.
bool is_product_source(const SourceFile& file);
bool is_header(const SourceFile& file);

}  // namespace toehold
