// Base64 with the standard alphabet and padding. Called by the redactor and for checksums of S3;
// never breaks lines.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace toehold {

std::string base64_encode(std::string_view bytes);
/// nullopt for anything that base64_encode does not write.
std::optional<std::string> base64_decode(std::string_view text);
std::string hex_encode(std::string_view bytes);

}  // namespace toehold
