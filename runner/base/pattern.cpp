#include "runner/base/pattern.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "runner/base/text.hpp"

namespace toehold {

struct Pattern::Compiled {
  Compiled(const std::string& text, const RE2::Options& options) : expression(text, options) {}
  RE2 expression;
};

Pattern::Pattern(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

std::optional<Pattern> Pattern::compile(const std::string& text, std::string& error) {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_log_errors(false);
  options.set_max_mem(8 << 20);
  auto compiled = std::make_unique<Compiled>(text, options);
  if (!compiled->expression.ok()) {
    error = compiled->expression.error();
    return std::nullopt;
  }
  return Pattern(std::move(compiled));
}

bool Pattern::matches(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), compiled_->expression);
}

bool equals_folded(std::string_view a, std::string_view b) {
  const auto is_ascii = [](std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
  };
  if (equals_ignoring_case(a, b)) return true;
  if (is_ascii(a) && is_ascii(b)) return false;
  RE2::Options options;
  options.set_literal(true);
  options.set_case_sensitive(false);
  options.set_log_errors(false);
  options.set_max_mem((8 << 20) + 512 * static_cast<std::int64_t>(a.size()));
  const RE2 expression(re2::StringPiece(a.data(), a.size()), options);  // not ok: a is no UTF-8
  return expression.ok() && RE2::FullMatch(re2::StringPiece(b.data(), b.size()), expression);
}

}  // namespace toehold
