#include "runner/base/users.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "runner/base/platform.hpp"
#include "runner/base/process.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

std::optional<unsigned> number_in(const std::string& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Empty when there is no such entry, or no getent. `name` is one argument, never an option.
std::string ask_getent([[maybe_unused]] const char* database,
                       [[maybe_unused]] const std::string& name) {
  std::string line;
#ifdef TOEHOLD_STATIC
  if (name.empty() || name.front() == '-' || !find_in_path("getent")) return line;
  Command command;
  command.argv = {"getent", database, name};
  const Deadline deadline(std::chrono::steady_clock::now() + std::chrono::seconds(30));
  const ProcessResult result = RealProcessRunner().run(
      command,
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::out) line += bytes;
      },
      [](int) {}, deadline, {});
  if (!result.succeeded()) line.clear();
#endif
  return line;
}

}  // namespace

OwnUser own_user() {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> texts;
  ::getpwuid_r(::geteuid(), &entry, texts.data(), texts.size(), &found);
  if (!found) return {};
  const auto text = [](const char* of) { return std::string(of ? of : ""); };
  return {text(found->pw_name), text(found->pw_dir)};
}

std::optional<UserIds> parse_user_line(const std::string& line) {
  const std::vector<std::string> fields = split(std::string(trim(line)), ':');
  if (fields.size() < 4) return std::nullopt;
  const auto user = number_in(fields[2]);
  const auto group = number_in(fields[3]);
  if (!user || !group) return std::nullopt;
  return UserIds{*user, *group};
}

std::optional<gid_t> parse_group_line(const std::string& line) {
  const std::vector<std::string> fields = split(std::string(trim(line)), ':');
  return fields.size() < 3 ? std::nullopt : number_in(fields[2]);
}

std::optional<UserIds> user_named(const std::string& name) {
  if (const passwd* entry = ::getpwnam(name.c_str())) return UserIds{entry->pw_uid, entry->pw_gid};
  return parse_user_line(ask_getent("passwd", name));
}

std::optional<UserIds> user_with_id(uid_t id) {
  if (const passwd* entry = ::getpwuid(id)) return UserIds{entry->pw_uid, entry->pw_gid};
  return parse_user_line(ask_getent("passwd", std::to_string(id)));
}

std::optional<gid_t> group_named(const std::string& name) {
  if (const group* entry = ::getgrnam(name.c_str())) return entry->gr_gid;
  return parse_group_line(ask_getent("group", name));
}

}  // namespace toehold
