#include "runner/base/user_namespace.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/text.hpp"
#include "runner/base/umask.hpp"

namespace toehold {

namespace {

constexpr const char* mark = "TOEHOLD_USER_NAMESPACE";  // in the environment: make one
constexpr std::uint64_t all_ids = 0xffffffff;

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string read_or_nothing(const char* path) {
  try {
    return read_file(path, 4u << 20);
  } catch (const Error&) {
    return {};
  }
}

/// Without spaces that only align.
std::string squeezed(const std::string& text) {
  std::string result;
  for (const std::string& word : split(text, ' ')) {
    if (!word.empty()) result += (result.empty() ? "" : " ") + word;
  }
  return result;
}

std::string name_of(uid_t user) {
  const passwd* entry = ::getpwuid(user);
  return entry ? entry->pw_name : std::to_string(user);
}

/// What the user may have: one map for users and one for groups.
std::vector<IdRange> ranges_of(const char* file, uid_t user) {
  return parse_id_ranges(read_or_nothing(file), name_of(user), user);
}

void write_map(const char* file, const std::string& text) {
  const FileDescriptor fd(::open(file, O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), text.data(), text.size()) < 0) {
    throw Error::from_errno(std::string("cannot write ") + file, errno);
  }
}

/// Ourselves as root, and behind it the ranges, as newuidmap and newgidmap take them.
std::vector<std::string> map_command(const char* program, pid_t process, std::uint32_t ourselves,
                                     const std::vector<IdRange>& ranges) {
  std::vector<std::string> words{program, std::to_string(process), "0", std::to_string(ourselves),
                                 "1"};
  std::uint64_t next = 1;
  for (const IdRange& range : ranges) {
    for (const std::uint64_t word :
         {next, std::uint64_t{range.first}, std::uint64_t{range.count}}) {
      words.push_back(std::to_string(word));
    }
    next += range.count;
  }
  return words;
}

bool run_quietly(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execvp(argv.front(), argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return child > 0 && status == 0;
}

/// A process outside of the namespace that is to be: the programs that write maps are root's, and
/// only outside they are. Ends with 0 when both maps are written.
class Mapper {
 public:
  Mapper() {
    const pid_t us = ::getpid();
    const uid_t user = ::getuid();
    const gid_t group = ::getgid();
    const auto users = ranges_of("/etc/subuid", user);
    const auto groups = ranges_of("/etc/subgid", user);
    if (::pipe2(pipe_, O_CLOEXEC) != 0) throw Error::from_errno("cannot make a pipe", errno);
    child_ = ::fork();
    if (child_ < 0) throw Error::from_errno("cannot start a process", errno);
    if (child_ > 0) {
      ::close(pipe_[0]);
      return;
    }
    ::close(pipe_[1]);
    char go = 0;
    const bool wanted = ::read(pipe_[0], &go, 1) == 1;
    ::_exit(wanted && run_quietly(map_command("newuidmap", us, user, users)) &&
                    run_quietly(map_command("newgidmap", us, group, groups))
                ? 0
                : 1);
  }
  Mapper(const Mapper&) = delete;
  Mapper& operator=(const Mapper&) = delete;

  bool write_maps(bool wanted) {
    if (wanted) (void)!::write(pipe_[1], "m", 1);
    ::close(pipe_[1]);
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) continue;
    return status == 0;
  }

 private:
  int pipe_[2]{};
  pid_t child_ = 0;
};

/// Where the kernel or its administrator keeps ordinary users from making one.
std::string hint_for_refusal() {
  const auto setting = [](const char* path) { return std::string(trim(read_or_nothing(path))); };
  if (setting("/proc/sys/user/max_user_namespaces") == "0") {
    return "run it as root, or allow them: sysctl user.max_user_namespaces=10000";
  }
  if (setting("/proc/sys/kernel/unprivileged_userns_clone") == "0") {
    return "run it as root, or allow them: sysctl kernel.unprivileged_userns_clone=1";
  }
  if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1") {
    return "run it as root, or allow them: sysctl kernel.apparmor_restrict_unprivileged_userns=0";
  }
  return "run it as root; in a container, user namespaces have to be allowed from outside";
}

}  // namespace

std::vector<IdRange> parse_id_ranges(std::string_view text, const std::string& name,
                                     std::uint32_t id) {
  std::vector<IdRange> ranges;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> parts = split(line, ':');
    if (parts.size() != 3 || (parts[0] != name && parts[0] != std::to_string(id))) continue;
    const auto first = number(trim(parts[1]));
    const auto count = number(trim(parts[2]));
    if (first && count && *count > 0) ranges.push_back({*first, *count});
  }
  return ranges;
}

IdMap current_id_map() {
  IdMap map;
  const std::string users = read_or_nothing("/proc/self/uid_map");
  for (const std::string& line : split(users, '\n')) {
    const std::vector<std::string> words = split(squeezed(line), ' ');
    if (words.size() != 3) continue;
    if (map.count == 0) map.owner = number(words[1]).value_or(0);
    map.count += number(words[2]).value_or(0);
    map.text += squeezed(line) + ";";
  }
  for (const std::string& line : split(read_or_nothing("/proc/self/gid_map"), '\n')) {
    map.text += squeezed(line) + ";";
  }
  map.whole = map.count == 0 || map.count >= all_ids;
  return map;
}

std::uint32_t overflow_id() {
  constexpr std::uint32_t usual = 65534;
  return number(trim(read_or_nothing("/proc/sys/kernel/overflowuid"))).value_or(usual);
}

std::string why_one_id(std::uint32_t user) {
  const std::string name = name_of(user);
  for (const auto& [file, option] :
       {std::pair{"/etc/subuid", "--add-subuids"}, std::pair{"/etc/subgid", "--add-subgids"}}) {
    if (!ranges_of(file, user).empty()) continue;
    return std::string(file) + " has no ids for " + name + ": sudo usermod " + option +
           " 100000-165535 " + name;
  }
  for (const char* program : {"newuidmap", "newgidmap"}) {
    if (!find_in_path(program)) {
      return std::string("there is no ") + program + ": sudo apt-get install uidmap";
    }
  }
  return {};
}

void relaunch_in_user_namespace(char** argv) {
  if (::geteuid() == 0) return;
  ::setenv(mark, "1", 1);
  ::umask(static_cast<mode_t>(caller_umask()));
  ::execv("/proc/self/exe", argv);
  throw Error::from_errno("cannot start this program anew", errno);
}

Command command_in_user_namespace(std::vector<std::string> words) {
  words.insert(words.begin(), "/proc/self/exe");
  return {std::move(words), "/", {{mark, "1"}}};
}

void settle_user_namespace() {
  if (!std::getenv(mark)) return;
  ::unsetenv(mark);
  if (::geteuid() == 0) return;
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  const bool many = why_one_id(user).empty();
  Mapper mapper;
  const bool made = ::unshare(CLONE_NEWUSER) == 0;
  const int reason = errno;
  if (mapper.write_maps(made && many)) return;
  if (!made) {
    throw Error(
        Error::Kind::unsupported,
        "an ordinary user cannot make a user namespace here: " + std::string(std::strerror(reason)),
        hint_for_refusal());
  }
  if (current_id_map().count == 0) {
    write_map("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
  }
  write_map("/proc/self/setgroups", "deny");
  write_map("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
}

}  // namespace toehold
