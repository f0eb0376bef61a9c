#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "runner/agent/commands.hpp"
#include "runner/agent/document_loading.hpp"
#include "runner/agent/document_source.hpp"
#include "runner/agent/program.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/log.hpp"
#include "runner/base/text.hpp"
#include "runner/document/validator.hpp"

namespace toehold {

namespace {

struct ValidateOptions {
  std::string documents;
  std::vector<std::string> files;
  std::string document_s3_bucket_owner;
  std::string os_platforms = "linux";
  std::string format = "auto";
  std::string blocked;
  bool allow_foreign = false;
  bool strict = false;
  bool trace = false;
};

unsigned parse_platforms(const std::string& list) {
  unsigned platforms = 0;
  for (const std::string& name : split(list, ',')) {
    if (equals_ignoring_case(name, "linux")) {
      platforms |= linux_only;
    } else if (equals_ignoring_case(name, "windows")) {
      platforms |= windows_only;
    } else if (equals_ignoring_case(name, "darwin") || equals_ignoring_case(name, "macos")) {
      platforms |= macos_only;
    } else {
      throw Error(Error::Kind::usage, "--os-platforms: unknown platform '" + name + "'",
                  "write linux, windows or darwin, separated by commas");
    }
  }
  return platforms;
}

void print_findings(const std::vector<Diagnostic>& findings, const std::string& format) {
  for (const Diagnostic& finding : findings) {
    const std::string text = format == "github"
                                 ? render_github(finding)
                                 : render_text(finding, colour_wanted(STDERR_FILENO));
    std::fputs(text.c_str(), format == "github" ? stdout : stderr);
  }
}

void print_json(const std::vector<Diagnostic>& findings, bool valid) {
  Value::List list;
  for (const Diagnostic& finding : findings) list.push_back(to_value(finding));
  std::puts(to_json(Value::object({{"valid", valid}, {"diagnostics", Value(std::move(list))}}), 2)
                .c_str());
}

/// The object that awstoe prints.
void print_result(const std::vector<std::string>& paths, const std::vector<Diagnostic>& findings,
                  bool valid) {
  std::string message = "Document(s) [" + join(paths, ", ") + "] is/are valid.";
  if (!valid) {
    message.clear();
    for (const Diagnostic& finding : findings) {
      if (finding.severity == Severity::error) message += render_text(finding, false);
    }
  }
  std::puts(to_json(Value::object(
                        {{"validationStatus", valid ? "success" : "failed"}, {"message", message}}),
                    2)
                .c_str());
}

void print_summary(const std::vector<std::string>& paths, std::size_t errors, std::size_t warnings,
                   bool valid) {
  std::vector<std::string> parts;
  if (paths.empty()) parts.push_back("no documents are given, so there is nothing to validate");
  if (valid && !paths.empty()) parts.push_back("valid: " + join(paths, ", "));
  if (errors != 0) parts.push_back(count_of(errors, "error"));
  if (warnings != 0) parts.push_back(count_of(warnings, "warning"));
  const std::string text = join(parts, ", ");
  std::fprintf(valid ? stdout : stderr, "%s\n", text.c_str());
}

/// All findings in files that are added one by one.
class Findings {
 public:
  void add(const Diagnostics& diagnostics) {
    const auto& items = diagnostics.items();
    all_.insert(all_.end(), items.begin(), items.end());
    errors_ += diagnostics.error_count();
    warnings_ += diagnostics.found() - diagnostics.error_count();
  }
  const std::vector<Diagnostic>& all() const { return all_; }
  std::size_t errors() const { return errors_; }
  std::size_t warnings() const { return warnings_; }

 private:
  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
};

ExitCode validate(const ValidateOptions& options, const CommandContext& context) {
  if (options.trace) open_trace();
  ValidationOptions rules;
  rules.platforms = parse_platforms(options.os_platforms);
  rules.allow_foreign_references = options.allow_foreign;
  rules.blocked_actions = parse_blocked_actions(options.blocked, context.actions);
  std::vector<std::string> paths = split_document_list(options.documents);
  paths.insert(paths.end(), options.files.begin(), options.files.end());
  AwsReach aws(context.stop);
  Findings findings;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (const auto other =
            context.validate_other ? context.validate_other(paths[i]) : std::nullopt) {
      findings.add(other->diagnostics);
      for (const std::string& document : other->documents) {
        if (std::find(paths.begin(), paths.end(), document) == paths.end()) {
          paths.push_back(document);
        }
      }
      continue;
    }
    findings.add(
        load_document_at(paths[i], options.document_s3_bucket_owner, aws, context.actions, rules)
            .diagnostics);
  }
  const bool valid = findings.errors() == 0 && (findings.warnings() == 0 || !options.strict);
  const bool for_people =
      options.format == "text" || (options.format == "auto" && context.style.for_people);
  if (options.format == "json") {
    print_json(findings.all(), valid);
  } else {
    print_findings(findings.all(), options.format);
    if (for_people) {
      print_summary(paths, findings.errors(), findings.warnings(), valid);
    } else if (options.format != "github") {
      print_result(paths, findings.all(), valid);
    }
  }
  return valid ? ExitCode::success : ExitCode::failure;
}

}  // namespace

void add_validate(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<ValidateOptions>();
  const bool recipes = context.validate_other != nullptr;
  CLI::App* command = app.add_subcommand(
      "validate", recipes
                      ? "Find everything that is wrong in documents, recipes and their components"
                      : "Find everything that is wrong in documents");
  command->add_option("-d,--documents", options->documents, "Comma-separated paths");
  command->add_option("files", options->files, "Further paths; - is standard input");
  command->add_option("--document-s3-bucket-owner", options->document_s3_bucket_owner,
                      "Account that must own the documents' bucket");
  command
      ->add_option("--os-platforms", options->os_platforms,
                   "Check for linux, windows, darwin instead of this machine")
      ->capture_default_str();
  command->add_option("--blocked-action-modules", options->blocked,
                      "Comma-separated actions that count as errors");
  command
      ->add_option("--format", options->format,
                   "text for people, json and github for machines; auto: as the program is used")
      ->check(CLI::IsMember({"auto", "text", "json", "github"}))
      ->capture_default_str();
  command->add_flag("--allow-foreign-references", options->allow_foreign,
                    "Leave {{ text }} that is no reference as it is");
  command->add_flag("--strict", options->strict, "Warnings are errors");
  command->add_flag("-t,--trace", options->trace, "Show the application log on stderr");
  command->callback([options, &context] { context.exit_code = validate(*options, context); });
}

}  // namespace toehold
