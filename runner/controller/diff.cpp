#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "runner/agent/program.hpp"
#include "runner/agent/run_directory.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/commands.hpp"
#include "runner/controller/image_diff.hpp"
#include "runner/controller/image_store.hpp"

namespace toehold {

namespace {

struct DiffOptions {
  std::string first;
  std::string second;
  std::string format = "text";
  bool exit_code = false;
};

std::string title(const Manifest& image) {
  return printable(image.name) + " " + image.version + " (" + image.id + ")";
}

/// `+`, `-` and `~` at the beginning of a line, in the colours of diffs.
void print_line(const std::string& change, const std::string& text, bool colour) {
  const bool added = change == "added", removed = change == "removed";
  const char* mark = added ? "+" : removed ? "-" : "~";
  const char* paint = added ? "\033[32m" : removed ? "\033[31m" : "\033[33m";
  std::printf("%s%s %s%s\n", colour ? paint : "", mark, printable(text).c_str(),
              colour ? "\033[0m" : "");
}

std::string package_text(const PackageDifference& package) {
  if (package.change == "changed") {
    return package.name + " " + package.before + " -> " + package.after;
  }
  return package.name + " " + (package.change == "added" ? package.after : package.before);
}

std::string file_text(const FileDifference& file) {
  std::string text = file.path;
  const auto& now = file.after ? file.after : file.before;
  if (now && now->type == "folder" && text.back() != '/') text += '/';
  if (file.what.empty() || !file.before || !file.after) return text;
  std::vector<std::string> parts;
  for (const std::string& what : file.what) {
    if (what == "mode") {
      parts.push_back("mode " + file.before->mode + " -> " + file.after->mode);
    } else if (what == "owner") {
      parts.push_back("owner " + file.before->owner + " -> " + file.after->owner);
    } else if (what == "target") {
      parts.push_back("target " + file.before->target.value_or("") + " -> " +
                      file.after->target.value_or(""));
    } else {
      parts.push_back(what);
    }
  }
  return text + " (" + join(parts, ", ") + ")";
}

void print_text(const Manifest& a, const Manifest& b, const ImageDifference& difference) {
  const bool colour = colour_wanted(STDOUT_FILENO);
  std::printf("--- %s\n+++ %s\n", title(a).c_str(), title(b).c_str());
  if (!difference.note.empty()) std::printf("note: %s\n", difference.note.c_str());
  if (difference.none()) std::puts("no package and no file differs");
  if (!difference.packages.empty()) {
    std::printf("\n%s\n", count_of(difference.packages.size(), "package").c_str());
    for (const auto& package : difference.packages) {
      print_line(package.change, package_text(package), colour);
    }
  }
  if (!difference.files.empty()) {
    std::printf("\n%s\n", count_of(difference.files.size(), "file").c_str());
    for (const auto& file : difference.files) print_line(file.change, file_text(file), colour);
  }
}

ExitCode diff(const DiffOptions& options) {
  const ImageStore store(state_base() / "images");
  const Manifest a = store.find(options.first);
  const Manifest b = store.find(options.second);
  const ImageDifference difference = compare_images(a, b);
  if (options.format == "json") {
    Value value = Value::object({{"first", a.id}, {"second", b.id}});
    const Value found = to_value(difference);
    value.map().insert(value.map().end(), found.map().begin(), found.map().end());
    std::puts(to_json(value, 2).c_str());
  } else {
    print_text(a, b, difference);
  }
  return options.exit_code && !difference.none() ? ExitCode::failure : ExitCode::success;
}

}  // namespace

void add_diff(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<DiffOptions>();
  CLI::App* command = app.add_subcommand("diff", "Show packages and files in which images differ");
  command->add_option("first", options->first, "Id, NAME, NAME:VERSION or path of a manifest")
      ->required();
  command->add_option("second", options->second, "The other one")->required();
  command->add_option("--format", options->format, "text for people, json for machines")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--exit-code", options->exit_code, "End with 1 when anything differs");
  command->callback([options, &context] { context.exit_code = diff(*options); });
}

}  // namespace toehold
