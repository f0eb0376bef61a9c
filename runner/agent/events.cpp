#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>

#include "runner/agent/commands.hpp"
#include "runner/agent/program.hpp"
#include "runner/agent/run_directory.hpp"
#include "runner/base/clock.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/engine/journal.hpp"

namespace toehold {

namespace {

namespace fs = std::filesystem;

struct EventsOptions {
  std::string run;
  std::string state_directory;
  std::uint64_t after = 0;
  std::size_t max_bytes = 0;
  bool follow = false;
  std::string format = "auto";
};

/// The newest TOE_ folder of `directory`; their names sort by time.
fs::path newest_run(const fs::path& directory) {
  fs::path newest;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("TOE_") && (newest.empty() || name > newest.filename().string())) {
      newest = entry.path();
    }
  }
  if (newest.empty()) {
    throw Error(Error::Kind::io, "there is no log folder (TOE_...) in " + directory.string(),
                "give the log folder, or --state-directory for a run that is under way");
  }
  return newest;
}

/// A journal holds true values, also of secrets; the events of its run are in the log folder.
fs::path events_of_journal(const fs::path& file) {
  const JournalContents journal = read_journal(file);
  if (journal.events.empty()) {
    throw Error(Error::Kind::io, "no run is under way in " + file.parent_path().string(),
                "a finished run is in its log folder: events LOG_FOLDER");
  }
  const auto* started = std::get_if<RunStarted>(&journal.events.front().data);
  if (!started) throw Error(Error::Kind::state, file.string() + " has no beginning");
  return fs::path(started->log_directory) / "events.jsonl";
}

bool is_journal(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  return std::getline(in, line) && !in.eof() && parse_json(line).find("crc");
}

fs::path events_file(const EventsOptions& options) {
  if (!options.state_directory.empty()) {
    return events_of_journal(StateFiles(options.state_directory).journal);
  }
  const fs::path run = options.run.empty() ? newest_run(".") : fs::path(options.run);
  std::error_code error;
  fs::path file = run;
  if (fs::is_directory(run, error)) {
    file = (fs::exists(run / "events.jsonl", error) ? run : newest_run(run)) / "events.jsonl";
  }
  return is_journal(file) ? events_of_journal(file) : file;
}

std::string text_of(const Value& event, const char* key) {
  const Value* value = event.find(key);
  return value ? value->text() : std::string();
}

std::string for_people(const Value& event) {
  std::string line = text_of(event, "time") + "  " + text_of(event, "type");
  for (const char* key : {"step", "document", "phase", "attempt", "status", "result", "exitCode",
                          "message", "text", "path"}) {
    const std::string text = text_of(event, key);
    if (!text.empty()) line += std::string("  ") + key + "=" + printable(text);
  }
  return line;
}

class EventsReader {
 public:
  explicit EventsReader(const EventsOptions& options, bool people)
      : options_(options), people_(people), file_(events_file(options)), input_(file_) {
    if (!input_) throw Error::from_errno("cannot read " + file_.string(), errno);
  }

  /// Prints what is there; true when the run is over or the limit is reached.
  bool read() {
    std::string line;
    while (std::getline(input_, line)) {
      if (input_.eof()) {  // not ended by a newline: still being written
        input_.clear();
        input_.seekg(-static_cast<std::streamoff>(line.size()), std::ios::cur);
        break;
      }
      const Value event = parse_json(line);
      const Value* seq = event.find("seq");
      const std::string type = text_of(event, "type");
      over_ = type == "runFinished" || (over_ && type != "resumed");
      if (!seq || static_cast<std::uint64_t>(seq->as_int().value_or(0)) <= options_.after) continue;
      const std::string shown = people_ ? for_people(event) : line;
      if (options_.max_bytes != 0 && printed_ != 0 &&
          printed_ + shown.size() > options_.max_bytes) {
        return true;
      }
      std::puts(shown.c_str());
      printed_ += shown.size() + 1;
    }
    input_.clear();
    std::fflush(stdout);
    return over_;
  }

 private:
  const EventsOptions& options_;
  bool people_;
  fs::path file_;
  std::ifstream input_;
  std::size_t printed_ = 0;
  bool over_ = false;
};

void events(const EventsOptions& options, const CommandContext& context) {
  const bool people =
      options.format == "text" || (options.format == "auto" && context.style.for_people);
  EventsReader reader(options, people);
  SystemClock clock;
  while (!reader.read() && options.follow &&
         clock.sleep_for(std::chrono::milliseconds(100), context.stop)) {
  }
}

}  // namespace

void add_events(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<EventsOptions>();
  CLI::App* command = app.add_subcommand("events", "Show what a run did, event by event");
  command->add_option("run", options->run,
                      "Log folder, events.jsonl, or a folder with log folders (the newest counts)");
  command->add_option("-s,--state-directory", options->state_directory,
                      "State folder of a run that is under way");
  command->add_option("--after", options->after, "Leave out events up to this number");
  command->add_option("--max-bytes", options->max_bytes,
                      "Stop before printing more than this; at least one event is printed");
  command->add_flag("-f,--follow", options->follow, "Wait for more until the run is over");
  command
      ->add_option("--format", options->format,
                   "json: a line an event; text for people; auto: as the program is used")
      ->check(CLI::IsMember({"auto", "text", "json"}))
      ->capture_default_str();
  command->callback([options, &context] { events(*options, context); });
}

}  // namespace toehold
