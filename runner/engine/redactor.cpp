#include "runner/engine/redactor.hpp"

#include <algorithm>

#include "runner/base/base64.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

constexpr std::size_t shortest_secret = 6;
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
  if (secret.size() < shortest_secret) return false;
  if (!known_.insert(secret).second) return true;
  add_pattern(secret);
  const std::string_view bare = trim(secret);
  if (bare.size() >= shortest_secret) add_pattern(std::string(bare));
  for (const std::string& line : split(secret, '\n')) {
    if (trim(line).size() >= shortest_line) add_pattern(std::string(trim(line)));
  }
  for (std::size_t skip = 0; skip < 3; ++skip) {
    std::string text = base64_at(secret, skip);
    if (text.size() >= shortest_secret) add_pattern(std::move(text));
  }
  std::string quoted;
  append_json_string(quoted, secret);
  add_pattern(quoted.substr(1, quoted.size() - 2));
  add_pattern(url_escaped(secret));
  return true;
}

void Secrets::add_pattern(std::string pattern) {
  if (std::find(patterns_.begin(), patterns_.end(), pattern) != patterns_.end()) return;
  first_bytes_[static_cast<unsigned char>(pattern.front())] = true;
  patterns_.push_back(std::move(pattern));
  std::stable_sort(patterns_.begin(), patterns_.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

std::string Secrets::mask(std::string_view text) const {
  std::string result;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!first_bytes_[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    const auto hit = std::find_if(patterns_.begin(), patterns_.end(), [&](const auto& pattern) {
      return text.compare(at, pattern.size(), pattern) == 0;
    });
    if (hit == patterns_.end()) {
      ++at;
      continue;
    }
    result.append(text, done, at - done);
    result += mask_text;
    at += hit->size();
    done = at;
  }
  if (done == 0) return std::string(text);
  return result.append(text, done);
}

std::size_t Secrets::open_end(std::string_view text) const {
  const std::size_t longest = patterns_.empty() ? 0 : patterns_.front().size() - 1;
  const std::size_t begin = text.size() > longest ? text.size() - longest : 0;
  for (std::size_t at = begin; at < text.size(); ++at) {
    if (!first_bytes_[static_cast<unsigned char>(text[at])]) continue;
    const std::string_view end = text.substr(at);
    for (const std::string& pattern : patterns_) {
      if (end.size() < pattern.size() && pattern.starts_with(end)) return end.size();
    }
  }
  return 0;
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
  if (secrets_.empty() && hidden_steps_.empty()) return sinks_.on(event);
  Event copy = event;
  const auto clean = [&]<class T>(T& data) {
    if constexpr (requires { data.message; }) data.message = secrets_.mask(data.message);
    if constexpr (requires { data.text; }) data.text = secrets_.mask(data.text);
    if constexpr (requires { data.value; }) data.value = secrets_.mask(data.value);
    const auto clean_values = [&](Value& value, const std::string& step) {
      value = hidden_steps_.contains(step) ? hidden(value) : masked(value, secrets_);
    };
    if constexpr (requires { data.inputs; }) clean_values(data.inputs, data.step);
    if constexpr (requires { data.outputs; }) clean_values(data.outputs, data.step);
  };
  std::visit(clean, copy.data);
  sinks_.on(copy);
}

void Redactor::output(const Event& event, const Output& piece) {
  if (secrets_.empty() && held_[0].empty() && held_[1].empty()) return sinks_.on(event);
  std::string& held = held_[static_cast<std::size_t>(piece.stream)];
  std::string text = std::exchange(held, {}).append(piece.bytes);
  std::string clean = secrets_.mask(text);
  const std::size_t open = secrets_.open_end(clean);
  held = clean.substr(clean.size() - open);
  clean.resize(clean.size() - open);
  last_ = piece;
  last_.bytes = {};
  if (clean.empty()) return;
  Output shown = piece;
  shown.bytes = clean;
  sinks_.on(Event{event.seq, event.time, shown});
}

void Redactor::flush(UnixMillis time) {
  for (std::size_t stream = 0; stream < held_.size(); ++stream) {
    if (held_[stream].empty()) continue;
    const std::string rest = std::exchange(held_[stream], {});
    Output shown = last_;
    shown.stream = static_cast<Stream>(stream);
    shown.bytes = rest;
    sinks_.on(Event{0, time, shown});
  }
}

}  // namespace toehold
