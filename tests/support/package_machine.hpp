// A machine for tests of UpdateOS: package managers in PATH that are played back, a folder that
// says whether it needs a restart. Changes PATH of this process while it lives; updates nothing.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "actions/builtin_actions.hpp"
#include "runner/base/text.hpp"
#include "tests/support/action_harness.hpp"

namespace toehold::test {

using Names = std::vector<std::string>;

/// A machine with the given package managers in PATH, whose runs are played back.
class PackageMachine {
 public:
  explicit PackageMachine(const Names& programs) {
    const char* path = std::getenv("PATH");
    old_path_ = path ? path : "";
    for (const std::string& program : programs) {
      std::ofstream(folder.path() / program) << "#!/bin/false\n";
      ::chmod((folder.path() / program).c_str(), 0755);
    }
    ::setenv("PATH", folder.path().c_str(), 1);
    harness.platform.root = true;
    harness.virtual_clock = &clock;
    processes.on_run = [this](const Command& command) {
      for (const std::string& argument : command.argv) {
        constexpr std::string_view option = "Dir::Etc::Preferences=";
        if (argument.starts_with(option)) {
          preferences.push_back(read_file(argument.substr(option.size())));
        }
      }
    };
  }
  ~PackageMachine() { ::setenv("PATH", old_path_.c_str(), 1); }

  Outcome run(const Names& include = {}, const Names& exclude = {}) {
    const Value given = Value::object(
        {{"include", ActionHarness::texts(include)}, {"exclude", ActionHarness::texts(exclude)}});
    return harness.run(update_os(run_folder()), given);
  }
  std::string failure(const Names& include = {}, const Names& exclude = {}) {
    return std::get<Failed>(run(include, exclude)).message;
  }

  /// What was run, one line each; the name of the preferences file, which differs, is left out.
  Names commands() const {
    Names lines;
    for (const Command& command : processes.commands) {
      Names argv = command.argv;
      for (std::string& argument : argv) {
        if (argument.starts_with("Dir::Etc::Preferences=")) argument = "PINS";
      }
      lines.push_back(join(argv, " "));
    }
    return lines;
  }

  fs::path run_folder() const { return folder.path() / "run"; }
  void has_booted() { fs::create_directories(run_folder() / "systemd/system"); }
  void wants_restart() {
    fs::create_directories(run_folder());
    std::ofstream(run_folder() / "reboot-required");
  }
  bool noted(const std::string& text) const {
    return join(harness.notes, "\n").find(text) != std::string::npos;
  }

  TempDirectory folder{fs::temp_directory_path(), "toehold-test-"};
  VirtualClock clock;
  ActionHarness harness;
  ScriptedProcess& processes = harness.processes;
  Names preferences;  // what apt-get was given, one for each call that had one

 private:
  std::string old_path_;
};

inline bool succeeded(const Outcome& outcome) {
  return std::holds_alternative<Succeeded>(outcome);
}

}  // namespace toehold::test
