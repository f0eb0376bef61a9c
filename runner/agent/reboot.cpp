#include "runner/agent/reboot.hpp"

#include <unistd.h>

#include <filesystem>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"

extern char** environ;

namespace toehold {

namespace {

const fs::path unit_path = "/etc/systemd/system/toehold-resume.service";
const fs::path environment_path = "/var/lib/toehold/resume.environment";

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

/// Our variables in the form of an EnvironmentFile. Credentials of a session are left out: they
/// would hide those of the instance's role, and be over by then.
std::string environment_text() {
  std::string text;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view variable = *entry;
    const std::size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string_view::npos) continue;
    if (variable.starts_with("AWS_SECRET") || variable.starts_with("AWS_SESSION")) continue;
    text += std::string(variable.substr(0, equals)) + "=\"";
    for (const char c : variable.substr(equals + 1)) {
      if (c == '"' || c == '\\' || c == '`' || c == '$') text += '\\';
      text += c;
    }
    text += "\"\n";
  }
  return text;
}

/// Anyone may ask systemd for a unit's Environment=, but not for what an EnvironmentFile= holds.
std::string resume_unit(const std::vector<std::string>& argv, const std::string& directory) {
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
  unit += "WorkingDirectory=" + replace_all(directory, "%", "%%") + "\n";
  unit += "EnvironmentFile=" + environment_path.string() + "\n";
  unit += "ExecStart=";
  for (const std::string& argument : argv) unit += quote(argument) + " ";
  unit.back() = '\n';
  return unit + "\n[Install]\nWantedBy=multi-user.target\n";
}

}  // namespace

void arm_resume(const std::vector<std::string>& argv, ProcessRunner& processes) {
  std::error_code error;
  if (!fs::is_directory(unit_path.parent_path(), error)) {
    throw Error(Error::Kind::unsupported, "this machine has no systemd to go on after a reboot",
                "run with --reboot exit, reboot the machine, and give the same command again");
  }
  std::vector<std::string> command = argv;
  command.front() = fs::read_symlink("/proc/self/exe").string();
  make_private_directory(environment_path.parent_path());
  write_file_atomically(environment_path, environment_text());
  write_file_atomically(unit_path, resume_unit(command, fs::current_path().string()));
  systemctl({"daemon-reload"}, processes);
  systemctl({"enable", unit_path.filename().string()}, processes);
}

void disarm_resume(ProcessRunner& processes) {
  std::error_code error;
  if (!fs::exists(unit_path, error)) return;
  systemctl({"disable", unit_path.filename().string()}, processes);
  fs::remove(unit_path, error);
  fs::remove(environment_path, error);
}

void reboot_machine(ProcessRunner& processes) {
  systemctl({"reboot"}, processes);
}

}  // namespace toehold
