#include "runner/document/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <istream>
#include <streambuf>

#include "runner/document/codes.hpp"
#include "runner/document/mistakes.hpp"
#include "runner/document/raw_text.hpp"
#include "runner/document/tree_builder.hpp"

namespace toehold {

namespace {

/// The text as the library is to see it, without a copy of it. A bracket that begins a document
/// could be a key to the library, which would keep all tokens up to its end; behind a document
/// marker in the same line it cannot.
class TextBuffer final : public std::streambuf {
 public:
  explicit TextBuffer(const SourceText& source) : source_(source) {
    const TextStart start = find_start(source.text());
    skipped_ = start.offset;
    if (start.bracket) {
      static char marker[] = {'-', '-', '-', ' '};
      marker_size_ = sizeof marker;
      setg(marker, marker, marker + marker_size_);
    } else {
      underflow();
    }
  }

  SourceLocation location(const YAML::Mark& mark) const {
    if (mark.is_null()) return {};
    const auto at = static_cast<std::size_t>(std::max(mark.pos, 0));
    return source_.location_at(skipped_ + (at > marker_size_ ? at - marker_size_ : 0));
  }

 protected:
  int_type underflow() override {
    if (given_) return traits_type::eof();
    given_ = true;
    // The base class wants char*; nothing is ever put back or written.
    char* text = const_cast<char*>(source_.text().data());
    setg(text + skipped_, text + skipped_, text + source_.text().size());
    return gptr() == egptr() ? traits_type::eof() : traits_type::to_int_type(*gptr());
  }

 private:
  const SourceText& source_;
  std::size_t skipped_ = 0;
  std::size_t marker_size_ = 0;
  bool given_ = false;
};

class Handler final : public YAML::EventHandler {
 public:
  Handler(TreeBuilder& tree, const TextBuffer& buffer) : tree_(tree), buffer_(buffer) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    tree_.null(buffer_.location(mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    tree_.alias(buffer_.location(mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    tree_.scalar(buffer_.location(mark), tag, text, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    tree_.open(Value(Value::List()), buffer_.location(mark), tag, anchor);
  }
  void OnSequenceEnd() override { tree_.close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    tree_.open(Value(Value::Map()), buffer_.location(mark), tag, anchor);
  }
  void OnMapEnd() override { tree_.close(); }

 private:
  TreeBuilder& tree_;
  const TextBuffer& buffer_;
};

/// Stops at whatever comes.
class NothingMore final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { throw mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

void read_to_end(YAML::Parser& parser, const TextBuffer& buffer, Diagnostics& diagnostics) {
  NothingMore nothing;
  try {
    parser.HandleNextDocument(nothing);
  } catch (const YAML::Mark& mark) {
    diagnostics.error(codes::yaml_syntax, buffer.location(mark),
                      "a second document begins after '---'",
                      "put every component document in a file of its own");
  }
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
    Handler handler(tree, buffer);
    if (!parser.HandleNextDocument(handler)) {
      diagnostics.error(codes::yaml_syntax, {1, 1}, "the document is empty",
                        "it needs 'schemaVersion: 1.0' and 'phases:'");
      return std::nullopt;
    }
    tree.check_last_quote();
    read_to_end(parser, buffer, diagnostics);
  } catch (const TreeBuilder::Stop&) {
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    explain_syntax_error(*source, buffer.location(error.mark), error.msg, diagnostics);
    return std::nullopt;
  }
  return tree.take();
}

}  // namespace toehold
