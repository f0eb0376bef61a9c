// The names that machine images get: templates with placeholders in Image Builder's words, and
// EC2's rules for a name. Called by the recipe reader (are they right?) and by the distribution;
// asks nobody anything.
// Source: "Tag Image Builder output resources" of the Image Builder guide; CreateImage of the EC2
// API reference.
#pragma once

#include <string>
#include <vector>

#include "runner/base/clock.hpp"

namespace toehold {

/// What the placeholders stand for.
struct ImageFacts {
  std::string name;      // of the recipe
  std::string version;   // likewise
  std::string build_id;  // "web-20261126-050102-3f2a91"
  std::string region;
  UnixMillis built = 0;  // when the build began; of its fraction of a second nothing is used
};

struct Placeholder {
  const char* name;  // as between the braces
  const char* doc;
  bool of_build;  // differs from build to build
};
const std::vector<Placeholder>& image_placeholders();

/// `text` with the placeholders filled in. Those that are unknown stay as they are.
std::string fill_placeholders(const std::string& text, const ImageFacts& facts);

/// What is wrong with a name, as the end of a sentence; empty for one that EC2 takes.
std::string image_name_problem(const std::string& name);

}  // namespace toehold
