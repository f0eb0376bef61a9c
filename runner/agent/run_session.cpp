#include "runner/agent/run_session.hpp"

#include <signal.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "generated/version.hpp"
#include "runner/agent/document_source.hpp"
#include "runner/agent/reboot.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/log.hpp"
#include "runner/base/stop.hpp"
#include "runner/base/text.hpp"
#include "runner/report/application_log.hpp"
#include "runner/report/chaining.hpp"
#include "runner/report/console_log.hpp"
#include "runner/report/detailed_output.hpp"
#include "runner/report/json_lines.hpp"
#include "runner/report/result.hpp"
#include "runner/report/run_stream.hpp"

extern char** environ;

namespace toehold {

namespace {

RunState fold(const std::vector<Event>& events) {
  RunState state;
  for (const Event& event : events) state.apply(event);
  return state;
}

Value document_list(const Plan& plan) {
  Value::List list;
  for (const DocumentRun& run : plan.documents) {
    list.push_back(Value::object(
        {{"path", run.path},
         {"name", run.document->name},
         {"sha256", digest_of(DigestAlgorithm::sha256, run.document->source->text())}}));
  }
  return Value(std::move(list));
}

/// A copy of each document: document.yaml, then document-2.yaml and so on.
void copy_documents(const Plan& plan, const fs::path& log_directory) {
  for (std::size_t i = 0; i < plan.documents.size(); ++i) {
    const std::string name =
        i == 0 ? "document.yaml" : "document-" + std::to_string(i + 1) + ".yaml";
    write_file_atomically(log_directory / name, plan.documents[i].document->source->text());
  }
}

void print_result(const RunStarted& started, const RunFinished& summary,
                  const std::string& log_url) {
  const std::string text = result_json(started, summary, log_url) + "\n";
  if (std::fputs(text.c_str(), stdout) != EOF && std::fflush(stdout) == 0) return;
  // The run is over whether or not anybody hears of it.
  std::fprintf(stderr, "cannot write the result to standard output: %s\n", std::strerror(errno));
  ::__fpurge(stdout);
  std::clearerr(stdout);
}

void remove_file(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

}  // namespace

ConsoleOptions screen_on_stderr(const std::string& view) {
  ConsoleOptions console;
  console.mode = view == "live"    ? ConsoleOptions::Mode::live
                 : view == "plain" ? ConsoleOptions::Mode::plain
                                   : ConsoleOptions::Mode::none;
  console.terminal.fd = STDERR_FILENO;
  console.terminal.live = view == "live";
  console.terminal.colour = colour_wanted(STDERR_FILENO);
  console.terminal.unicode = unicode_wanted();
  const char* github = std::getenv("GITHUB_ACTIONS");
  console.github = view == "plain" && github && std::string_view(github) == "true";
  return console;
}

RunSession::RunSession(const RunOptions& options, const CommandContext& context, AwsReach& aws,
                       RunSite site)
    : options_(options),
      context_(context),
      aws_(aws),
      site_(std::move(site)),
      platform_(site_.platform ? *site_.platform : read_platform()),
      processes_(std::chrono::seconds(options.kill_grace_seconds)) {}

ExitCode RunSession::run(const Plan& plan) {
  ::signal(SIGPIPE, SIG_IGN);  // a screen that goes away does not end a run
  take_state_directory(plan);
  read_earlier(plan);
  disarm_resume(processes_);
  const RunStarted started = earlier_.empty() ? begin(plan) : *earlier_.run_started();
  delivery_.emplace(options_.request, started, aws_.session(), aws_.objects());
  return finish(started, run_engine(plan, started));
}

void RunSession::take_state_directory(const Plan& plan) {
  fs::path directory = options_.request.state_directory;
  if (directory.empty()) {
    std::vector<std::string> paths;
    for (const DocumentRun& run : plan.documents) paths.push_back(run.path);
    directory = default_state_directory(paths, options_.request.phases);
  }
  state_.emplace(fs::absolute(directory));
  make_private_directory(state_->directory);
  lock_.emplace(state_->lock);
}

void RunSession::read_earlier(const Plan& plan) {
  fingerprint_ = run_fingerprint(plan.documents, options_.filter);
  if (options_.start_over) remove_file(state_->journal);
  journal_contents_ = read_journal(state_->journal);
  earlier_ = fold(journal_contents_.events);
  const bool foreign = !earlier_.empty() && earlier_.run_started()->fingerprint != fingerprint_;
  if (foreign && earlier_.run_finished()) {
    // Over, and only not tidied away: nobody's work is lost.
    fs::rename(state_->journal, state_->previous);
    journal_contents_ = {};
    earlier_ = RunState();
  } else if (foreign) {
    throw Error(Error::Kind::refused,
                state_->directory.string() +
                    " holds an interrupted run of other or changed documents, parameters or phases",
                "give that run's command again with the documents as they were, or begin anew with "
                "--start-over, which forgets what it had done");
  }
  if (options_.filter.partial()) previous_ = fold(read_journal(state_->previous).events);
}

RunStarted RunSession::begin(const Plan& plan) {
  RunStarted started;
  started.version = TOEHOLD_VERSION;
  started.execution_id =
      options_.request.execution_id.empty() ? new_time_uuid() : options_.request.execution_id;
  started.fingerprint = fingerprint_;
  started.documents = document_list(plan);
  started.phases = options_.request.phases;
  const std::string parent =
      options_.request.log_directory.empty() ? "." : options_.request.log_directory;
  const fs::path log_directory = fs::absolute(parent).lexically_normal() /
                                 log_directory_name(clock_.unix_millis(), started.execution_id);
  started.log_directory = log_directory.string();
  started.boot_id = platform_.boot_id;
  make_private_directory(log_directory);
  copy_documents(plan, log_directory);
  return started;
}

RunEnd RunSession::run_engine(const Plan& plan, const RunStarted& started) {
  const fs::path logs = started.log_directory;
  make_private_directory(logs);
  open_log(logs / "application.log", options_.request.trace);
  log(LogLevel::info, (earlier_.empty() ? "run begins: " : "run goes on: ") + started.execution_id);
  log(LogLevel::debug, "process " + std::to_string(::getpid()) + ", logs in " + logs.string() +
                           ", state in " + state_->directory.string() + " with " +
                           count_of(journal_contents_.events.size(), "record"));

  ApplicationLog application_log;
  ConsoleLog console_log(logs / "console.log");
  DetailedOutput detailed_output(logs / "detailedoutput.json", context_.actions);
  ChainingRecord chaining(logs / "chaining.json");
  JsonLines json_lines(logs / "events.jsonl");
  register_known_secrets(plan);
  Console console(console_options());
  std::optional<RunStream> stream;
  std::vector<EventSink*> reports{&detailed_output, &chaining, &json_lines, &console};
  if (!options_.stream.empty()) {
    reports.push_back(&stream.emplace(options_.stream, !earlier_.empty()));
  }
  Redactor replay(secrets_, reports);
  Redactor screen(secrets_, {&console});
  DeliveryNews news(*delivery_, screen, clock_);
  reports.insert(reports.begin(), {&application_log, &console_log});
  reports.push_back(&news);
  reports.insert(reports.end(), site_.sinks.begin(), site_.sinks.end());
  Redactor sinks(secrets_, std::move(reports));
  console.set_recalling(true);
  for (const Event& event : journal_contents_.events) {
    if (std::holds_alternative<RunFinished>(event.data)) console.set_recalling(false);
    replay.on(event);
  }
  console.set_recalling(false);
  delivery_->begin(state_->cloudwatch, !earlier_.empty(), context_.stop);
  // Its process died between the end and telling of it.
  if (const auto& summary = earlier_.run_finished()) return {RunEnd::Kind::finished, *summary};
  Journal journal(state_->journal, journal_contents_.bytes);
  std::optional<FileLog> file_log;
  if (options_.record_files) open_file_log(file_log, logs);
  Tee all(file_log ? std::vector<EventSink*>{&sinks, &*file_log} : std::vector<EventSink*>{&sinks});
  EventStream events(clock_, &journal, all, earlier_.last_seq());

  const ScratchFolder scratch(state_->directory);
  const auto http = make_curl_http_client();
  const ActionRegistry& actions = site_.actions ? *site_.actions : context_.actions;
  EngineServices services{actions,
                          processes_,
                          *http,
                          aws_.objects(),
                          clock_,
                          platform_,
                          scratch.path(),
                          context_.stop,
                          [this](const std::string& path, const std::string& owner) {
                            return load_document(nested_source(path, owner), context_.actions,
                                                 options_.rules);
                          },
                          [this](const std::string& secret) { secrets_.add(secret); },
                          options_.strict,
                          options_.in_doubt,
                          10,
                          aws_.lookups()};
  if (site_.probe) services.probe = *site_.probe;
  Engine engine(services, events, earlier_, previous_ ? &*previous_ : nullptr);
  RunEnd end = engine.run(plan, started);
  if (console_log.lost() != 0) {
    std::fprintf(stderr, "%s of %s are missing: the disk did not take them\n",
                 format_size(console_log.lost()).c_str(), (logs / "console.log").c_str());
  }
  for (const std::string& problem :
       {detailed_output.problem(), chaining.problem(), json_lines.problem()}) {
    if (!problem.empty())
      std::fprintf(stderr, "not all of the logs is there: %s\n", problem.c_str());
  }
  return end;
}

void RunSession::open_file_log(std::optional<FileLog>& file_log, const fs::path& logs) {
  std::vector<std::string> ours{state_->directory, logs};
  if (!options_.stream.empty()) ours.push_back(fs::path(options_.stream).parent_path());
  file_log.emplace(logs / FileLog::name, std::move(ours), context_.stop);
}

void RunSession::register_known_secrets(const Plan& plan) {
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || !looks_secret(text.substr(0, equals))) continue;
    secrets_.add(std::string(text.substr(equals + 1)));
  }
  for (const DocumentRun& run : plan.documents) {
    hide_query(run.path);
    for (const auto& [name, value] : run.parameters) {
      if (looks_secret(name)) secrets_.add(value);
    }
  }
  for (const ParameterRead& read : earlier_.parameters_read()) secrets_.add(read.value);
  if (!previous_) return;
  for (const ParameterRead& read : previous_->parameters_read()) secrets_.add(read.value);
}

SourcePtr RunSession::nested_source(const std::string& name, const std::string& bucket_owner) {
  hide_query(name);
  if (site_.read_document && !is_remote_document(name)) return site_.read_document(name);
  return read_document_source(name, bucket_owner, aws_);
}

/// What stands after the `?` of a presigned URL is as good as a key.
void RunSession::hide_query(const std::string& document) {
  const std::size_t mark = document.find('?');
  if (!document.starts_with("https://") || mark == std::string::npos) return;
  secrets_.add(document.substr(mark + 1, document.find('#') - mark - 1));
}

ConsoleOptions RunSession::console_options() const {
  ConsoleOptions console = screen_on_stderr(options_.view);
  if (site_.stands_alone) console.retry_command = retry_command();
  console.name_logs = site_.stands_alone;
  return console;
}

/// What was typed, without --from and --only, and without the parameters' values.
std::string RunSession::retry_command() const {
  std::string command = context_.style.name;
  for (int i = 1; i < context_.argc; ++i) {
    std::string word = secrets_.mask(context_.argv[i]);
    const std::string option = word.substr(0, word.find('='));
    if (option == "--from" || option == "--only") {
      if (word.find('=') == std::string::npos) ++i;
      continue;
    }
    if (option == "--start-over") continue;
    if (option == "--parameters") {
      if (word.find('=') == std::string::npos) ++i;
      command += " --parameters ...";
      continue;
    }
    const bool plain =
        !word.empty() && word.find_first_not_of(
                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "@%_-+=:,./") == std::string::npos;
    command += plain ? " " + word : " '" + replace_all(word, "'", "'\\''") + "'";
  }
  return command;
}

ExitCode RunSession::finish(const RunStarted& started, const RunEnd& end) {
  if (end.kind == RunEnd::Kind::rebooting) return reboot();
  if (end.kind == RunEnd::Kind::interrupted) return interrupted();
  const bool succeeded = is_success(end.summary.status);
  const std::string undelivered = delivery_->finish(context_.stop);
  RunFinished summary = end.summary;
  if (succeeded && !undelivered.empty()) {
    summary.status = "failed";
    summary.message = "All steps are done, but " + undelivered;
  }
  // Told first: killed in between, the next process tells it again instead of running all of it.
  summary.message = secrets_.mask(summary.message);
  if (options_.result == "always") print_result(started, summary, delivery_->log_url());
  // The journal holds unmasked values: it goes with a success, and stays for --from with a failure.
  if (succeeded) {
    remove_file(state_->journal);
    if (!options_.filter.partial()) remove_file(state_->previous);
  } else if (options_.filter.partial() && previous_) {
    // A part of a run does not replace what the whole one left.
    remove_file(state_->journal);
  } else {
    fs::rename(state_->journal, state_->previous);
  }
  remove_file(state_->cloudwatch);  // last: while there is a journal, its run may be told again
  log(LogLevel::info, "run finished: " + summary.status);
  return is_success(summary.status) ? ExitCode::success : ExitCode::failure;
}

ExitCode RunSession::interrupted() {
  delivery_->pause();
  if (stopping_signal() == SIGINT) {
    remove_file(state_->journal);
    std::fputs("interrupted; the same command begins anew\n", stderr);
    return ExitCode::interrupted;
  }
  std::fputs("terminated; the same command goes on with this run\n", stderr);
  const RunState state = fold(read_journal(state_->journal).events);
  for (const std::string& id : state.open_steps()) {
    const StepStarted& step = state.step(id)->started;
    const Action* action = context_.actions.find(step.action);
    if (!state.step(id)->attempt_open || !action || action->info.repeatable ||
        step.action == "ExecuteDocument" || options_.in_doubt == InDoubt::rerun) {
      continue;
    }
    std::fprintf(stderr,
                 "  = step %s.%s may be half done: that attempt counts as failed, or is made again "
                 "with --in-doubt rerun\n",
                 step.phase.c_str(), printable(step.name).c_str());
  }
  return ExitCode::terminated;
}

ExitCode RunSession::reboot() {
  log(LogLevel::info, "a reboot is wanted");
  delivery_->pause();
  if (options_.reboot == "self") {
    arm_resume({context_.argv, context_.argv + context_.argc}, processes_);
    reboot_machine(processes_);
    std::fputs("rebooting; the run goes on after it\n", stderr);
  } else {
    std::fputs("a step wants a reboot: reboot this machine, then give the same command again\n",
               stderr);
  }
  return ExitCode::reboot;
}

void print_early_failure(const std::string& execution_id, const std::string& message) {
  RunStarted started;
  started.execution_id = execution_id;
  RunFinished summary;
  summary.status = "failed";
  summary.message = message;
  std::puts(result_json(started, summary, {}).c_str());
}

}  // namespace toehold
