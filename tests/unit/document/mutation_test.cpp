// Documents that were good, changed at random: whatever comes of them, it is a document or an
// error with a place. TOEHOLD_MUTANTS: how many of each document; more find more.
#include <cstdlib>
#include <random>

#include "actions/builtin_actions.hpp"
#include "runner/base/files.hpp"
#include "runner/document/validator.hpp"
#include "runner/engine/registry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/source_tree.hpp"

using namespace toehold;

namespace {

std::vector<std::string> good_documents() {
  std::vector<std::string> texts;
  const fs::path root = TOEHOLD_SOURCE_DIR;
  for (const auto& entry : fs::directory_iterator(root / "samples/components")) {
    texts.push_back(read_file(entry.path()));
  }
  for (const auto& entry : fs::directory_iterator(root / "tests/conformance/cases")) {
    const fs::path document = entry.path() / "document.yaml";
    if (fs::exists(document)) texts.push_back(read_file(document));
  }
  return texts;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& texts) : texts_(texts), random_(1) {}

  std::string mutate(std::string text) {
    for (std::size_t times = 1 + below(4); times > 0; --times) change(text);
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  /// A line with its end, as offset and length.
  std::pair<std::size_t, std::size_t> line_of(const std::string& text) {
    const std::size_t at = below(text.size());
    const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    const std::size_t end = text.find('\n', at);
    return {begin, (end == std::string::npos ? text.size() : end + 1) - begin};
  }

  void change(std::string& text) {
    static const std::vector<std::string> pieces{
        "{{",   "}}",   ": ", "- ",   "\t",   "'",         "\"",     "|",     ">-",    "&a ",
        "*a",   "!Sub", "[",  "]",    "{",    "}",         "#",      "\r\n",  "  ",    "? ",
        "\xff", "\xc3", "%",  "null", "0777", "{{ a.b }}", "<<: *a", "---\n", "env:X", "loop:"};
    const std::size_t at = below(text.size() + 1);
    const auto [begin, size] = line_of(text);
    switch (below(8)) {
      case 0:
        text.insert(at, pieces[below(pieces.size())]);
        break;
      case 1:
        text.erase(at, 1 + below(4));
        break;
      case 2:
        text.erase(begin, size);
        break;
      case 3:
        text.insert(begin, text.substr(begin, size));
        break;
      case 4:
        text.insert(begin, std::string(1 + below(4), ' '));
        break;
      case 5: {
        const std::string& other = texts_[below(texts_.size())];
        const auto [from, count] = line_of(other);
        text.insert(begin, other, from, count);
        break;
      }
      case 6:
        text.resize(at);
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
    }
  }

  const std::vector<std::string>& texts_;
  std::mt19937 random_;  // the same mutants on every machine
};

void check_answer(const std::string& text, const LoadedDocument& loaded) {
  bool good = loaded.document || loaded.diagnostics.has_errors();
  for (const Diagnostic& item : loaded.diagnostics.items()) {
    const SourceText& source = *loaded.diagnostics.source();
    good &= item.where.known() && item.where.line <= source.line_count() &&
            item.where.column <= source.line(item.where.line).size() + 2;
    good &= !item.message.empty() && !render_text(item, false).empty();
  }
  if (good) return;
  UNSCOPED_INFO(text);
  for (const Diagnostic& item : loaded.diagnostics.items()) {
    UNSCOPED_INFO(render_text(item, false));
  }
  FAIL_CHECK("no answer, or one without a place");
}

}  // namespace

TEST_CASE("a document changed at random is taken or refused with a place") {
  const std::vector<std::string> texts = good_documents();
  REQUIRE(texts.size() > 50);
  const char* count = std::getenv("TOEHOLD_MUTANTS");
  const int mutants = count ? std::atoi(count) : 15;
  const ActionRegistry registry(builtin_actions());
  Mutator mutator(texts);
  for (int round = 0; round < mutants; ++round) {
    for (const std::string& original : texts) {
      const std::string text = mutator.mutate(original);
      const auto source = std::make_shared<SourceText>("mutant.yaml", text);
      check_answer(text, load_document(source, registry, {}));
    }
  }
}
