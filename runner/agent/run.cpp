#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "runner/agent/commands.hpp"
#include "runner/agent/document_loading.hpp"
#include "runner/agent/document_source.hpp"
#include "runner/agent/explain.hpp"
#include "runner/agent/log_delivery.hpp"
#include "runner/agent/program.hpp"
#include "runner/agent/remote_text.hpp"
#include "runner/agent/run_options.hpp"
#include "runner/agent/run_session.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/stop.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

/// The options as they are typed; RunOptions is what they come to.
struct TypedOptions {
  RunOptions run;
  std::string documents;
  std::vector<std::string> files;
  std::string config;
  std::string phases;
  std::string parameters;
  std::string blocked;
  std::string in_doubt = "fail";
  RunRequest typed;  // the rest of the request
};

/// Command line > configuration file > defaults.
void take(std::string& target, const std::string& typed) {
  if (!typed.empty()) target = typed;
}

RunRequest read_config(const TypedOptions& typed, AwsReach& aws) {
  const std::string& name = typed.config;
  if (!is_remote_document(name)) return parse_run_config(name, read_file(name, 16u << 20));
  const SignalsEndAtOnce nothing_is_under_way;
  return parse_run_config(document_for_display(name),
                          read_remote_text(name, typed.typed.document_s3_bucket_owner, aws));
}

RunRequest build_request(const TypedOptions& typed, AwsReach& aws) {
  std::vector<std::string> paths = split_document_list(typed.documents);
  paths.insert(paths.end(), typed.files.begin(), typed.files.end());
  RunRequest request;
  if (!typed.config.empty()) {
    if (!paths.empty() || !typed.parameters.empty()) {
      throw Error(Error::Kind::usage,
                  "--config already says which documents and parameters; --documents and "
                  "--parameters cannot be given with it");
    }
    request = read_config(typed, aws);
  } else if (paths.empty()) {
    throw Error(Error::Kind::usage, "no documents are given",
                "run --documents FILE[,FILE...] or run --config FILE");
  }
  for (const std::string& path : paths) request.documents.push_back({path, {}});
  if (!typed.parameters.empty()) request.parameters = parse_parameters(typed.parameters);
  take(request.phases, typed.phases);
  take(request.execution_id, typed.typed.execution_id);
  take(request.log_directory, typed.typed.log_directory);
  take(request.state_directory, typed.typed.state_directory);
  take(request.log_s3_bucket_name, typed.typed.log_s3_bucket_name);
  take(request.log_s3_key_prefix, typed.typed.log_s3_key_prefix);
  take(request.log_s3_bucket_owner, typed.typed.log_s3_bucket_owner);
  take(request.document_s3_bucket_owner, typed.typed.document_s3_bucket_owner);
  take(request.cw_log_group, typed.typed.cw_log_group);
  take(request.cw_log_stream, typed.typed.cw_log_stream);
  take(request.cw_log_region, typed.typed.cw_log_region);
  request.cw_ignore_failures = request.cw_ignore_failures || typed.typed.cw_ignore_failures;
  request.trace = request.trace || typed.typed.trace;
  return request;
}

void check_request(const RunRequest& request) {
  check_log_options(request);
  for (const char c : request.execution_id) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!allowed || request.execution_id.front() == '.' || request.execution_id.size() > 128) {
      throw Error(Error::Kind::usage,
                  "--execution-id: '" + request.execution_id + "' cannot be a folder's name",
                  "write 1 to 128 letters, digits, '-', '_' or '.'");
    }
  }
}

/// A misspelt parameter would be ignored in silence, as in the original; say so.
void warn_of_unknown_parameters(const RunOptions& options, const Plan& plan) {
  std::vector<std::string> declared;
  for (const DocumentRun& run : plan.documents) {
    for (const Parameter& parameter : run.document->parameters) declared.push_back(parameter.name);
  }
  for (const auto& [name, value] : options.request.parameters) {
    if (std::find(declared.begin(), declared.end(), name) != declared.end()) continue;
    const std::string hint = did_you_mean(name, declared);
    std::fprintf(stderr, "warning: no document declares the parameter '%s'; it is ignored%s%s\n",
                 name.c_str(), hint.empty() ? "" : "; ", hint.c_str());
  }
}

/// The same for a phase; Image Builder names its own whether or not a document has them.
void warn_of_unknown_phases(const RunOptions& options, const Plan& plan) {
  std::vector<std::string> known{"build", "validate", "test", "container-host-test"};
  for (const DocumentRun& run : plan.documents) {
    for (const Phase& phase : run.document->phases) known.push_back(phase.name);
  }
  for (const std::string& phase : options.filter.phases) {
    if (std::find(known.begin(), known.end(), phase) != known.end()) continue;
    const std::string hint = did_you_mean(phase, known);
    std::fprintf(stderr, "warning: no document has the phase '%s'%s%s\n", printable(phase).c_str(),
                 hint.empty() ? "" : "; ", hint.c_str());
  }
}

/// nullopt after errors, which have been printed.
std::optional<Plan> load_plan(const RunOptions& options, const CommandContext& context,
                              AwsReach& aws) {
  std::vector<DocumentRun> runs;
  std::string message;
  for (const RequestedDocument& requested : options.request.documents) {
    const LoadedDocument loaded =
        load_document_at(requested.path, options.request.document_s3_bucket_owner, aws,
                         context.actions, options.rules);
    bool wrong = loaded.diagnostics.has_errors();
    for (const Diagnostic& finding : loaded.diagnostics.items()) {
      std::fputs(render_text(finding, colour_wanted(STDERR_FILENO)).c_str(), stderr);
      wrong = wrong || options.strict;
      if (message.empty() && finding.severity == Severity::error) {
        message = render_text(finding, false);
      }
    }
    if (wrong && message.empty()) message = requested.path + " has warnings, and --strict is on";
    if (!wrong) {
      runs.push_back(
          {loaded.document, requested.path, parameters_for(requested, options.request.parameters)});
    }
  }
  if (!message.empty()) {
    if (options.result == "always") print_early_failure(options.request.execution_id, message);
    return std::nullopt;
  }
  return make_plan(std::move(runs), options.filter);
}

/// Documents that a controller has sent along. What an absolute path names here comes first.
std::function<SourcePtr(const std::string&)> sent_documents(const std::string& file) {
  return [sent = parse_json(read_file(file))](const std::string& path) {
    std::error_code error;
    const Value* place = sent.find(path);
    if (!place || (path.starts_with('/') && fs::exists(path, error))) {
      return read_document_file(path);
    }
    return std::make_shared<const SourceText>(path, read_file(place->text(), 4u << 20));
  };
}

ExitCode run_documents(const RunOptions& options, const CommandContext& context, AwsReach& aws) {
  const std::optional<Plan> plan = load_plan(options, context, aws);
  if (!plan) return ExitCode::failure;
  warn_of_unknown_parameters(options, *plan);
  warn_of_unknown_phases(options, *plan);
  if (options.explain) {
    const SystemClock clock;
    std::fputs(explain_plan(*plan, read_platform(), clock, options.request.execution_id).c_str(),
               stdout);
    return ExitCode::success;
  }
  RunSite site;
  if (!options.nested.empty()) site.read_document = sent_documents(options.nested);
  RunSession session(options, context, aws, std::move(site));
  return session.run(*plan);
}

ExitCode run(TypedOptions typed, const CommandContext& context) {
  RunOptions& options = typed.run;
  AwsReach aws(context.stop);
  options.request = build_request(typed, aws);
  check_request(options.request);
  options.filter.phases = parse_phases(options.request.phases);
  options.rules.blocked_actions = parse_blocked_actions(typed.blocked, context.actions);
  options.in_doubt = typed.in_doubt == "rerun" ? InDoubt::rerun : InDoubt::fail;
  if (options.result == "auto") {
    const bool show = !context.style.for_people || ::isatty(STDOUT_FILENO) == 0;
    options.result = show && !options.explain ? "always" : "never";
  }
  if (options.view == "auto") {
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    // Lines of the trace would tear the live view's last line.
    options.view = terminal ? (options.request.trace ? "plain" : "live")
                            : (context.style.for_people ? "plain" : "none");
  }
  // Whatever ends it, whoever reads stdout finds an object there.
  try {
    return run_documents(options, context, aws);
  } catch (const Error& error) {
    if (options.result == "always") {
      print_early_failure(options.request.execution_id, error.full_message());
    }
    throw;
  }
}

void add_awstoe_options(CLI::App& command, TypedOptions& typed) {
  RunRequest& request = typed.typed;
  command.add_option("-d,--documents,--document", typed.documents,
                     "Comma-separated documents: paths, s3://bucket/key, https://...#sha256=HEX, "
                     "ARNs of components");
  command.add_option("files", typed.files, "Further documents");
  command.add_option("-c,--config", typed.config,
                     "JSON with documents and options: a path, s3:// or https://");
  command.add_option("-p,--phases", typed.phases, "Comma-separated phases to run; default: all");
  command.add_option("--parameters", typed.parameters, "name=value[,name=value...]");
  command.add_option("-i,--execution-id", request.execution_id, "Id of the run; default: a UUID");
  command.add_option("-l,--log-directory", request.log_directory,
                     "Folder in which the TOE_... log folder is made; default: .");
  command.add_option("-s,--state-directory", request.state_directory,
                     "Folder of the journal; default: one per set of documents");
  command.add_option("-b,--log-s3-bucket-name", request.log_s3_bucket_name,
                     "Bucket that gets the log folder at the end of the run");
  command.add_option("-k,--log-s3-key-prefix", request.log_s3_key_prefix, "Prefix of its keys");
  command.add_option("--log-s3-bucket-owner", request.log_s3_bucket_owner,
                     "Account that must own it");
  command.add_option("--document-s3-bucket-owner", request.document_s3_bucket_owner,
                     "Account that must own the buckets of documents");
  command.add_option("--cw-log-group", request.cw_log_group,
                     "CloudWatch Logs group that gets console.log while it is written");
  command.add_option("--cw-log-stream", request.cw_log_stream,
                     "Stream in it; default: the execution id");
  command.add_option("--cw-log-region", request.cw_log_region,
                     "Region of it; default: that of AWS_REGION, the profile or the instance");
  command.add_flag("--cw-ignore-failures", request.cw_ignore_failures,
                   "Do not fail the run when CloudWatch Logs fails");
  command.add_option("--blocked-action-modules", typed.blocked,
                     "Comma-separated actions that are refused");
  command.add_flag("-t,--trace", request.trace, "Show the application log on stderr");
}

void add_own_options(CLI::App& command, TypedOptions& typed) {
  RunOptions& run = typed.run;
  command.add_flag("--explain", run.explain, "Print the resolved plan and run nothing");
  command.add_option("--from", run.filter.from, "Leave out the steps before PHASE.STEP");
  command.add_option("--only", run.filter.only, "Run only PHASE.STEP or PHASE (comma-separated)")
      ->delimiter(',');
  command.add_flag("--start-over", run.start_over, "Forget an interrupted run and begin anew");
  command
      .add_option("--in-doubt", typed.in_doubt,
                  "What becomes of a step that was running when the machine died and may not "
                  "be repeated")
      ->check(CLI::IsMember({"fail", "rerun"}))
      ->capture_default_str();
  command
      .add_option("--reboot", run.reboot,
                  "exit: end with code 194 when a reboot is wanted; self: reboot and go on")
      ->check(CLI::IsMember({"exit", "self"}))
      ->capture_default_str();
  command
      .add_option("--view", run.view, "What stderr shows: live, plain or none; auto: by terminal")
      ->check(CLI::IsMember({"auto", "live", "plain", "none"}))
      ->capture_default_str();
  command.add_option("--result", run.result, "Whether stdout gets the JSON result")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  command.add_option("--stream", run.stream,
                     "File that gets events and output of steps as JSON lines, for `follow`");
  command.add_option(
      "--nested", run.nested,
      "JSON file of documents that ExecuteDocument steps name: {\"NAME\": \"FILE\"}");
  command.add_flag(
      "--record-files", run.record_files,
      "Write which files each step changes to files.jsonl of the log folder; all files "
      "of the machine are looked through after each");
  command
      .add_option("--kill-grace", run.kill_grace_seconds,
                  "Seconds between SIGTERM and SIGKILL when a step times out")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  command.add_flag("--allow-foreign-references", run.rules.allow_foreign_references,
                   "Leave {{ text }} that is no reference as it is");
  command.add_flag("--strict", run.strict, "Warnings and unset env: variables are errors");
}

}  // namespace

void add_run(CLI::App& app, CommandContext& context) {
  auto typed = std::make_shared<TypedOptions>();
  CLI::App* command = app.add_subcommand("run", "Run documents");
  add_awstoe_options(*command, *typed);
  add_own_options(*command, *typed);
  command->callback([typed, &context] { context.exit_code = run(*typed, context); });
}

}  // namespace toehold
