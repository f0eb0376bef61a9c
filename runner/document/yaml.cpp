#include "runner/document/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <istream>
#include <streambuf>

#include "runner/document/codes.hpp"
#include "runner/document/mistakes.hpp"
#include "runner/document/raw_text.hpp"
#include "runner/document/tree_builder.hpp"

namespace toehold {

namespace {

/// Half the tokens that the library makes of this character and of a plain text behind it.
std::size_t half_tokens(char c) {
  if (c == '"' || c == '\'') return 1;
  return std::string_view(",[]{}:?!&*#").find(c) == std::string_view::npos ? 0 : 4;
}

/// Gives the text to the library piece by piece, without a copy of it and without its byte order
/// mark. From the beginning of what may be a key on, the library keeps all its tokens, at some 230
/// bytes each; so the text ends early when too many can have come without an event. What a piece
/// means is not looked at, because a second opinion about quotes could be deceived.
class TextBuffer final : public std::streambuf {
 public:
  explicit TextBuffer(const SourceText& source)
      : source_(source), mark_size_(source.text().starts_with("\xEF\xBB\xBF") ? 3 : 0) {
    next_ = mark_size_;
  }

  SourceLocation location(const YAML::Mark& mark) const {
    if (mark.is_null()) return {};
    const int column = mark.column + (mark.line == 0 ? mark_size_ : 0);
    return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(column + 1)};
  }

  void progress(SourceLocation where) {
    waiting_ = 0;
    reached_ = where;
  }
  bool ended_early() const { return waiting_ > most_waiting; }
  void report_early_end(Diagnostics& diagnostics) const {
    diagnostics.error(codes::limit, reached_,
                      "a value has too many brackets, commas and quotes behind this place",
                      "look for a bracket or a quote that is never closed; keep a long text in a "
                      "file of its own, and name the file");
  }

 protected:
  int_type underflow() override {
    constexpr std::size_t piece = 4096;
    const std::string& text = source_.text();
    if (next_ >= text.size() || ended_early()) return traits_type::eof();
    const std::size_t size = std::min(piece, text.size() - next_);
    // The base class wants char*; nothing is ever put back or written.
    char* begin = const_cast<char*>(text.data()) + next_;
    next_ += size;
    for (std::size_t at = 0; at < size; ++at) waiting_ += half_tokens(begin[at]);
    setg(begin, begin, begin + size);
    return traits_type::to_int_type(*begin);
  }

 private:
  static constexpr std::size_t most_waiting = 800'000;

  const SourceText& source_;
  const int mark_size_;
  std::size_t next_ = 0;
  std::size_t waiting_ = 0;
  SourceLocation reached_{1, 1};
};

class Handler final : public YAML::EventHandler {
 public:
  Handler(TreeBuilder& tree, TextBuffer& buffer, Diagnostics& diagnostics)
      : tree_(tree), buffer_(buffer), diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    diagnostics_.error(codes::yaml_syntax, buffer_.location(mark),
                       "a second document begins after '---'",
                       "put every component document in a file of its own");
    throw TreeBuilder::Stop{};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    tree_.null(at(mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    tree_.alias(at(mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    tree_.scalar(at(mark), tag, text, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    tree_.open(Value(Value::List()), at(mark), tag, anchor);
  }
  void OnSequenceEnd() override { tree_.close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    tree_.open(Value(Value::Map()), at(mark), tag, anchor);
  }
  void OnMapEnd() override { tree_.close(); }

 private:
  SourceLocation at(const YAML::Mark& mark) {
    if (buffer_.ended_early()) throw TreeBuilder::Stop{};
    const SourceLocation where = buffer_.location(mark);
    buffer_.progress(where);
    return where;
  }

  TreeBuilder& tree_;
  TextBuffer& buffer_;
  Diagnostics& diagnostics_;
  int documents_ = 0;
};

void read_events(YAML::Parser& parser, Handler& handler, const TextBuffer& buffer,
                 TreeBuilder& tree, Diagnostics& diagnostics) {
  const bool found = parser.HandleNextDocument(handler);
  if (buffer.ended_early()) return;
  if (!found) {
    diagnostics.error(codes::yaml_syntax, {1, 1}, "the document is empty",
                      "a document needs 'schemaVersion:' and 'phases:', a recipe 'name:' and "
                      "'components:'");
    return;
  }
  tree.check_last_quote();
  parser.HandleNextDocument(handler);
}

}  // namespace

std::optional<Value> read_yaml(const SourcePtr& source, Diagnostics& diagnostics,
                               const YamlLimits& limits) {
  if (!check_raw_text(*source, limits, diagnostics)) return std::nullopt;
  TreeBuilder tree(*source, limits, diagnostics);
  TextBuffer buffer(*source);
  try {
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    Handler handler(tree, buffer, diagnostics);
    read_events(parser, handler, buffer, tree, diagnostics);
  } catch (const TreeBuilder::Stop&) {
    // What the tree has by now is whole, or it gives nothing.
  } catch (const YAML::Exception& error) {
    if (!buffer.ended_early()) {
      explain_syntax_error(*source, buffer.location(error.mark), error.msg, diagnostics);
      return std::nullopt;
    }
  }
  if (!buffer.ended_early()) return tree.take();
  buffer.report_early_end(diagnostics);
  return std::nullopt;
}

}  // namespace toehold
