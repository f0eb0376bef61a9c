#include "runner/document/template.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "runner/base/text.hpp"

namespace toehold {

namespace {

struct Span {
  std::size_t begin = 0;  // of "{{"
  std::size_t end = 0;    // behind "}}"
};

/// The next `{{ … }}` that stands on one line. The innermost braces win, so that `{{{ Name }}}` and
/// an earlier `{{` that is never closed do not hide a reference.
std::optional<Span> next_reference(std::string_view text, std::size_t from) {
  std::size_t open = text.find("{{", from);
  while (open != std::string_view::npos) {
    const std::size_t close = text.find("}}", open + 2);
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view between = text.substr(open, close - open);
    const std::size_t line = between.rfind('\n');
    const std::size_t same_line = line == std::string_view::npos ? 0 : line + 1;
    const std::size_t last = between.rfind("{{");
    if (last != std::string_view::npos && last >= same_line) return Span{open + last, close + 2};
    open = text.find("{{", close + 2);
  }
  return std::nullopt;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_name_char);
}

/// Phase and step names: their characters are nowhere laid down, so all that does not belong to a
/// reference's own syntax or to other template languages.
bool is_step_name(std::string_view text) {
  constexpr std::string_view forbidden = "[](){}|\"'`$,:;=<>\t";
  return !text.empty() && trim(text) == text &&
         text.find_first_of(forbidden) == std::string_view::npos;
}

/// Takes `inputs`, `outputs[3]` … apart.
bool parse_side(std::string_view text, Reference& reference) {
  const std::size_t bracket = text.find('[');
  const std::string_view side = text.substr(0, bracket);
  if (side == "inputs") {
    reference.kind = Reference::Kind::step_input;
  } else if (side == "outputs") {
    reference.kind = Reference::Kind::step_output;
  } else {
    return false;
  }
  if (bracket == std::string_view::npos) return true;
  if (text.back() != ']') return false;
  const std::string_view digits = text.substr(bracket + 1, text.size() - bracket - 2);
  std::size_t index = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (digits.empty() || problem != std::errc() || end != digits.data() + digits.size()) {
    return false;
  }
  reference.index = index;
  return true;
}

bool parse_dotted(std::string_view inner, Reference& reference) {
  std::array<std::string_view, 4> parts;
  std::size_t count = 0;
  for (std::size_t begin = 0;; ++count) {
    if (count == parts.size()) return false;
    const std::size_t dot = inner.find('.', begin);
    parts[count] = inner.substr(begin, dot == std::string_view::npos ? dot : dot - begin);
    if (dot == std::string_view::npos) break;
    begin = dot + 1;
  }
  ++count;
  if (count == 2 && is_name(parts[0]) && (parts[1] == "index" || parts[1] == "value")) {
    reference.kind =
        parts[1] == "index" ? Reference::Kind::loop_index : Reference::Kind::loop_value;
    reference.name = parts[0];
    return true;
  }
  if (count != 4 || !is_step_name(parts[0]) || !is_step_name(parts[1]) || !is_name(parts[3])) {
    return false;
  }
  if (!parse_side(parts[2], reference)) return false;
  reference.phase = parts[0];
  reference.step = parts[1];
  reference.name = parts[3];
  return true;
}

/// `aws:ssm:`, `aws:imds:`, `env:` and `context:`.
bool parse_prefixed(std::string_view inner, Reference& reference) {
  const auto rest_after = [&](std::string_view prefix) -> std::optional<std::string_view> {
    if (!inner.starts_with(prefix)) return std::nullopt;
    return inner.substr(prefix.size());
  };
  const auto has_blank = [](std::string_view text) {
    return text.find_first_of(" \t") != std::string_view::npos;
  };
  if (auto name = rest_after("aws:ssm:resolve("); name && name->ends_with(')')) {
    name->remove_suffix(1);
    reference.kind = Reference::Kind::ssm_resolve;
    reference.name = trim(*name);
    return !reference.name.empty();
  }
  if (const auto path = rest_after("aws:ssm:"); path && !path->empty() && !has_blank(*path)) {
    reference.kind = Reference::Kind::ssm;
    reference.name = *path;
    return true;
  }
  if (const auto path = rest_after("aws:imds:"); path && !path->empty() && !has_blank(*path)) {
    reference.kind = Reference::Kind::imds;
    reference.name = *path;
    return true;
  }
  if (const auto name = rest_after("env:"); name && !name->empty()) {
    reference.kind = Reference::Kind::env;
    reference.name = *name;
    return true;
  }
  if (const auto key = rest_after("context:"); key && is_name(*key)) {
    reference.kind = Reference::Kind::context;
    reference.name = *key;
    return true;
  }
  return false;
}

Reference parse_reference(std::string_view raw, std::size_t offset) {
  Reference reference;
  const std::string_view inner = trim(raw.substr(2, raw.size() - 4));
  if (is_name(inner)) {
    reference.kind = Reference::Kind::name;
    reference.name = inner;
  } else if (!parse_prefixed(inner, reference) && !parse_dotted(inner, reference)) {
    reference = Reference();
  }
  reference.raw = raw;
  reference.inner = inner;
  reference.offset = offset;
  return reference;
}

}  // namespace

Template parse_template(std::string_view text) {
  Template result;
  std::size_t at = 0;
  while (const auto span = next_reference(text, at)) {
    if (span->begin > at) result.parts.emplace_back(std::string(text.substr(at, span->begin - at)));
    result.parts.emplace_back(
        parse_reference(text.substr(span->begin, span->end - span->begin), span->begin));
    at = span->end;
  }
  if (at < text.size()) result.parts.emplace_back(std::string(text.substr(at)));
  return result;
}

bool has_reference(std::string_view text) {
  return next_reference(text, 0).has_value();
}

bool is_deferred(const Value& value) {
  return value.kind() == Value::Kind::string && has_reference(value.text());
}

bool is_referable_name(std::string_view name) {
  return is_step_name(name) && name.find('.') == std::string_view::npos;
}

SourceLocation locate(const Reference& reference, const Value& scalar, const SourceText& source) {
  if (!scalar.where.known() || reference.raw.empty()) return scalar.where;
  const std::string_view before = std::string_view(scalar.text()).substr(0, reference.offset);
  std::size_t earlier = 0;
  for (std::size_t at = 0; (at = before.find(reference.raw, at)) != std::string_view::npos; ++at) {
    ++earlier;
  }
  // Indentation and escapes make the text longer in the document than it is; not without bound,
  // or a spelling that stands escaped here would be found in another scalar.
  const auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 2;
  const std::size_t begin = source.offset_of(scalar.where);
  const std::string_view window =
      std::string_view(source.text())
          .substr(begin, before.size() * 6 + lines * 128 + reference.raw.size());
  std::size_t found = window.find(reference.raw);
  for (; earlier > 0 && found != std::string_view::npos; --earlier) {
    found = window.find(reference.raw, found + 1);
  }
  return found == std::string_view::npos ? scalar.where : source.location_at(begin + found);
}

const std::vector<ContextKey>& context_keys() {
  static const std::vector<ContextKey> keys{
      {"executionId", "The id of this run."},
      {"accountId", "The AWS account of the instance."},
      {"region", "The AWS region of the instance."},
      {"osPlatform", "The kind of system: linux."},
      {"osName", "The name of the system, such as Ubuntu: NAME of /etc/os-release."},
      {"osVersion", "The version of the system: VERSION_ID of /etc/os-release."},
      {"date", "Today in UTC: YYYY-MM-DD."},
      {"dateTime", "Now in UTC, by RFC 3339, to the second."},
      {"uuid", "A new random UUID wherever it stands."},
      {"hostname", "The name of the machine."},
      {"phase", "The name of the running phase."},
      {"step", "The name of the running step."},
  };
  return keys;
}

}  // namespace toehold
