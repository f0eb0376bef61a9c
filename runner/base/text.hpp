// Small text helpers: split, join, trim, case, UTF-8 checks and "did you mean".
// Called everywhere; knows nothing of documents and never allocates more than its result.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace toehold {

std::string_view trim(std::string_view text);
/// Splits at every `separator`; "" gives one empty item, as Go's strings.Split does.
std::vector<std::string> split(std::string_view text, char separator);
std::string join(std::span<const std::string> items, std::string_view separator);
/// ASCII only.
std::string lower(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// Whether the whole of `name` is what `pattern` says, where `*` stands for any text and `any_one`,
/// unless it is NUL, for any one byte.
bool wildcard_matches(std::string_view pattern, std::string_view name, char any_one = '\0');

/// The candidate nearest to `word`, if near enough to be a slip of the pen (edit distance of at
/// most a third of the word, at least 2, and 1 in a word of four letters; case counts nothing).
std::optional<std::string> closest_match(std::string_view word,
                                         std::span<const std::string> candidates);
/// `did you mean 'path'?`, or empty where nothing is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

/// Offset of the first byte that is not well-formed UTF-8.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);
/// `text` with U+FFFD for what is malformed, as often as Unicode, Python and browsers write it.
std::string to_valid_utf8(std::string_view text);
/// `text` as it may be shown on a terminal: control characters other than tab and newline become
/// spaces or are dropped, escape sequences are removed.
std::string printable(std::string_view text);

/// `1.2s`, `340ms`, `3m04s`, `1h02m`.
std::string format_duration(double seconds);
/// `1 step`, `2 steps`.
std::string count_of(std::size_t count, const std::string& what);
/// `12 B`, `3.4 KiB`, `1.0 GiB`.
std::string format_size(unsigned long long bytes);

}  // namespace toehold
