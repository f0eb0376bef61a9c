// Redactor: masks secrets in every text of every event before a sink sees it; the journal alone
// stands before it. Also in output that arrives in pieces. Registered by the scope as values become
// known; costs nothing while there are none. Best effort by nature: a program can always print a
// secret in a form that nobody foresaw.
#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runner/engine/event_sink.hpp"

namespace toehold {

/// True for a name that tells of a secret: password, token, api_key and the like.
bool looks_secret(std::string_view name);

/// The texts to mask, with the forms in which they show up: as they are, line by line, the texts in
/// it if it is JSON, in base64 at each of the three alignments and however that is broken into
/// lines, and escaped for JSON and URLs.
class Secrets {
 public:
  static constexpr std::size_t shortest = 6;

  /// False for a text too short to be told from ordinary words.
  bool add(const std::string& secret);
  bool empty() const { return patterns_.empty(); }
  std::string mask(std::string_view text) const;
  /// The same for text that comes in pieces: `text` is cut down to an end of it in which a secret
  /// may begin, to be put before the next piece. The pieces come out as the whole would.
  std::string mask_beginning(std::string& text) const;

 private:
  struct Pattern {
    std::string text;
    bool wraps = false;  // a line may end between any two characters
  };
  struct Hit {
    std::size_t length = 0;  // 0: none
    bool open = false;       // so far; the text ends within it
  };
  static Hit match(const Pattern& pattern, std::string_view text);
  void add_text(const std::string& secret);
  void add_pattern(std::string text, bool wraps = false);
  Hit find(std::string_view text, bool more) const;
  std::string mask_up_to(std::string_view text, bool more, std::size_t& end) const;

  std::vector<Pattern> patterns_;  // longest first
  std::set<std::string> known_;
  std::array<bool, 256> first_bytes_{};
};

class Redactor final : public EventSink {
 public:
  /// `secrets` may grow while events pass.
  Redactor(const Secrets& secrets, std::vector<EventSink*> sinks)
      : secrets_(secrets), sinks_(std::move(sinks)) {}
  void on(const Event& event) override;
  void tick() override { sinks_.tick(); }

 private:
  void output(const Event& event, const Output& piece);
  void flush(UnixMillis time);
  bool holds() const { return !held_[0].empty() || !held_[1].empty(); }
  void pass_notes();

  const Secrets& secrets_;
  Tee sinks_;
  /// What is held back per stream because a secret may begin in it.
  std::array<std::string, 2> held_;
  Output last_;
  std::vector<Event> notes_;            // that came behind what is held back
  std::set<std::string> hidden_steps_;  // disableLogging
};

}  // namespace toehold
