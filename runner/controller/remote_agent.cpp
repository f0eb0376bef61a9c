#include "runner/controller/remote_agent.hpp"

#include <algorithm>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/remote_bookmark.hpp"
#include "runner/controller/remote_documents.hpp"
#include "runner/controller/sent_files.hpp"
#include "runner/report/run_stream.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

// What a hostile or broken machine may make us keep in memory.
constexpr std::size_t longest_line = 256u << 20;
constexpr std::size_t kept_words = 64 << 10;
// A run whose agent was killed goes on so often before we take it for hopeless.
constexpr int most_revivals = 3;
constexpr int most_fetches = 5;
// The exit code of shells and engines for a program that is not there.
constexpr int not_found = 127;

Deadline in(Clock& clock, std::chrono::seconds time) {
  return Deadline(clock.monotonic() + time);
}

/// Shows documents under the names that they have here, and remembers what we need to know.
class OurNames final : public EventSink {
 public:
  OurNames(const Stage& stage, const std::string& folder, EventSink& sink)
      : stage_(stage), folder_(folder), sink_(sink) {}

  void on(const Event& event) override {
    if (const auto* started = std::get_if<RunStarted>(&event.data)) {
      log_directory = started->log_directory;
      Event ours = event;
      const std::string name = log_directory.substr(log_directory.rfind('/') + 1);
      std::get<RunStarted>(ours.data).log_directory = (stage_.log_directory / name).string();
      return sink_.on(ours);
    }
    const auto* over = std::get_if<RunFinished>(&event.data);
    if (over || std::holds_alternative<Resumed>(event.data)) finished.reset();
    if (over) finished = is_success(over->status);
    const auto* document = std::get_if<DocumentStarted>(&event.data);
    if (!document) return sink_.on(event);
    Event ours = event;
    std::string& path = std::get<DocumentStarted>(ours.data).path;
    for (std::size_t i = 0; i < stage_.documents.size(); ++i) {
      if (path == folder_ + "-" + sent_document_name(i)) path = stage_.documents[i].path;
    }
    sink_.on(ours);
  }
  void tick() override { sink_.tick(); }

  std::string log_directory;
  std::optional<bool> finished;  // and whether with success

 private:
  const Stage& stage_;
  std::string folder_;
  EventSink& sink_;
};

/// Thrown out of a following, by its own hand and to its own caller.
struct SpotNotice {
  std::string time;
};

Note note(const std::string& level, const std::string& text) {
  return Note{"", level, text};
}

bool may_pass(const Error& error) {
  return error.kind() == Error::Kind::network || error.kind() == Error::Kind::timeout;
}

}  // namespace

void ask_whether_on(const std::function<void()>& must_be_on) try {
  if (must_be_on) must_be_on();
} catch (const Error& error) {
  if (!may_pass(error)) throw;
}

std::vector<std::string> working_directories(const Recipe& recipe) {
  if (!recipe.working_directory.empty()) return {recipe.working_directory};
  return {"/tmp", "/"};
}

RemoteAgent::RemoteAgent(Transport& transport, Clock& clock, std::string folder,
                         RemoteOptions options)
    : transport_(transport),
      clock_(clock),
      folder_(std::move(folder)),
      options_(std::move(options)) {}

ProcessResult RemoteAgent::run_agent(const std::vector<std::string>& words, std::string& out,
                                     std::string& err, std::stop_token stop) {
  const auto keep = [](std::string& text, std::string_view bytes) {
    if (text.size() < kept_words) text += bytes;
  };
  return transport_.run(
      words,
      [&](Stream stream, std::string_view bytes) {
        keep(stream == Stream::out ? out : err, bytes);
      },
      in(clock_, 60s), stop);
}

void RemoteAgent::install(const AgentBinary& agent, std::stop_token stop) {
  std::string out, err;
  const ProcessResult made = run_agent({"mkdir", "-p", "-m", "700", folder_}, out, err, stop);
  if (!made.succeeded()) {
    throw Error(Error::Kind::network, transport_.name() + ": cannot make " + folder_ + ": " +
                                          describe(made) + " " + std::string(trim(printable(err))));
  }
  transport_.upload(agent.path, agent_path(), 0700, in(clock_, 600s), stop);
  const ProcessResult works = run_agent({agent_path(), "--version"}, out, err, stop);
  if (works.succeeded()) return;
  throw Error(Error::Kind::unsupported,
              transport_.name() + ": the agent does not run there: " + describe(works) + " " +
                  std::string(trim(printable(err))),
              "is " + folder_ + " mounted noexec?");
}

void RemoteAgent::send_stage(const Stage& stage, std::stop_token stop) {
  const std::string place = place_of(stage);
  Value files{Value::Map()};
  for (const StageFile& file : stage_files(stage, place, options_.actions)) {
    files.set(file.name, file.text);
  }
  const TempDirectory folder(stage.state_directory, "send-");
  const fs::path bundle = folder.path() / "files.json";
  write_file_atomically(bundle, to_json(files));
  transport_.upload(bundle, place + "-files.json", 0600, in(clock_, 300s), stop);
}

void RemoteAgent::add_directories(std::vector<std::string>& words) const {
  for (const std::string& directory : options_.directories) {
    words.insert(words.end(), {"--directory", directory});
  }
}

void RemoteAgent::start(const Stage& stage, const std::string& from, std::stop_token stop) {
  const std::string place = place_of(stage);
  std::vector<std::string> words{agent_path(), "detach", place, "--files", place + "-files.json"};
  add_directories(words);
  words.insert(words.end(),
               {"--", "run", "--config", place + "-run.json", "--nested", place + "-nested.json",
                "--stream", place + "/stream", "--view", "none", "--result", "never"});
  if (options_.record_files) words.push_back("--record-files");
  if (!from.empty()) words.insert(words.end(), {"--from", from});
  std::string out, err;
  const ProcessResult result = run_agent(words, out, err, stop);
  if (result.succeeded() || result.exit_code == static_cast<int>(ExitCode::busy)) return;
  throw Error(Error::Kind::process, transport_.name() + ": the run does not start: " +
                                        describe(result) + " " + std::string(trim(printable(err))));
}

void RemoteAgent::forget(const Stage& stage) {
  RemoteBookmark(stage, clock_).remove();
  if (options_.noted) options_.noted();
}

int RemoteAgent::shell(const std::string& stage, const std::vector<std::string>& command,
                       std::stop_token stop) {
  std::vector<std::string> words{agent_path(), "step-shell", folder_ + "/" + stage};
  add_directories(words);
  if (!command.empty()) words.push_back("--");
  words.insert(words.end(), command.begin(), command.end());
  return transport_.interact(words, stop);
}

/// One following of one run, over any number of connections.
struct RemoteAgent::Following {
  std::string place;
  EventSink& sink;
  RemoteBookmark& bookmark;
  const std::function<void(bool)>& seen;
  bool minds_notice = false;
  std::uint64_t offset = 0;
  std::string pending;  // a line that has not ended yet
  Value ended;          // the last line, or null

  void take(std::string_view bytes) {
    pending += bytes;
    std::size_t begin = 0;
    for (std::size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1) {
      take_line(std::string_view(pending).substr(begin, end - begin));
    }
    pending.erase(0, begin);
    if (pending.size() > longest_line) {
      throw Error(Error::Kind::network, "the machine sends a line that does not end");
    }
  }

  void take_line(std::string_view line) {
    if (line.empty()) return;  // a sign of life
    if (line.starts_with("{\"type\":\"ended\"")) {
      ended = parse_json(line);
      return;
    }
    if (line.starts_with("{\"type\":\"notice\"")) {
      if (!minds_notice) return;
      const Value notice = parse_json(line);
      const Value* time = notice.find("time");
      throw SpotNotice{time && time->is_scalar() ? printable(time->text()) : "once"};
    }
    if (offset >= bookmark.offset()) seen(false);
    read_stream_line(line, sink);
    offset += line.size() + 1;
    bookmark.set(offset, false);
  }
};

void RemoteAgent::follow(Following& following, std::stop_token stop) {
  auto pause = 200ms;
  Monotonic heard = clock_.monotonic();
  bool lost = false;
  const auto say = [&](const std::string& level, const std::string& text) {
    following.sink.on(Event{0, clock_.unix_millis(), note(level, text)});
  };
  while (following.ended.is_null() && !stop.stop_requested()) {
    std::string reason;
    following.pending.clear();
    std::vector<std::string> words{
        agent_path(), "follow", following.place, "--offset", std::to_string(following.offset),
        "--wait"};
    if (following.minds_notice) words.emplace_back("--spot");
    try {
      std::string err;
      const ProcessResult result = transport_.run(
          words,
          [&](Stream stream, std::string_view bytes) {
            if (bytes.empty()) return following.sink.tick();
            if (stream == Stream::err) {
              if (err.size() < kept_words) err += bytes;
              return;
            }
            if (lost) say("info", "the connection to " + transport_.name() + " is back");
            lost = false;
            heard = clock_.monotonic();
            pause = 200ms;
            following.take(bytes);
          },
          {}, stop);
      reason = describe(result) + " " + std::string(trim(printable(err)));
    } catch (const Error& error) {
      if (!may_pass(error)) throw;
      reason = error.full_message();
    }
    if (!following.ended.is_null() || stop.stop_requested()) break;
    if (!lost) {
      say("warning", "the connection to " + transport_.name() +
                         " was lost; the run goes on there (" + reason + ")");
    }
    lost = true;
    ask_whether_on(options_.must_be_on);
    if (clock_.monotonic() - heard > options_.patience) {
      throw Error(Error::Kind::network, transport_.name() + " stays out of reach: " + reason,
                  "the run goes on there; `toehold resume` finds it again");
    }
    clock_.sleep_for(pause, stop);
    pause = std::min<std::chrono::milliseconds>(pause * 2, 2s);
  }
}

void RemoteAgent::end_run(const Stage& stage) {
  if (options_.must_hold) options_.must_hold();
  std::string out, err;
  try {
    run_agent({agent_path(), "stop", place_of(stage)}, out, err, {});
  } catch (const Error&) {
    // Out of reach: then it goes on there, and cleanup names the machine.
  }
}

/// Returns when the instance will be taken back, if that is why the run has ended.
std::string RemoteAgent::follow_to_end(Following& following, const Stage& stage,
                                       std::stop_token stop) {
  try {
    follow(following, stop);
    return {};
  } catch (const SpotNotice& notice) {
    following.sink.on(Event{0, clock_.unix_millis(),
                            note("warning", "AWS takes this spot instance back at " + notice.time +
                                                "; the run is stopped and its logs are fetched")});
    following.minds_notice = false;
    end_run(stage);
    follow(following, stop);
    return notice.time;
  }
}

RemoteEnd RemoteAgent::run(const Stage& stage, const std::string& from, EventSink& sink,
                           const std::function<void(bool)>& seen, std::stop_token stop) {
  RemoteBookmark bookmark(stage, clock_);
  if (!bookmark.begun()) {
    send_stage(stage, stop);
    // First: a run that is not found is started, one that nobody remembers would run twice.
    bookmark.set(0, true);
    if (options_.noted) options_.noted();
    start(stage, from, stop);
  }
  OurNames names(stage, place_of(stage), sink);
  Following following{place_of(stage), names, bookmark, seen, options_.is_spot, 0, {}, {}};
  seen(bookmark.offset() > 0);
  RemoteEnd end;
  for (int revivals = 0;;) {
    try {
      end.taken_back = follow_to_end(following, stage, stop);
    } catch (...) {
      bookmark.set(following.offset, true);
      throw;
    }
    bookmark.set(following.offset, true);
    if (!end.taken_back.empty()) break;
    const Value last = std::exchange(following.ended, Value());
    if (last.is_null()) {
      end_run(stage);
      end.interrupted = true;
      break;
    }
    const auto text = [&](const char* key) {
      const Value* value = last.find(key);
      return value ? value->text() : std::string();
    };
    const Value* code = last.find("exitCode");
    end.exit_code.reset();
    if (code) end.exit_code = static_cast<int>(code->as_int().value_or(1));
    end.message = text("message");
    end.said = text("stderr");
    if (end.exit_code == static_cast<int>(ExitCode::reboot) && options_.restart) {
      options_.restart(stop);
    } else if (last.find("lost") && names.finished) {
      end.exit_code = *names.finished ? 0 : 1;  // killed between its last event and its end
      break;
    } else if (!last.find("lost") || ++revivals > most_revivals) {
      break;
    }
    seen(false);
    start(stage, from, stop);
  }
  end.log_directory = names.log_directory;
  return end;
}

void RemoteAgent::fetch_logs(const RemoteEnd& end, const Stage& stage, std::stop_token stop) {
  const std::string name = end.log_directory.substr(end.log_directory.rfind('/') + 1);
  if (!name.starts_with("TOE_")) return;  // it never began; or the machine makes fun of us
  const fs::path folder = stage.log_directory / name;
  make_private_directory(folder);
  for (int tries = 1;; ++tries) {
    try {
      return fetch_folder(place_of(stage) + "/logs/" + name, folder, stop);
    } catch (const Error& error) {
      if (error.kind() != Error::Kind::network || tries == most_fetches) throw;
    }
    clock_.sleep_for(500ms, stop);
  }
}

void RemoteAgent::fetch_folder(const std::string& from, const fs::path& folder,
                               std::stop_token stop) {
  std::string err;
  SentFiles files(folder);
  const ProcessResult result = transport_.run(
      {agent_path(), "send", from},
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::out) return files.take(bytes);
        if (err.size() < kept_words) err += bytes;
      },
      in(clock_, 600s), stop);
  if (result.succeeded() && files.whole()) return;
  throw Error(Error::Kind::network, "cannot fetch " + transport_.name() + ":" + from + ": " +
                                        describe(result) + " " + std::string(trim(printable(err))));
}

bool RemoteAgent::remove() {
  std::string out, err;
  try {
    const ProcessResult removed = run_agent({agent_path(), "discard", folder_}, out, err, {});
    if (removed.succeeded()) return true;
    if (removed.exit_code != not_found) return false;
    // No agent has come there: nothing runs, and perhaps there is no folder either.
    const ProcessResult gone = run_agent({"rm", "-rf", "--", folder_}, out, err, {});
    return gone.succeeded() || gone.exit_code == not_found;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace toehold
