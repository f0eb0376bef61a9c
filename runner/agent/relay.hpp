// `relay`: runs a program for a controller that reaches this machine by short commands only, and
// sends on what it prints. Called by the SSM transport's script with a RelayRequest on stdin; each
// call ends within seconds, while the program and its carrier go on in a session of their own.
#pragma once

#include <filesystem>
#include <string>

namespace CLI {
class App;
}

namespace toehold {

struct CommandContext;

/// What the carrier of one relay and the calls that ask about it share, in memory (/run): gone
/// after a restart, as the program is.
struct RelayFolder {
  /// Throws Error(usage) for an id that is not hex digits.
  explicit RelayFolder(const std::string& id);
  std::filesystem::path directory;
  std::filesystem::path lock;   // held while the carrier lives
  std::filesystem::path post;   // the newest RelayRequest: where chunks go
  std::filesystem::path spool;  // chunks that go to no store
  std::filesystem::path taken;  // how much of the spool has arrived; written by the reader
};

void add_relay(CLI::App& app, CommandContext& context);

}  // namespace toehold
