#include "runner/controller/build_sources.hpp"

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/controller/remote_documents.hpp"

namespace toehold {

namespace {

constexpr const char* texts_file = "sources.json";

}  // namespace

SourceTexts sources_of(const std::string& recipe_path, const Recipe& recipe,
                       const std::vector<DocumentRun>& documents, const ActionRegistry& actions) {
  SourceTexts texts;
  for (const StageFile& file : nested_documents(documents, actions)) texts[file.name] = file.text;
  for (const DocumentRun& run : documents) texts[run.path] = run.document->source->text();
  if (recipe.source) texts[recipe_path] = recipe.source->text();
  return texts;
}

void write_sources(const fs::path& folder, const SourceTexts& texts) {
  Value all{Value::Map()};
  for (const auto& [name, text] : texts) all.set(name, text);
  write_file_atomically(folder / texts_file, to_json(all) + "\n");
}

SourceTexts read_fetched_sources(const fs::path& folder) {
  SourceTexts texts;
  if (!is_fetched(folder)) return texts;
  const Value all = parse_json(read_file(folder / texts_file));
  for (const auto& member : all.map()) texts[member.key] = member.value.text();
  return texts;
}

bool is_fetched(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / fetched_mark, error);
}

}  // namespace toehold
