#include "runner/base/json.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

namespace json = boost::json;

/// Builds the Value while Boost.JSON reads, so that numbers keep the text they had.
struct ValueBuilder {
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  Value root;
  std::vector<Value> open;
  std::vector<std::string> keys;
  std::string text;
  std::string number;

  bool add(Value value) {
    if (open.empty()) {
      root = std::move(value);
    } else if (open.back().is_list()) {
      open.back().list().push_back(std::move(value));
    } else {
      open.back().map().push_back({std::move(keys.back()), std::move(value), {}});
      keys.pop_back();
    }
    return true;
  }
  bool close() {
    Value value = std::move(open.back());
    open.pop_back();
    return add(std::move(value));
  }
  std::string take_text(json::string_view rest) {
    text.append(rest.data(), rest.size());
    return std::exchange(text, {});
  }
  bool take_number(Value::Kind kind, json::string_view rest) {
    number.append(rest.data(), rest.size());
    return add(Value::scalar(kind, std::exchange(number, {})));
  }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    open.emplace_back(Value::Map());
    return true;
  }
  bool on_object_end(std::size_t, json::error_code&) { return close(); }
  bool on_array_begin(json::error_code&) {
    open.emplace_back(Value::List());
    return true;
  }
  bool on_array_end(std::size_t, json::error_code&) { return close(); }
  bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view rest, std::size_t, json::error_code&) {
    keys.push_back(take_text(rest));
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    text.append(part.data(), part.size());
    return true;
  }
  bool on_string(json::string_view rest, std::size_t, json::error_code&) {
    return add(Value(take_text(rest)));
  }
  bool on_number_part(json::string_view part, json::error_code&) {
    number.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t, json::string_view rest, json::error_code&) {
    return take_number(Value::Kind::integer, rest);
  }
  bool on_uint64(std::uint64_t, json::string_view rest, json::error_code&) {
    return take_number(Value::Kind::integer, rest);
  }
  bool on_double(double, json::string_view rest, json::error_code&) {
    return take_number(Value::Kind::number, rest);
  }
  bool on_bool(bool value, json::error_code&) { return add(Value(value)); }
  bool on_null(json::error_code&) { return add(Value()); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

void append(std::string& out, const Value& value, int indent, int depth) {
  const auto line = [&](int level) {
    if (indent == 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(indent * level), ' ');
  };
  switch (value.kind()) {
    case Value::Kind::null:
      out += "null";
      break;
    case Value::Kind::boolean:
      out += value.as_bool().value_or(false) ? "true" : "false";
      break;
    case Value::Kind::integer:
      // A document's 0777 or +5 is a number to its reader but not to JSON.
      out += value.as_int() ? std::to_string(*value.as_int()) : "null";
      break;
    case Value::Kind::number:
      out += value.as_double() ? Value(*value.as_double()).text() : "null";
      break;
    case Value::Kind::string:
      append_json_string(out, value.text());
      break;
    case Value::Kind::list:
      out += '[';
      for (std::size_t i = 0; i < value.list().size(); ++i) {
        if (i != 0) out += ',';
        line(depth + 1);
        append(out, value.list()[i], indent, depth + 1);
      }
      if (!value.list().empty()) line(depth);
      out += ']';
      break;
    case Value::Kind::map:
      out += '{';
      for (std::size_t i = 0; i < value.map().size(); ++i) {
        if (i != 0) out += ',';
        line(depth + 1);
        append_json_string(out, value.map()[i].key);
        out += indent == 0 ? ":" : ": ";
        append(out, value.map()[i].value, indent, depth + 1);
      }
      if (!value.map().empty()) line(depth);
      out += '}';
      break;
  }
}

}  // namespace

Value parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 64;
  json::basic_parser<ValueBuilder> parser(options);
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used < text.size()) {
    if (!trim(text.substr(used)).empty()) error = json::error::extra_data;
  }
  if (error) {
    const SourceText source("json", std::string(text));
    const SourceLocation where = source.location_at(used);
    throw Error(Error::Kind::document, "not valid JSON at line " + std::to_string(where.line) +
                                           ", column " + std::to_string(where.column) + ": " +
                                           error.message());
  }
  return std::move(parser.handler().root);
}

std::string to_json(const Value& value, int indent) {
  std::string out;
  append(out, value, indent, 0);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr const char* hex = "0123456789abcdef";
  std::string repaired;
  if (find_invalid_utf8(text)) {
    repaired = to_valid_utf8(text);
    text = repaired;
  }
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, done, i - done);
    done = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += hex[c >> 4];
        out += hex[c & 15];
    }
  }
  out.append(text, done);
  out += '"';
}

}  // namespace toehold
