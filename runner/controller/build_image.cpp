#include "runner/controller/build_image.hpp"
#include "runner/agent/run_directory.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "runner/agent/document_source.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/build_manifest.hpp"
#include "runner/controller/image_draft.hpp"
#include "runner/controller/image_store.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/sandbox_base.hpp"
#include "runner/document/validator.hpp"

namespace toehold {

namespace {

void say(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
}

bool has_phase(const std::vector<DocumentRun>& documents, std::string_view name) {
  return std::any_of(documents.begin(), documents.end(), [&](const DocumentRun& run) {
    const auto& phases = run.document->phases;
    return std::any_of(phases.begin(), phases.end(),
                       [&](const Phase& phase) { return phase.name == name; });
  });
}

Stage stage_of(const std::string& name, const std::string& phases,
               const std::vector<DocumentRun>& documents, const BuildFolder& folder) {
  return {name, documents, phases, folder.path() / ("state-" + name), folder.path() / "logs"};
}

/// What becomes of a build whose step failed.
enum class Answer { give_up, keep, retry, skip, go_on, shell };

Answer ask(const std::string& step, bool layers) {
  std::fprintf(stderr,
               "\n%s failed. What now?\n"
               "  s  a shell in the state that it left\n"
               "  r  run it again; the documents are read anew\n"
               "  k  skip it%s\n"
               "  c  take it as done, with what it and you have done, and go on\n"
               "  p  keep all this for later: toehold shell, toehold resume\n"
               "  q  give up and clean up\n"
               "[s/r/k/c/p/q] ",
               step.c_str(),
               layers ? ", without what it has done" : "; what it has done stays on this target");
  std::fflush(stderr);
  std::string line;
  if (!std::getline(std::cin, line)) return Answer::give_up;
  const std::string word(trim(line));
  if (word == "s") return Answer::shell;
  if (word == "r") return Answer::retry;
  if (word == "k") return Answer::skip;
  if (word == "c") return Answer::go_on;
  if (word == "p") return Answer::keep;
  if (word == "q") return Answer::give_up;
  return ask(step, layers);
}

/// Runs a stage until it succeeds or somebody gives it up.
class StageRunner {
 public:
  StageRunner(const Recipe& recipe, const BuildOptions& options, BuildFolder& folder,
              const CommandContext& command, ProviderInfo info)
      : recipe_(recipe),
        options_(options),
        folder_(folder),
        command_(command),
        info_(std::move(info)) {}

  /// True when it succeeded; else `end` says why, and `instance` is kept if that was wanted.
  bool run(Instance& instance, Stage stage, BuildEnd& end) {
    for (;;) {
      if (options_.progress)
        options_.progress->begin_stage(stage.name, plan_of(stage).steps.size());
      const char* where = info_.snapshots ? ", on a new instance of the image" : ", where it is";
      say("== " + stage.name + (stage.name == "test" ? where : ""));
      const StageEnd stage_end = instance.run(stage);
      if (stage_end == StageEnd::succeeded) return true;
      end.failed_step = instance.failed_step();
      if (stage_end == StageEnd::interrupted || command_.stop.stop_requested()) {
        end.code = ExitCode::interrupted;
        end.message = "interrupted";
        return false;
      }
      end.code = ExitCode::failure;
      end.message = "step " + end.failed_step + " failed";
      if (!decide(instance, stage, end.failed_step)) {
        end.kept = kept_;
        return false;
      }
    }
  }

 private:
  /// True: run the stage again.
  bool decide(Instance& instance, Stage& stage, const std::string& step) {
    std::string choice = options_.on_failure;
    if (choice == "auto") choice = ::isatty(STDIN_FILENO) == 1 ? "ask" : "cleanup";
    if (choice == "keep") return keep(instance);
    if (choice == "cleanup") return false;
    Answer answer = choice == "shell" ? Answer::shell : ask(step, info_.layers);
    for (; answer == Answer::shell; answer = ask(step, info_.layers)) {
      say("the step's inputs and script are in $TOEHOLD_STEP_FILES; leave the shell with exit");
      instance.shell({});
    }
    if (answer == Answer::keep) return keep(instance);
    if (answer == Answer::give_up) return false;
    if (answer == Answer::skip) instance.choose(step, StepChoice::skip);
    if (answer == Answer::go_on) instance.choose(step, StepChoice::take_as_done);
    if (answer == Answer::retry) return read_again(stage, instance, step);
    return true;
  }

  bool keep(Instance& instance) {
    instance.keep();
    kept_ = true;
    const std::string& id = folder_.record().id;
    say("kept. Next:\n  toehold shell " + id + "    look at it\n  toehold resume " + id +
        "   go on\n  toehold cleanup " + id + "  remove it");
    return false;
  }

  bool read_again(Stage& stage, Instance& instance, const std::string& step) {
    if (auto documents = load_components(recipe_, command_)) {
      stage.documents = std::move(*documents);
      return true;
    }
    say("the documents are not valid as they are now");
    return decide(instance, stage, step);
  }

  const Recipe& recipe_;
  const BuildOptions& options_;
  BuildFolder& folder_;
  const CommandContext& command_;
  ProviderInfo info_;
  bool kept_ = false;
};

/// Those choices that were made for steps of this stage.
void choose(Instance& instance, const BuildOptions& options, bool of_test) {
  for (const auto& [step, choice] : options.choices) {
    if (step.starts_with("test.") == of_test) instance.choose(step, choice);
  }
}

std::string file_name(const Recipe& recipe, const OutputSpec& output) {
  const std::string name = recipe.name + "-" + recipe.version;
  if (output.type == "qcow2" || output.type == "raw") return name + "." + output.type;
  return name + "-" + output.type + (output.type == "oci-archive" ? ".oci.tar" : ".tar.gz");
}

std::vector<WrittenOutput> write_outputs(const Recipe& recipe, const std::string& default_output,
                                         Snapshot& snapshot, const fs::path& folder,
                                         std::stop_token stop) {
  std::vector<OutputSpec> wanted = recipe.outputs;
  if (wanted.empty() && !default_output.empty()) wanted.push_back({default_output, {}, {}});
  std::vector<WrittenOutput> all;
  for (const OutputSpec& output : wanted) {
    const fs::path path =
        output.path.empty() ? folder / file_name(recipe, output) : fs::path(output.path);
    const WrittenOutput written = snapshot.write(output, path, stop);
    say(written.type + "  " + written.path + "  " + format_size(written.size) +
        "  sha256:" + written.sha256);
    all.push_back(written);
  }
  return all;
}

/// An image that this build would only make once more.
std::optional<StoredImage> same_image(const Recipe& recipe, const std::vector<ManifestStep>& steps,
                                      const ImageStore& store) {
  const bool all_cached = std::all_of(steps.begin(), steps.end(), [](const ManifestStep& step) {
    return step.cached || step.result == "skipped";
  });
  if (!all_cached || !recipe.outputs.empty()) return std::nullopt;
  for (const StoredImage& image : store.list()) {
    if (image.name != recipe.name || image.version != recipe.version) continue;
    if (image.matrix == matrix_label(recipe) && image.outputs.empty()) return image;
    break;  // the newest of this name is of other outputs
  }
  return std::nullopt;
}

/// True when it is now everywhere; else `end` says what failed. The image stays in any case.
bool distribute(const BuiltImage& image, Manifest manifest, const ImageStore& store,
                BuildEnd& end) {
  end.message = "the image is built, but not distributed";
  manifest.distributed = image.snapshot.distribute();
  if (manifest.distributed.empty()) return true;
  store.put(manifest);
  if (all_available(manifest.distributed)) return true;
  end.message += ": " + failures_of(manifest.distributed) +
                 "; when that is mended: toehold distribute " + manifest.id;
  return false;
}

/// Outputs, manifest and name of the image.
void deliver(BuiltImage image, const std::string& default_output, const BuildContext& context,
             BuildEnd& end) {
  const Recipe& recipe = image.recipe;
  const ImageStore store(state_base() / "images");
  const bool cacheable = image.snapshot.files().has_value();
  const auto known = cacheable ? same_image(recipe, image.steps, store) : std::nullopt;
  if (known) {
    end.image = known->id;
    say("unchanged since image " + known->id);
    end.code = ExitCode::success;
    return;
  }
  ImageDraft draft(state_base() / "images", context.inventory);
  end.image = draft.id();
  image.outputs =
      write_outputs(recipe, default_output, image.snapshot, draft.folder(), context.stop);
  image.name = image.snapshot.publish();
  const Manifest manifest = make_manifest(image, end.image, context);
  draft.put(manifest);
  image.snapshot.deliver();
  say((image.snapshot.is_image() ? "image    " : "record   ") + end.image + "  " + recipe.name +
      ":" + recipe.version + (image.name.empty() ? "" : "  " + image.name));
  if (distribute(image, manifest, store, end)) end.code = ExitCode::success;
}

/// Behind the removal of the instances, which takes its time, too.
struct TimingAtEnd {
  BuildTiming* timing;
  ~TimingAtEnd() {
    if (!timing) return;
    timing->lap("removal of what is not kept");
    std::fputs(timing->text().c_str(), stderr);
  }
};

/// A target that makes no images at all says so itself.
void check_outputs(const Recipe& recipe, const ProviderInfo& info, Diagnostics& diagnostics) {
  for (const OutputSpec& output : recipe.outputs) {
    const auto& kinds = info.outputs;
    if (kinds.empty() || std::find(kinds.begin(), kinds.end(), output.type) != kinds.end())
      continue;
    diagnostics.error(codes::invalid_value, output.where,
                      "target '" + info.name + "' cannot write '" + output.type + "'",
                      "it writes " + join(kinds, ", "));
  }
}

}  // namespace

bool check_target(Provider& provider, const Recipe& recipe,
                  const std::vector<DocumentRun>& documents) {
  Diagnostics findings(recipe.source);
  check_outputs(recipe, provider.info(), findings);
  provider.check(recipe, documents, findings);
  for (const Diagnostic& finding : findings.items()) {
    std::fputs(render_text(finding, colour_wanted(STDERR_FILENO)).c_str(), stderr);
  }
  return !findings.has_errors();
}

std::vector<Stage> stages_of(const Recipe& recipe, const std::vector<DocumentRun>& documents,
                             const BuildFolder& folder, bool tests) {
  std::vector<Stage> stages{stage_of("build", "build,validate", documents, folder)};
  if (tests && recipe.tests_enabled && has_phase(documents, "test")) {
    stages.push_back(stage_of("test", "test", documents, folder));
  }
  return stages;
}

std::optional<std::vector<DocumentRun>> load_components(const Recipe& recipe,
                                                        const CommandContext& command) {
  std::vector<DocumentRun> runs;
  bool wrong = false;
  AwsReach aws(command.stop);
  for (const RecipeComponent& component : recipe.components) {
    const LoadedDocument loaded =
        load_document(read_document_source(component.document, {}, aws), command.actions, {});
    for (const Diagnostic& finding : loaded.diagnostics.items()) {
      std::fputs(render_text(finding, colour_wanted(STDERR_FILENO)).c_str(), stderr);
    }
    wrong = wrong || loaded.diagnostics.has_errors();
    Parameters parameters = recipe.parameters;
    parameters.insert(parameters.end(), component.parameters.begin(), component.parameters.end());
    runs.push_back({loaded.document, component.document, std::move(parameters)});
  }
  if (wrong) return std::nullopt;
  return runs;
}

BuildEnd build_image(const Recipe& recipe, const BuildOptions& options, BuildFolder& folder,
                     const CommandContext& command) {
  BuildEnd end;
  const auto documents = load_components(recipe, command);
  if (!documents) {
    end.message = "the components are not valid";
    return end;
  }
  const auto provider = make_provider(recipe.target.type);
  if (!check_target(*provider, recipe, *documents)) {
    end.message = "the target cannot do this";
    return end;
  }
  SystemClock clock;
  RealProcessRunner processes;
  BuildTiming timing(clock);
  const TimingAtEnd told{options.timing ? &timing : nullptr};
  const BuildContext context{folder.record().id,
                             folder.path(),
                             folder.inventory(),
                             processes,
                             clock,
                             command,
                             command.stop,
                             options.use_cache,
                             options.refresh,
                             options.view,
                             options.progress,
                             options.timing ? &timing : nullptr,
                             folder.record().started};
  StageRunner stages(recipe, options, folder, command, provider->info());
  const auto instance = provider->launch(recipe, nullptr, context);
  context.lap("start of the instance");
  choose(*instance, options, false);
  const std::vector<Stage> todo = stages_of(recipe, *documents, folder, options.tests);
  const bool built = stages.run(*instance, todo.front(), end);
  timing.stage("build", instance->steps());
  if (!built) return end;
  const auto snapshot = instance->snapshot();
  context.lap("snapshot");
  std::vector<ManifestStep> steps = instance->steps();
  if (todo.size() > 1) {
    const auto test = provider->launch(recipe, snapshot.get(), context);
    context.lap("start of the test instance");
    choose(*test, options, true);
    const bool tested = stages.run(*test, todo.back(), end);
    timing.stage("test", test->steps());
    if (!tested) {
      if (end.kept) {
        snapshot->keep();
        instance->keep();
      }
      return end;
    }
    for (ManifestStep& step : test->steps()) steps.push_back(std::move(step));
  }
  deliver({recipe, folder.record(), *documents, *snapshot, steps, {}, {}},
          provider->info().default_output, context, end);
  context.lap("outputs and manifest");
  if (end.code == ExitCode::success) end.message.clear();
  end.failed_step.clear();
  return end;
}

}  // namespace toehold
