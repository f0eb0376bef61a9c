// The users and groups of this machine, by name. Called by the actions that set owners; never
// changes any. In the static agent, which cannot load the machine's look-up modules (SSSD, LDAP),
// the machine's own `getent` is asked for what its files do not have.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace toehold {

struct UserIds {
  uid_t user;
  gid_t group;  // primary
};

/// Who runs this process; both empty where the machine does not know the user. Any thread.
struct OwnUser {
  std::string name;
  std::string home;
};
OwnUser own_user();

std::optional<UserIds> user_named(const std::string& name);
std::optional<UserIds> user_with_id(uid_t id);
std::optional<gid_t> group_named(const std::string& name);

/// One line of `getent passwd` or `getent group`: the fields after name and password. nullopt for
/// what is no such line.
std::optional<UserIds> parse_user_line(const std::string& line);
std::optional<gid_t> parse_group_line(const std::string& line);

}  // namespace toehold
