// Catch2 of Debian 12 (version 2) and of Debian 13 (version 3) under one name. Every test includes
// this instead of catch2 itself.
#pragma once

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
#else
#include <catch2/catch.hpp>
inline auto ContainsSubstring(const std::string& text) {
  return Catch::Matchers::Contains(text);
}
inline auto StartsWith(const std::string& text) {
  return Catch::Matchers::StartsWith(text);
}
#endif
