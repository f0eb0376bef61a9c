#include "runner/agent/reboot.hpp"

#include <unistd.h>

#include <filesystem>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

extern char** environ;

namespace toehold {

namespace {

const fs::path unit_path = "/etc/systemd/system/toehold-resume.service";

/// Inside double quotes systemd reads \ and " by C rules, % as a specifier and $ as a variable.
std::string quote(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '\\' || c == '"') quoted += '\\';
    if (c == '%' || c == '$') quoted += c;
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

void systemctl(std::vector<std::string> arguments, ProcessRunner& processes) {
  Command command;
  command.argv = {"systemctl"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  std::string output;
  const ProcessResult result = processes.run(
      command, [&](Stream, std::string_view bytes) { output += bytes; }, [](int) {},
      Deadline(std::chrono::steady_clock::now() + std::chrono::seconds(60)), {});
  if (result.succeeded()) return;
  throw Error(Error::Kind::process,
              "systemctl " + arguments.front() + ": " + describe(result) + " " + output,
              "run with --reboot exit, reboot the machine, and give the same command again");
}

std::vector<std::pair<std::string, std::string>> own_environment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) {
      variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return variables;
}

}  // namespace

std::string resume_unit(const std::vector<std::string>& argv, const std::string& directory,
                        const std::vector<std::pair<std::string, std::string>>& environment) {
  std::string unit =
      "[Unit]\n"
      "Description=Goes on with a toehold run after its reboot\n"
      "After=network-online.target\n"
      "Wants=network-online.target\n"
      "\n"
      "[Service]\n"
      "Type=exec\n"
      "KillMode=process\n"
      "OOMScoreAdjust=-900\n";
  unit += "WorkingDirectory=" + directory + "\n";
  for (const auto& [name, value] : environment) {
    // Credentials of a session have no place in a file; an instance's role does not need them.
    if (name.starts_with("AWS_SECRET") || name.starts_with("AWS_SESSION")) continue;
    std::string entry = quote(name + "=" + value);
    std::size_t at = 0;
    while ((at = entry.find("$$", at)) != std::string::npos) entry.erase(at++, 1);  // literal here
    unit += "Environment=" + entry + "\n";
  }
  unit += "ExecStart=";
  for (const std::string& argument : argv) unit += quote(argument) + " ";
  unit.back() = '\n';
  unit += "\n[Install]\nWantedBy=multi-user.target\n";
  return unit;
}

void arm_resume(const std::vector<std::string>& argv, ProcessRunner& processes) {
  std::error_code error;
  if (!fs::is_directory(unit_path.parent_path(), error)) {
    throw Error(Error::Kind::unsupported, "this machine has no systemd to go on after a reboot",
                "run with --reboot exit, reboot the machine, and give the same command again");
  }
  std::vector<std::string> command = argv;
  command.front() = fs::read_symlink("/proc/self/exe").string();
  write_file_atomically(unit_path,
                        resume_unit(command, fs::current_path().string(), own_environment()));
  systemctl({"daemon-reload"}, processes);
  systemctl({"enable", unit_path.filename().string()}, processes);
}

void disarm_resume(ProcessRunner& processes) {
  std::error_code error;
  if (!fs::exists(unit_path, error)) return;
  systemctl({"disable", unit_path.filename().string()}, processes);
  fs::remove(unit_path, error);
}

void reboot_machine(ProcessRunner& processes) {
  systemctl({"reboot"}, processes);
}

}  // namespace toehold
