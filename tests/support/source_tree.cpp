#include "tests/support/source_tree.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

namespace toehold {

namespace fs = std::filesystem;

namespace {

/// Build folders, .git and other tools' folders; .ci is ours.
bool is_foreign_folder(const std::string& name) {
  if (name == ".ci") return false;
  return name.starts_with(".") || name == "build" || name.starts_with("build-");
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

std::vector<SourceFile> read_source_tree(const fs::path& root) {
  std::vector<SourceFile> files;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::end(it); ++it) {
    const std::string name = it->path().filename().string();
    if (it->is_directory()) {
      if (is_foreign_folder(name)) it.disable_recursion_pending();
      continue;
    }
    // A worktree's .git is a file.
    if (!it->is_regular_file() || name == ".git") continue;
    std::string text = read_text(it->path());
    if (text.find('\0') != std::string::npos) continue;
    files.push_back({it->path().lexically_relative(root).generic_string(), std::move(text)});
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::vector<Include> includes_of(const SourceFile& file) {
  std::vector<Include> includes;
  int number = 0;
  for (std::string_view line : lines_of(file.text)) {
    ++number;
    const std::size_t hash = line.find_first_not_of(" \t");
    if (hash == std::string_view::npos || line[hash] != '#') continue;
    const std::size_t word = line.find_first_not_of(" \t", hash + 1);
    if (word == std::string_view::npos || !line.substr(word).starts_with("include")) continue;
    const std::size_t open = line.find_first_of("<\"", word);
    if (open == std::string_view::npos) continue;
    const std::size_t close = line.find(line[open] == '<' ? '>' : '"', open + 1);
    if (close == std::string_view::npos) continue;
    includes.push_back(
        {std::string(line.substr(open + 1, close - open - 1)), line[open] == '"', number});
  }
  return includes;
}

bool is_product_source(const SourceFile& file) {
  return (file.path.starts_with("runner/") || file.path.starts_with("actions/")) &&
         (file.path.ends_with(".hpp") || file.path.ends_with(".cpp"));
}

bool is_header(const SourceFile& file) {
  return file.path.ends_with(".hpp");
}

}  // namespace toehold
