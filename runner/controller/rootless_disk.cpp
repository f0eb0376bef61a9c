#include "runner/controller/rootless_disk.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "runner/agent/program.hpp"
#include "runner/agent/run_directory.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/base/user_namespace.hpp"
#include "runner/controller/commands.hpp"

namespace toehold {

namespace {

constexpr const char* command_name = "make-disk";

void tell(const char* key, const std::string& text) {
  std::puts(to_json(Value::object({{key, text}})).c_str());
  std::fflush(stdout);
}

/// What the process in the namespace does; each line that it prints has one key.
void make_disk(const QemuOptions& options, const std::stop_token& stop) {
  RealProcessRunner processes;
  const auto note = [](const std::string& text) { tell("note", text); };
  try {
    tell("disk", prepare_machine_base(options, processes, note, stop).disk.string());
  } catch (const Error& error) {
    tell("error", error.full_message());
    if (!error.hint().empty()) tell("hint", error.hint());
  }
}

struct Told {
  std::string disk, error, hint, complaint;
};

Told listen(const Command& command, ProcessRunner& processes, const TellProgress& note,
            std::stop_token stop) {
  Told told;
  std::string lines;
  const auto take = [&](const Value& line) {
    if (const Value* text = line.find("note")) note(text->text());
    if (const Value* text = line.find("disk")) told.disk = text->text();
    if (const Value* text = line.find("error")) told.error = text->text();
    if (const Value* text = line.find("hint")) told.hint = text->text();
  };
  const ProcessResult result = processes.run(
      command,
      [&](Stream stream, std::string_view bytes) {
        (stream == Stream::out ? lines : told.complaint) += bytes;
        for (std::size_t end; (end = lines.find('\n')) != std::string::npos;) {
          take(parse_json(std::string_view(lines).substr(0, end)));
          lines.erase(0, end + 1);
        }
      },
      [](int) {}, Deadline(), std::move(stop));
  if (result.cancelled) throw Error(Error::Kind::cancelled, "interrupted");
  if (told.disk.empty() && told.error.empty()) {
    told.error = describe(result) + "\n" + std::string(trim(told.complaint));
  }
  return told;
}

}  // namespace

MachineBase prepare_base_for_user(const QemuOptions& options, ProcessRunner& processes,
                                  const TellProgress& note, std::stop_token stop) {
  if (::geteuid() == 0 || !format_of_base(options.base).empty()) {
    return prepare_machine_base(options, processes, note, stop);
  }
  Command command =
      command_in_user_namespace({command_name, options.base, std::to_string(options.disk_size)});
  command.environment.emplace_back("TOEHOLD_HOME", state_base().string());
  const Told told = listen(command, processes, note, std::move(stop));
  if (told.error.empty()) return {told.disk, "qcow2"};
  throw Error(Error::Kind::process, "cannot make a disk of " + options.base + ": " + told.error,
              told.hint);
}

void check_base_for_user(const QemuOptions& options) {
  if (::geteuid() == 0 || !format_of_base(options.base).empty()) return;
  const std::string cannot = "a disk of " + options.base + " cannot be made: ";
  const std::string why = why_one_id(::geteuid());
  if (!why.empty()) {
    throw Error(Error::Kind::unsupported,
                cannot + "it has files of several users, and you have no ids for them", why);
  }
  struct stat root {};
  if (::stat(options.base.c_str(), &root) != 0 || !S_ISDIR(root.st_mode)) return;
  if (root.st_uid == ::geteuid()) return;
  throw Error(Error::Kind::unsupported,
              cannot + "the folder is not yours, and its owners would be nobody there",
              "run it as root, or let its owner pack it with `tar --numeric-owner` and name that");
}

void add_make_disk(CLI::App& app, CommandContext& context) {
  auto typed = std::make_shared<QemuOptions>();
  CLI::App* command = app.add_subcommand(command_name)->group("");
  command->add_option("base", typed->base)->required();
  command->add_option("size", typed->disk_size)->required();
  command->callback([typed, &context] { make_disk(*typed, context.stop); });
}

}  // namespace toehold
