#include "runner/agent/document_source.hpp"

#include <cstdio>

#include "runner/agent/remote_text.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/engine/plan.hpp"

namespace toehold {

namespace {
constexpr std::size_t most_bytes = 64u << 20;  // the YAML reader's own, lower limit has a position
}

SourcePtr read_document_source(const std::string& path, const std::string& bucket_owner,
                               AwsReach& aws) {
  if (is_remote_document(path)) {
    return std::make_shared<SourceText>(document_for_display(path),
                                        read_remote_text(path, bucket_owner, aws));
  }
  return read_document_file(path);
}

SourcePtr read_document_file(const std::string& path) {
  if (path == "-") {
    std::string text;
    char buffer[65536];
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, stdin)) {
      text.append(buffer, count);
      if (text.size() > most_bytes) {
        throw Error(Error::Kind::io, "standard input is larger than " + format_size(most_bytes));
      }
    }
    return std::make_shared<SourceText>("<stdin>", std::move(text));
  }
  return std::make_shared<SourceText>(path, read_file(path, most_bytes));
}

std::vector<std::string> split_document_list(const std::string& list) {
  if (list.empty()) return {};
  std::vector<std::string> paths = split(list, ',');
  for (const std::string& path : paths) {
    if (trim(path).empty()) {
      throw Error(Error::Kind::usage, "--documents: an empty name in '" + list + "'",
                  "separate the documents by one comma each, without blanks");
    }
  }
  return paths;
}

}  // namespace toehold
