#include "runner/controller/image_name.hpp"

#include <algorithm>
#include <variant>

#include "runner/document/template.hpp"

namespace toehold {

namespace {

std::string value_of(const Reference& reference, const ImageFacts& facts) {
  const std::string& name = reference.inner;
  if (name == "imagebuilder:buildDate") return format_utc(facts.built, "%Y-%m-%dT%H-%M-%S.000Z");
  if (name == "imagebuilder:buildVersion") return format_utc(facts.built, "%Y%m%d%H%M%S");
  if (name == "buildId") return facts.build_id;
  if (name == "name") return facts.name;
  if (name == "version") return facts.version;
  if (name == "region") return facts.region;
  return reference.raw;
}

bool fits(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("()[] ./-'@_").find(c) != std::string_view::npos;
}

}  // namespace

const std::vector<Placeholder>& image_placeholders() {
  static const std::vector<Placeholder> placeholders{
      {"imagebuilder:buildDate", "When the build began, in UTC: `2026-11-26T05-01-02.000Z`.", true},
      {"imagebuilder:buildVersion",
       "A number that grows from build to build: `20261126050102`, the same as digits.", true},
      {"buildId", "Id of the build.", true},
      {"name", "Name of the recipe.", false},
      {"version", "Version of the recipe.", false},
      {"region", "The region.", false},
  };
  return placeholders;
}

std::string fill_placeholders(const std::string& text, const ImageFacts& facts) {
  std::string filled;
  for (const auto& part : parse_template(text).parts) {
    if (const auto* literal = std::get_if<std::string>(&part)) {
      filled += *literal;
    } else {
      filled += value_of(std::get<Reference>(part), facts);
    }
  }
  return filled;
}

std::string image_name_problem(const std::string& name) {
  if (name.size() < 3) return "has fewer than 3 characters";
  if (name.size() > 128) {
    return "has " + std::to_string(name.size()) + " characters, and 128 at most are taken";
  }
  const auto bad = std::find_if(name.begin(), name.end(), [](const char c) { return !fits(c); });
  if (bad == name.end()) return {};
  // A character of several bytes is shown whole.
  auto end = bad + 1;
  while (end != name.end() && (static_cast<unsigned char>(*end) & 0xC0) == 0x80) ++end;
  return "has '" + std::string(bad, end) +
         "' in it, and only letters, digits, blanks and ()[]./-'@_ are taken";
}

}  // namespace toehold
