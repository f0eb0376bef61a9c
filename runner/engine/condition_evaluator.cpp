#include "runner/engine/condition_evaluator.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/pattern.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

struct Decimal {
  bool negative = false;
  std::string whole;     // without leading zeros
  std::string fraction;  // without trailing zeros
};

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal number;
  if (text.starts_with('-') || text.starts_with('+')) {
    number.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const auto digits = [](std::string_view part) {
    return !part.empty() &&
           std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  if (!digits(whole)) return std::nullopt;
  if (point != std::string_view::npos) {
    const std::string_view fraction = text.substr(point + 1);
    if (!digits(fraction)) return std::nullopt;
    number.fraction = fraction.substr(0, fraction.find_last_not_of('0') + 1);
  }
  const std::size_t first = whole.find_first_not_of('0');
  if (first != std::string_view::npos) number.whole = whole.substr(first);
  if (number.whole.empty() && number.fraction.empty()) number.negative = false;
  return number;
}

int compare_magnitude(const Decimal& a, const Decimal& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  const int whole = a.whole.compare(b.whole);
  const int order = whole != 0 ? whole : a.fraction.compare(b.fraction);
  return order < 0 ? -1 : (order > 0 ? 1 : 0);
}

/// YAML floats may be written `1e3`, `.5` and `5.`; texts may not.
std::string number_text(const Value& written, const std::string& text) {
  if (written.kind() != Value::Kind::number) return text;
  if (text.find_first_of("eE") == std::string::npos) {
    std::string digits = text;
    if (digits.ends_with('.')) digits.pop_back();
    if (const std::size_t point = digits.find('.'); point == digits.find_first_not_of("+-")) {
      digits.insert(point, "0");
    }
    return digits;
  }
  const auto number = written.as_double();
  if (!number) return text;
  std::array<char, 400> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), *number,
                                 std::chars_format::fixed);
  return {buffer.data(), end.ptr};
}

bool binary_exists(ProcessRunner& processes, const std::stop_token& stop, const std::string& name) {
  // The name is an argument of a constant script, never a part of it.
  Command command;
  command.argv = {"bash", "-c", "type -- \"$1\" >/dev/null 2>&1", "bash", name};
  const ProcessResult result = processes.run(
      command, [](Stream, std::string_view) {}, [](int) {}, Deadline(), stop);
  return result.succeeded();
}

}  // namespace

std::optional<int> compare_numbers(std::string_view a, std::string_view b) {
  const auto left = parse_decimal(a);
  const auto right = parse_decimal(b);
  if (!left || !right) return std::nullopt;
  if (left->negative != right->negative) return left->negative ? -1 : 1;
  const int order = compare_magnitude(*left, *right);
  return left->negative ? -order : order;
}

bool ConditionEvaluator::holds(const Condition& condition) const {
  const auto true_term = [this](const Condition& term) { return holds(term); };
  switch (condition.op) {
    case Operator::and_:
      return std::all_of(condition.terms.begin(), condition.terms.end(), true_term);
    case Operator::or_:
      return std::any_of(condition.terms.begin(), condition.terms.end(), true_term);
    case Operator::not_:
      return !holds(condition.terms.front());
    default:
      return compare(condition);
  }
}

bool ConditionEvaluator::compare(const Condition& condition) const {
  const std::string operand = resolve_(condition.operand);
  const std::string other = resolve_(condition.other);
  // `value` OP operand: stringLessThan: 'b' with value: 'a' holds.
  const auto text_order = [&] {
    return equals_folded(other, operand) ? 0 : lower(other).compare(lower(operand));
  };
  const auto number_order = [&] {
    return compare_numbers(number_text(condition.other, other),
                           number_text(condition.operand, operand));
  };
  switch (condition.op) {
    case Operator::string_is_empty:
      return operand.empty();
    case Operator::string_is_whitespace:
      return !operand.empty() && operand.find_first_not_of(" \t\r\n\f\v") == std::string::npos;
    case Operator::string_equals:
      return equals_folded(other, operand);
    case Operator::string_less_than:
      return text_order() < 0;
    case Operator::string_less_than_equals:
      return text_order() <= 0;
    case Operator::string_greater_than:
      return text_order() > 0;
    case Operator::string_greater_than_equals:
      return text_order() >= 0;
    case Operator::pattern_matches: {
      std::string why;
      const auto pattern = Pattern::compile(operand, why);
      if (!pattern) {
        throw Error(Error::Kind::document, "patternMatches: '" + operand + "': " + why);
      }
      return pattern->matches(other);
    }
    case Operator::number_equals:
      return number_order() == 0;
    case Operator::number_less_than:
      return number_order().value_or(1) < 0;
    case Operator::number_less_than_equals:
      return number_order().value_or(1) <= 0;
    case Operator::number_greater_than:
      return number_order().value_or(-1) > 0;
    case Operator::number_greater_than_equals:
      return number_order().value_or(-1) >= 0;
    case Operator::binary_exists:
      return probe_.binary_exists(operand);
    case Operator::file_exists:
      return probe_.file_exists(operand);
    case Operator::folder_exists:
      return probe_.folder_exists(operand);
    case Operator::file_md5_equals:
      return has_digest(DigestAlgorithm::md5, other, operand);
    case Operator::file_sha1_equals:
      return has_digest(DigestAlgorithm::sha1, other, operand);
    case Operator::file_sha256_equals:
      return has_digest(DigestAlgorithm::sha256, other, operand);
    case Operator::file_sha512_equals:
      return has_digest(DigestAlgorithm::sha512, other, operand);
    case Operator::and_:
    case Operator::or_:
    case Operator::not_:
      break;
  }
  return false;
}

bool ConditionEvaluator::has_digest(DigestAlgorithm algorithm, const std::string& path,
                                    const std::string& expected) const {
  const auto found = probe_.file_digest(algorithm, path);
  return found && equals_ignoring_case(*found, trim(expected));
}

MachineProbe probe_here(ProcessRunner& processes, std::stop_token stop) {
  namespace fs = std::filesystem;
  return {
      [&processes, stop](const std::string& name) { return binary_exists(processes, stop, name); },
      [](const std::string& path) {
        std::error_code error;
        return fs::exists(path, error) && !fs::is_directory(path, error);
      },
      [](const std::string& path) {
        std::error_code error;
        return fs::is_directory(path, error);
      },
      [](DigestAlgorithm algorithm, const std::string& path) -> std::optional<std::string> {
        std::error_code error;
        if (!fs::is_regular_file(path, error)) return std::nullopt;
        return digest_of_file(algorithm, path);
      }};
}

}  // namespace toehold
