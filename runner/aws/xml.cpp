#include "runner/aws/xml.hpp"

#include <algorithm>
#include <charconv>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

constexpr std::size_t most_bytes = 32u << 20;
constexpr int deepest = 64;
constexpr std::size_t most_names = 256;  // of the children of one element; keeps the search linear

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// What XML allows of a numeric reference.
bool is_character(std::uint32_t code) {
  return code == 9 || code == 10 || code == 13 || (code >= 0x20 && code <= 0xD7FF) ||
         (code >= 0xE000 && code <= 0xFFFD) || (code >= 0x10000 && code <= 0x10FFFF);
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Value document() {
    if (text_.size() > most_bytes) fail("too long");
    skip_past("\xEF\xBB\xBF");
    skip_between();
    std::string name;
    Value content = element(name, 1);
    skip_between();
    if (at_ != text_.size()) fail("text after the end");
    Value root{Value::Map()};
    root.set(std::move(name), std::move(content));
    return root;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(Error::Kind::aws,
                "not well-formed XML at byte " + std::to_string(at_) + ": " + why);
  }
  bool starts(std::string_view with) const { return text_.substr(at_).starts_with(with); }
  bool skip_past(std::string_view what) {
    if (!starts(what)) return false;
    at_ += what.size();
    return true;
  }
  std::string_view until(std::string_view end, const char* what) {
    const std::size_t found = text_.find(end, at_);
    if (found == std::string_view::npos) fail(std::string("a ") + what + " has no end");
    const std::string_view inside = text_.substr(at_, found - at_);
    at_ = found + end.size();
    return inside;
  }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }
  bool skip_comment() {
    if (skip_past("<!--")) return until("-->", "comment"), true;
    if (skip_past("<?")) return until("?>", "processing instruction"), true;
    return false;
  }
  void skip_between() {
    do skip_blanks();
    while (skip_comment());
  }

  std::string_view name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    if (at_ == begin) fail(starts("!") ? "no document type is read" : "a name is missing");
    return text_.substr(begin, at_ - begin);
  }

  /// True when the element has no content: <Prefix/>.
  bool rest_of_tag() {
    for (;;) {
      skip_blanks();
      if (skip_past("/>")) return true;
      if (skip_past(">")) return false;
      name();
      skip_blanks();
      if (!skip_past("=")) fail("an attribute has no value");
      skip_blanks();
      const char quote = at_ < text_.size() ? text_[at_] : '\0';
      if (quote != '"' && quote != '\'') fail("an attribute's value has no quotes");
      ++at_;
      until(std::string_view(&quote, 1), "value");
    }
  }

  Value element(std::string& local_name, int depth) {
    if (depth > deepest) fail("more than " + std::to_string(deepest) + " elements deep");
    if (!skip_past("<")) fail("an element was expected");
    const std::string_view full_name = name();
    local_name = full_name.substr(full_name.rfind(':') + 1);
    if (rest_of_tag()) return Value("");
    std::string text;
    Value members;
    for (;;) {
      if (at_ == text_.size()) fail("<" + std::string(full_name) + "> has no end");
      if (skip_past("<![CDATA[")) {
        text += until("]]>", "CDATA section");
      } else if (skip_past("</")) {
        if (name() != full_name) fail("<" + std::string(full_name) + "> was to end here");
        skip_blanks();
        if (!skip_past(">")) fail("'>' was expected");
        return members.is_map() ? std::move(members) : Value(std::move(text));
      } else if (skip_comment()) {
        continue;
      } else if (text_[at_] == '<') {
        std::string child;
        Value content = element(child, depth + 1);
        add(members, std::move(child), std::move(content));
      } else {
        characters(text);
      }
    }
  }

  void add(Value& members, std::string name, Value content) {
    Value* known = members.find(name);
    if (!known) {
      if (members.map().size() == most_names) fail("too many kinds of elements in one");
      members.map().push_back({std::move(name), std::move(content), {}});
      return;
    }
    // Content is text or a map, so a list can only be one of these.
    if (!known->is_list()) {
      Value::List list;
      list.push_back(std::move(*known));
      *known = Value(std::move(list));
    }
    known->list().push_back(std::move(content));
  }

  /// Text up to the next tag.
  void characters(std::string& out) {
    while (at_ < text_.size() && text_[at_] != '<') {
      const std::size_t end = std::min(text_.find_first_of("<&\r", at_), text_.size());
      out += text_.substr(at_, end - at_);
      at_ = end;
      if (skip_past("&")) {
        reference(out);
      } else if (skip_past("\r")) {  // line ends are read as \n; a real one comes as &#13;
        skip_past("\n");
        out += '\n';
      }
    }
  }

  void reference(std::string& out) {
    const std::string_view what = until(";", "reference");
    if (what == "lt") {
      out += '<';
    } else if (what == "gt") {
      out += '>';
    } else if (what == "amp") {
      out += '&';
    } else if (what == "apos") {
      out += '\'';
    } else if (what == "quot") {
      out += '"';
    } else if (what.starts_with('#')) {
      const bool hex = what.starts_with("#x");
      const std::string_view digits = what.substr(hex ? 2 : 1);
      std::uint32_t code = 0;
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
      const bool whole = error == std::errc() && end == digits.data() + digits.size();
      if (!whole || !is_character(code)) fail("no character has the number " + std::string(digits));
      append_utf8(out, code);
    } else {
      fail("the entity '" + printable(what.substr(0, 40)) + "' is not known");
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Value parse_xml_answer(std::string_view text, const std::string& call) {
  try {
    return parse_xml(text);
  } catch (const Error& error) {
    throw Error(Error::Kind::aws, call + ": the answer is " + error.what());
  }
}

Value parse_xml(std::string_view text) {
  return Reader(text).document();
}

std::vector<Value> children(const Value& parent, std::string_view name) {
  const Value* found = parent.find(name);
  if (!found) return {};
  if (found->is_list()) return found->list();
  return {*found};
}

std::string text_at(const Value& root, std::initializer_list<std::string_view> path) {
  const Value* at = &root;
  for (const std::string_view name : path) {
    at = at->find(name);
    if (!at) return {};
  }
  return at->text();
}

}  // namespace toehold::aws
