#include "runner/engine/redactor.hpp"

#include <algorithm>

#include "runner/base/base64.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr std::size_t shortest_line = 8;
constexpr std::string_view mask_text = "***";

/// The base64 digits that `secret` alone decides when `skip` bytes stand before it.
std::string base64_at(std::string_view secret, std::size_t skip) {
  const std::string text = base64_encode(std::string(skip, '\0') + std::string(secret));
  const std::size_t begin = skip == 0 ? 0 : skip + 1;
  const std::size_t whole = (skip + secret.size()) * 8 / 6;  // the last digit may hold more bits
  return text.substr(begin, whole - begin);
}

std::string url_escaped(std::string_view text) {
  constexpr const char* hex = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      result += c;
    } else {
      result += '%';
      result += hex[static_cast<unsigned char>(c) >> 4];
      result += hex[static_cast<unsigned char>(c) & 15];
    }
  }
  return result;
}

template <class Visit>
void for_each_text(const Value& value, const Visit& visit) {
  for (const Value& item : value.list()) for_each_text(item, visit);
  for (const auto& member : value.map()) for_each_text(member.value, visit);
  if (value.kind() == Value::Kind::string) visit(value.text());
}

Value masked(const Value& value, const Secrets& secrets) {
  Value result = value;
  if (value.is_list()) {
    for (Value& item : result.list()) item = masked(item, secrets);
  } else if (value.is_map()) {
    for (auto& member : result.map()) member.value = masked(member.value, secrets);
  } else if (value.kind() == Value::Kind::string) {
    result = Value(secrets.mask(value.text()));
  }
  return result;
}

Value hidden(const Value& value) {
  Value result = value;
  if (value.is_list()) {
    for (Value& item : result.list()) item = hidden(item);
  } else if (value.is_map()) {
    for (auto& member : result.map()) member.value = hidden(member.value);
  } else if (!value.text().empty()) {
    result = Value(std::string(mask_text));
  }
  return result;
}

}  // namespace

bool looks_secret(std::string_view name) {
  std::string plain = replace_all(lower(name), "-", "");
  plain = replace_all(plain, "_", "");
  for (const char* word : {"password", "passwd", "passphrase", "secret", "token", "apikey",
                           "privatekey", "accesskey", "credential"}) {
    if (plain.find(word) == std::string::npos) continue;
    // The name or path of a secret is none: secretParameterName, TOKEN_FILE, secret-arn.
    for (const char* holder : {"name", "file", "path", "arn", "id", "url"}) {
      if (plain.ends_with(holder)) return false;
    }
    return true;
  }
  return false;
}

bool Secrets::add(const std::string& secret) {
  if (secret.size() < shortest) return false;
  if (!known_.insert(secret).second) return true;
  add_text(secret);
  // A secret of Secrets Manager is mostly a map, of which one entry is used.
  if (trim(secret).starts_with('{')) {
    try {
      for_each_text(parse_json(secret), [&](const std::string& text) { add(text); });
    } catch (const Error&) {
      // Only looks like JSON.
    }
  }
  return true;
}

void Secrets::add_text(const std::string& secret) {
  add_pattern(secret);
  add_pattern(std::string(trim(secret)));
  for (const std::string& line : split(secret, '\n')) {
    if (trim(line).size() >= shortest_line) add_pattern(std::string(trim(line)));
  }
  for (std::size_t skip = 0; skip < 3; ++skip) {
    const std::string text = base64_at(secret, skip);
    add_pattern(text, true);
    add_pattern(replace_all(replace_all(text, "+", "-"), "/", "_"), true);
  }
  std::string quoted;
  append_json_string(quoted, secret);
  add_pattern(quoted.substr(1, quoted.size() - 2));
  add_pattern(url_escaped(secret));
}

void Secrets::add_pattern(std::string text, bool wraps) {
  if (text.size() < shortest) return;
  for (Pattern& known : patterns_) {
    if (known.text != text) continue;
    known.wraps = known.wraps || wraps;
    return;
  }
  first_bytes_[static_cast<unsigned char>(text.front())] = true;
  patterns_.push_back({std::move(text), wraps});
  std::stable_sort(patterns_.begin(), patterns_.end(),
                   [](const auto& a, const auto& b) { return a.text.size() > b.text.size(); });
}

Secrets::Hit Secrets::match(const Pattern& pattern, std::string_view text) {
  if (!pattern.wraps) {
    const std::size_t size = std::min(pattern.text.size(), text.size());
    if (text.compare(0, size, pattern.text, 0, size) != 0) return {};
    return {size, size < pattern.text.size()};
  }
  std::size_t at = 0;
  for (const char c : pattern.text) {
    if (at > 0 && at < text.size() && text[at] == '\r') ++at;
    if (at > 0 && at < text.size() && text[at] == '\n') ++at;
    if (at == text.size()) return {at, true};
    if (text[at] != c) return {};
    ++at;
  }
  return {at, false};
}

/// The longest secret at the beginning of `text`; with `more` to come, one that may still be there.
Secrets::Hit Secrets::find(std::string_view text, bool more) const {
  if (!first_bytes_[static_cast<unsigned char>(text.front())]) return {};
  Hit longest;
  for (const Pattern& pattern : patterns_) {
    if (pattern.text.front() != text.front()) continue;
    const Hit hit = match(pattern, text);
    if (hit.open && more) return hit;
    if (!hit.open && hit.length > longest.length) longest = hit;
  }
  return longest;
}

/// With `more` to come, stops at `end` where only that will tell.
std::string Secrets::mask_up_to(std::string_view text, bool more, std::size_t& end) const {
  std::string result;
  std::size_t done = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const Hit hit = find(text.substr(at), more);
    if (hit.open) break;
    if (hit.length == 0) {
      ++at;
      continue;
    }
    result.append(text, done, at - done);
    result += mask_text;
    at += hit.length;
    done = at;
  }
  end = at;
  return result.append(text, done, at - done);
}

std::string Secrets::mask(std::string_view text) const {
  std::size_t end = 0;
  return mask_up_to(text, false, end);
}

std::string Secrets::mask_beginning(std::string& text) const {
  std::size_t end = 0;
  std::string result = mask_up_to(text, true, end);
  text.erase(0, end);
  return result;
}

void Redactor::on(const Event& event) {
  if (const auto* piece = std::get_if<Output>(&event.data)) return output(event, *piece);
  const auto ends_output = []<class T>(const T&) {
    return std::is_same_v<T, IterationFinished> || std::is_same_v<T, AttemptFinished> ||
           std::is_same_v<T, StepFinished> || std::is_same_v<T, RebootRequested>;
  };
  if (std::visit(ends_output, event.data)) flush(event.time);
  if (const auto* started = std::get_if<StepStarted>(&event.data); started && !started->logging) {
    hidden_steps_.insert(started->step);
  }
  if (const auto* read = std::get_if<ParameterRead>(&event.data)) {
    // Whether or not the value is long enough to be masked elsewhere.
    return sinks_.on(
        {event.seq, event.time, ParameterRead{read->name, read->type, std::string(mask_text)}});
  }
  if (secrets_.empty() && hidden_steps_.empty()) return sinks_.on(event);
  Event copy = event;
  const auto clean = [&]<class T>(T& data) {
    if constexpr (requires { data.message; }) data.message = secrets_.mask(data.message);
    if constexpr (requires { data.text; }) data.text = secrets_.mask(data.text);
    if constexpr (requires { data.value; }) data.value = secrets_.mask(data.value);
    if constexpr (requires { data.path; }) data.path = secrets_.mask(data.path);
    if constexpr (requires { data.documents; }) data.documents = masked(data.documents, secrets_);
    const auto clean_values = [&](Value& value, const std::string& step) {
      value = hidden_steps_.contains(step) ? hidden(value) : masked(value, secrets_);
    };
    if constexpr (requires { data.inputs; }) clean_values(data.inputs, data.step);
    if constexpr (requires { data.outputs; }) clean_values(data.outputs, data.step);
  };
  std::visit(clean, copy.data);
  if (holds() && std::holds_alternative<Note>(copy.data)) {
    notes_.push_back(std::move(copy));
    return;
  }
  sinks_.on(copy);
}

void Redactor::pass_notes() {
  if (holds()) return;
  for (const Event& note : std::exchange(notes_, {})) sinks_.on(note);
}

void Redactor::output(const Event& event, const Output& piece) {
  if (secrets_.empty() && held_[0].empty() && held_[1].empty()) return sinks_.on(event);
  std::string& held = held_[static_cast<std::size_t>(piece.stream)];
  held += piece.bytes;
  const std::string clean = secrets_.mask_beginning(held);
  last_ = piece;
  last_.bytes = {};
  if (!clean.empty()) {
    Output shown = piece;
    shown.bytes = clean;
    sinks_.on(Event{event.seq, event.time, shown});
  }
  pass_notes();
}

void Redactor::flush(UnixMillis time) {
  for (std::size_t stream = 0; stream < held_.size(); ++stream) {
    if (held_[stream].empty()) continue;
    const std::string rest = secrets_.mask(std::exchange(held_[stream], {}));
    Output shown = last_;
    shown.stream = static_cast<Stream>(stream);
    shown.bytes = rest;
    sinks_.on(Event{0, time, shown});
  }
  pass_notes();
}

}  // namespace toehold
