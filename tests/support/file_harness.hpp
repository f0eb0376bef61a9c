// Runs one file action on real files in a folder of its own, under the umask 077 that the program
// itself has. Included by the tests of the file actions; never touches anything outside the folder.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "runner/base/error.hpp"
#include "runner/base/umask.hpp"
#include "tests/support/action_harness.hpp"

namespace toehold::test {

class FileHarness : public ActionHarness {
 public:
  FileHarness() : outer_umask_(::umask(077)) {}
  FileHarness(const FileHarness&) = delete;
  FileHarness& operator=(const FileHarness&) = delete;
  ~FileHarness() { ::umask(outer_umask_); }

  /// The outputs of one input map; throws what the action throws, or Error with its message.
  Value does(const Action& action, const Value& input) {
    Outcome outcome = run(action, Value(Value::List{input}));
    if (auto* failed = std::get_if<Failed>(&outcome)) {
      throw Error(Error::Kind::io, failed->message);
    }
    return std::get<Succeeded>(outcome).outputs.at(0);
  }
  /// Why the action fails, with the hint in brackets as the log shows it; "" if it does not.
  std::string failure(const Action& action, const Value& input) {
    try {
      does(action, input);
      return {};
    } catch (const Error& error) {
      return error.full_message() + (error.hint().empty() ? "" : " (" + error.hint() + ")");
    }
  }

  std::string at(const std::string& name) const { return (folder.path() / name).string(); }
  std::string write(const std::string& name, const std::string& content, unsigned mode = 0644) {
    std::filesystem::create_directories((folder.path() / name).parent_path());
    std::ofstream(at(name), std::ios::binary) << content;
    ::chmod(at(name).c_str(), mode);
    return at(name);
  }
  std::string make_folder(const std::string& name, mode_t mode = 0755) {
    std::filesystem::create_directories(folder.path() / name);
    ::chmod(at(name).c_str(), mode);
    return at(name);
  }
  std::string link(const std::string& name, const std::string& target) {
    std::filesystem::create_symlink(target, at(name));
    return at(name);
  }
  std::string read(const std::string& name) const { return read_file(at(name)); }
  struct stat status(const std::string& name) const {
    struct stat found {};
    if (::lstat(at(name).c_str(), &found) != 0) throw Error::from_errno(at(name), errno);
    return found;
  }
  unsigned mode(const std::string& name) const { return status(name).st_mode & 07777; }
  bool there(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(at(name)));
  }
  /// Everything below `name`, sorted: nothing was left behind and nothing else was made.
  std::vector<std::string> below(const std::string& name = "") const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(at(name))) {
      names.push_back(entry.path().lexically_relative(at(name)).string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  static bool root() { return ::geteuid() == 0; }

 private:
  mode_t outer_umask_;
};

/// What the static check of an action says of one input map.
inline std::vector<std::string> check_findings(const Action& action, const Value& input) {
  Diagnostics diagnostics(nullptr);
  const auto deferred = [](const Value& value) {
    return value.text().find("{{") != std::string::npos;
  };
  if (action.info.check) action.info.check(input, deferred, diagnostics);
  std::vector<std::string> messages;
  for (const auto& item : diagnostics.items()) messages.push_back(item.message);
  return messages;
}

using Names = std::vector<std::string>;

}  // namespace toehold::test
