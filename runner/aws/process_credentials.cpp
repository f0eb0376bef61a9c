#include "runner/aws/credential_sources.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

constexpr std::size_t most_output_bytes = 64u << 10;
constexpr std::size_t most_shown = 300;

std::string last_line(const std::string& text) {
  const std::vector<std::string> lines = split(trim(text), '\n');
  return std::string(trim(printable(lines.back().substr(0, most_shown))));
}

}  // namespace

std::optional<std::vector<std::string>> shell_words(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (quote == '\0' && blank) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'') {
      if (++i == text.size()) return std::nullopt;
      // Within "..." only these lose the backslash.
      if (quote == '"' && text[i] != '"' && text[i] != '\\') words.back() += '\\';
      words.back() += text[i];
    } else {
      words.back() += c;
    }
  }
  if (quote != '\0') return std::nullopt;
  return words;
}

Credentials run_credential_process(const std::string& command, const std::string& profile,
                                   const Lookup& lookup) {
  const std::string source = "credential_process of profile " + profile;
  const auto words = shell_words(command);
  if (!words || words->empty()) {
    throw Error(Error::Kind::aws, source + " is no command: a quote has no end",
                "write PROGRAM ARGUMENT ... there; no shell reads it");
  }
  std::string out, err;
  const ProcessResult result = lookup.tools.processes.run(
      {*words, {}, {}},
      [&](Stream stream, std::string_view bytes) {
        std::string& text = stream == Stream::out ? out : err;
        if (text.size() < most_output_bytes) text += bytes;
      },
      [](int) {}, lookup.deadline, lookup.stop);
  if (result.cancelled) throw Error(Error::Kind::cancelled, "cancelled while asking " + source);
  if (result.timed_out) throw Error(Error::Kind::timeout, source + " took too long");
  if (!result.succeeded()) {
    const std::string words_of_it = last_line(err);
    throw Error(Error::Kind::aws,
                source + ": " + describe(result) + (words_of_it.empty() ? "" : ": ") + words_of_it,
                "try it: " + command);
  }
  const Value answer = parse_answer(out, source);
  const Value* version = answer.find("Version");
  if (!version || version->as_int() != 1) {
    throw Error(Error::Kind::aws, source + " gave no credentials: its Version is not 1");
  }
  return credentials_in(answer, {}, source);
}

}  // namespace toehold::aws
