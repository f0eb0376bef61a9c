#include "runner/controller/build_words.hpp"

#include <algorithm>
#include <filesystem>

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/recipe_tables.hpp"

namespace toehold {

RecipeSettings parse_settings(const std::vector<std::string>& typed) {
  RecipeSettings settings;
  for (const std::string& text : typed) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(Error::Kind::usage, "--set: '" + text + "' is not KEY=VALUE");
    }
    settings.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return settings;
}

std::vector<std::string> output_kinds() {
  std::vector<std::string> kinds = output_fields().front().choices;
  std::sort(kinds.begin(), kinds.end());
  return kinds;
}

OutputSpec parse_output(const std::string& text) {
  const std::size_t equals = text.find('=');
  OutputSpec output;
  output.type = text.substr(0, equals);
  const std::vector<std::string> known = output_kinds();
  if (std::find(known.begin(), known.end(), output.type) == known.end()) {
    const std::string hint = did_you_mean(output.type, known);
    throw Error(Error::Kind::usage, "--output: there is no kind '" + output.type + "'",
                hint.empty() ? "kinds: " + join(known, ", ") : hint);
  }
  if (equals != std::string::npos)
    output.path = std::filesystem::absolute(text.substr(equals + 1)).string();
  return output;
}

std::string output_words(const OutputSpec& output) {
  return output.path.empty() ? output.type : output.type + "=" + output.path;
}

}  // namespace toehold
