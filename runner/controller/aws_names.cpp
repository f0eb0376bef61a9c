#include "runner/controller/aws_names.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <vector>

#include "runner/base/text.hpp"
#include "runner/base/value.hpp"

namespace toehold {

namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view lower_letters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view lower_or_digit = "abcdefghijklmnopqrstuvwxyz0123456789";

bool is_address(int family, const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> ignored{};
  return inet_pton(family, text.c_str(), ignored.data()) == 1;
}

}  // namespace

bool only(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

bool is_account(const std::string& text) {
  return text.size() == 12 && only(text, digits);
}

bool is_region(const std::string& text) {
  const std::vector<std::string> parts = split(text, '-');
  if (parts.size() < 3 || parts.front().size() < 2) return false;
  const bool words = std::all_of(parts.begin(), parts.end() - 1,
                                 [](const std::string& part) { return only(part, lower_letters); });
  return words && only(parts.back(), digits);
}

bool is_resource_id(const std::string& text, const std::string& prefix) {
  return text.starts_with(prefix) &&
         only(std::string_view(text).substr(prefix.size()), "0123456789abcdef");
}

bool is_instance_type(const std::string& text) {
  const std::vector<std::string> parts = split(text, '.');
  return parts.size() == 2 && std::all_of(parts.begin(), parts.end(), [](const auto& part) {
           return only(part, "abcdefghijklmnopqrstuvwxyz0123456789-");
         });
}

bool is_bucket_name(const std::string& text) {
  if (text.size() < 3 || text.size() > 63) return false;
  const std::vector<std::string> labels = split(text, '.');
  const bool good = std::all_of(labels.begin(), labels.end(), [](const std::string& label) {
    return only(label, "abcdefghijklmnopqrstuvwxyz0123456789-");
  });
  return good && lower_or_digit.find(text.front()) != std::string_view::npos &&
         lower_or_digit.find(text.back()) != std::string_view::npos && !is_address(AF_INET, text);
}

bool is_instance_profile_name(const std::string& text) {
  return text.size() <= 128 && only(lower(text), "abcdefghijklmnopqrstuvwxyz0123456789+=,.@_-");
}

bool is_address_range(const std::string& text) {
  const std::vector<std::string> parts = split(text, '/');
  if (parts.size() != 2 || !only(parts[1], digits)) return false;
  const auto prefix = Value(parts[1]).as_int();
  return prefix && ((*prefix <= 32 && is_address(AF_INET, parts[0])) ||
                    (*prefix <= 128 && is_address(AF_INET6, parts[0])));
}

}  // namespace toehold
