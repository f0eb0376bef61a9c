// A user namespace for a program that is started by an ordinary user: in it the user is root, and
// the ids that /etc/subuid and /etc/subgid give the user are the other users. Called by the
// controller for what only root can do to files; changes no id on the disk by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/process.hpp"

namespace toehold {

struct IdRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};
/// The user's ranges in the text of /etc/subuid or /etc/subgid: lines `NAME:FIRST:COUNT`, with the
/// name or the number of the user.
std::vector<IdRange> parse_id_ranges(std::string_view text, const std::string& name,
                                     std::uint32_t id);

/// Which users there are in here.
struct IdMap {
  bool whole = true;        // those of the machine: no user namespace
  std::uint64_t count = 0;  // else how many
  std::uint32_t owner = 0;  // and who is root in here, by the number outside
  std::string text;         // says the same of two processes when their maps are the same
};
IdMap current_id_map();
inline bool in_user_namespace() {
  return !current_id_map().whole;
}

/// The number by which the kernel shows owners who are not in the user namespace.
std::uint32_t overflow_id();

/// Why the user can have no further ids, with what to do about it; empty when it can.
std::string why_one_id(std::uint32_t user);

/// Starts this very program anew, with the same words, as root of a user namespace. Returns only
/// where it is root already. Throws Error(unsupported) with what the machine's administrator can
/// do.
void relaunch_in_user_namespace(char** argv);
/// The same beside us: this very program with `words`, as root of a user namespace.
Command command_in_user_namespace(std::vector<std::string> words);
/// What the program begins with when it was started by one of these; does nothing else. Before
/// there are threads.
void settle_user_namespace();

}  // namespace toehold
