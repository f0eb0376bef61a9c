#include "runner/base/platform.hpp"

#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <vector>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// The value of a line of os-release(5): bare, or quoted as in a shell.
std::string unquote(std::string_view text) {
  if (text.size() < 2 || (text.front() != '"' && text.front() != '\'') ||
      text.back() != text.front()) {
    return std::string(text);
  }
  const bool escapes = text.front() == '"';
  std::string value;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (escapes && text[i] == '\\' && i + 2 < text.size()) ++i;
    value += text[i];
  }
  return value;
}

std::string first_readable(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    try {
      return read_file(path, 1 << 20);
    } catch (const Error&) {  // the next one, then; a chroot may have none
    }
  }
  return {};
}

std::map<std::string, std::string> read_os_release(const std::string& root) {
  std::map<std::string, std::string> fields;
  const std::string text = first_readable({root + "/etc/os-release", root + "/usr/lib/os-release"});
  for (const auto& line : split(text, '\n')) {
    const auto equals = line.find('=');
    if (line.empty() || line.front() == '#' || equals == std::string::npos) continue;
    fields[std::string(trim(line.substr(0, equals)))] = unquote(trim(line.substr(equals + 1)));
  }
  return fields;
}

/// 32 hex digits in the usual groups.
std::string grouped(const std::string& hex) {
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20, 12);
}

std::string to_hex(std::uint64_t number, std::size_t digits) {
  std::string text(digits, '0');
  for (std::size_t i = digits; i-- > 0; number >>= 4) text[i] = "0123456789abcdef"[number & 15];
  return text;
}

bool is_program(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

Platform read_platform(const std::string& root) {
  Platform platform;
  platform.os = "linux";
  auto release = read_os_release(root);
  platform.os_name = release["NAME"];
  platform.os_version = release["VERSION_ID"];
  platform.os_id = release["ID"];
  if (const auto& like = release["ID_LIKE"]; !like.empty()) platform.os_id += " " + like;
  utsname name{};
  if (::uname(&name) == 0) platform.hostname = name.nodename;
  platform.boot_id = std::string(trim(first_readable({"/proc/sys/kernel/random/boot_id"})));
  platform.root = ::geteuid() == 0;
  return platform;
}

std::optional<std::string> find_in_path(const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (name.find('/') != std::string::npos) {
    return is_program(name) ? std::optional(name) : std::nullopt;
  }
  const char* path = std::getenv("PATH");
  for (const auto& folder : split(path ? path : "/bin:/usr/bin", ':')) {
    // An empty entry means the working directory.
    std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (is_program(candidate)) return candidate;
  }
  return std::nullopt;
}

std::string new_uuid() {
  std::string hex = random_hex(16);
  hex[12] = '4';
  hex[16] = "89ab"[(hex[16] - (hex[16] >= 'a' ? 'a' - 10 : '0')) & 3];
  return grouped(hex);
}

std::string new_time_uuid() {
  using std::chrono::duration_cast;
  // 100 ns since the Gregorian calendar's first day, 1582-10-15.
  constexpr std::uint64_t before_unix = 0x01B21DD213814000;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ticks = before_unix + static_cast<std::uint64_t>(
                                       duration_cast<std::chrono::nanoseconds>(now).count() / 100);
  std::string hex = to_hex(ticks & 0xffffffff, 8) + to_hex((ticks >> 32) & 0xffff, 4) +
                    to_hex(0x1000 | ((ticks >> 48) & 0x0fff), 4) + random_hex(8);
  hex[16] = "89ab"[(hex[16] - (hex[16] >= 'a' ? 'a' - 10 : '0')) & 3];
  // A random node must have the multicast bit, which no network card's address has.
  const int node = (hex[21] >= 'a' ? hex[21] - 'a' + 10 : hex[21] - '0') | 1;
  hex[21] = "0123456789abcdef"[node];
  return grouped(hex);
}

}  // namespace toehold
