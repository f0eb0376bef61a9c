#include "runner/controller/build_image.hpp"
#include "runner/agent/run_directory.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "runner/agent/document_source.hpp"
#include "runner/base/error.hpp"
#include "runner/base/log.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/build_delivery.hpp"
#include "runner/controller/build_sources.hpp"
#include "runner/controller/image_draft.hpp"
#include "runner/controller/image_store.hpp"
#include "runner/controller/pause_meter.hpp"
#include "runner/controller/provider.hpp"
#include "runner/controller/sandbox_base.hpp"
#include "runner/controller/state_copy.hpp"
#include "runner/document/validator.hpp"

namespace toehold {

namespace {

bool has_phase(const std::vector<DocumentRun>& documents, std::string_view name) {
  return std::any_of(documents.begin(), documents.end(), [&](const DocumentRun& run) {
    const auto& phases = run.document->phases;
    return std::any_of(phases.begin(), phases.end(),
                       [&](const Phase& phase) { return phase.name == name; });
  });
}

Stage stage_of(const std::string& name, const std::string& phases,
               const std::vector<DocumentRun>& documents, const BuildFolder& folder,
               const SourceTexts* sources) {
  return {name,   documents, phases, folder.path() / ("state-" + name), folder.path() / "logs",
          sources};
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
    const SourceTexts known = read_fetched_sources(folder_.path());
    if (auto documents = load_components(recipe_, command_, known)) {
      stage.documents = std::move(*documents);
      return true;
    }
    say("the documents are not valid as they are now");
    return decide(instance, stage, step);
  }

  void say(const std::string& text) const { command_.tell(text + "\n"); }

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

/// Behind the removal of the instances, which takes its time, too.
struct TimingAtEnd {
  BuildTiming* timing;
  const PauseMeter& pauses;
  const CommandContext& command;
  ~TimingAtEnd() {
    if (!timing) return;
    timing->lap("removal of what is not kept");
    char line[100];
    std::snprintf(line, sizeof line,
                  "%9.2f s  the longest pause between two looks at what was waited for\n",
                  std::chrono::duration<double>(pauses.longest()).count());
    command.tell(timing->text() + line);
  }
};

/// From now on the build can be gone on with elsewhere, if its target has a place for that.
void keep_copy(const Provider& provider, const Recipe& recipe,
               const std::vector<DocumentRun>& documents, BuildFolder& folder,
               const CopyCompany& company, const CommandContext& command) {
  const CopyPlace place = provider.copy_place(recipe);
  if (!folder.copy() && place.address.empty()) return;
  if (!is_fetched(folder.path())) {
    write_sources(folder.path(),
                  sources_of(folder.record().recipe, recipe, documents, command.actions));
  }
  if (!folder.copy()) begin_copy(folder, place.address, place.region, command, company);
}

std::function<void()> saver_of(BuildFolder& folder, std::stop_token stop) {
  StateCopy* copy = folder.copy();
  if (!copy) return {};
  return [copy, stop = std::move(stop)] {
    if (!stop.stop_requested()) copy->save(true, stop);  // else it is in the last one
  };
}

/// Stages, snapshot and delivery, on instances that are gone again at the end of it.
void build_with(Provider& provider, const Recipe& recipe, const std::vector<DocumentRun>& documents,
                const std::vector<Stage>& todo, const BuildOptions& options, BuildFolder& folder,
                const BuildContext& context, BuildEnd& end) {
  StageRunner stages(recipe, options, folder, context.command, provider.info());
  const auto instance = provider.launch(recipe, nullptr, context);
  context.lap("start of the instance");
  choose(*instance, options, false);
  const bool built = stages.run(*instance, todo.front(), end);
  if (context.timing) context.timing->stage("build", instance->steps());
  if (!built) return;
  const auto snapshot = instance->snapshot();
  context.lap("snapshot");
  std::vector<ManifestStep> steps = instance->steps();
  if (todo.size() > 1) {
    const auto test = provider.launch(recipe, snapshot.get(), context);
    context.lap("start of the test instance");
    choose(*test, options, true);
    const bool tested = stages.run(*test, todo.back(), end);
    if (context.timing) context.timing->stage("test", test->steps());
    if (!tested) {
      if (end.kept) {
        snapshot->keep();
        instance->keep();
      }
      return;
    }
    for (ManifestStep& step : test->steps()) steps.push_back(std::move(step));
  }
  deliver({recipe, folder.record(), documents, *snapshot, steps, {}, {}},
          provider.info().default_output, context, end);
  context.lap("outputs and manifest");
  end.failed_step.clear();
  if (end.code == ExitCode::success) {
    end.message.clear();
    // Who goes on from here needs no instance, and may find none.
    folder.record().state = "delivered";
    folder.record().delivered = end.delivered;
    folder.save();
  }
  ImageDraft::forget_put(folder.inventory());
  if (end.code != ExitCode::success) return;
  try {
    context.note_down();
  } catch (const Error& error) {
    context.say("warning: " + error.full_message());
  }
}

void tell_end(Provider& provider, const Recipe& recipe, const BuildContext& context,
              BuildFolder& folder, const BuildEnd& end) {
  if (folder.copy() && folder.copy()->is_lost()) return;  // it has not ended
  BuildOutcome outcome;
  outcome.interrupted = end.code == ExitCode::interrupted;
  outcome.message = end.message;
  outcome.failed_step = end.failed_step;
  try {
    if (!end.image.empty()) {
      outcome.manifest = ImageStore(state_base() / "images").find(end.image);
    }
  } catch (const Error&) {
    // It failed before it had one.
  }
  provider.end_of_build(recipe, context, outcome);
}

/// What is thrown out of a build ends it, too.
void end_by(const std::exception& exception, BuildFolder& folder, BuildEnd& end) {
  const auto* error = dynamic_cast<const Error*>(&exception);
  const bool cancelled = error && error->kind() == Error::Kind::cancelled;
  end.code = cancelled ? ExitCode::interrupted : ExitCode::failure;
  end.message = full_message(exception);
  try {
    record_end(folder, end);
  } catch (const std::exception& failure) {  // what ended the build is told, and not this
    log(LogLevel::warning, full_message(failure));
  }
}

}  // namespace

bool check_target(Provider& provider, const Recipe& recipe,
                  const std::vector<DocumentRun>& documents, const CommandContext& command) {
  Diagnostics findings(recipe.source);
  provider.check(recipe, documents, findings);
  for (const Diagnostic& finding : findings.items()) {
    command.tell(render_text(finding, command.tells_in_colour()));
  }
  return !findings.has_errors();
}

std::vector<Stage> stages_of(const Recipe& recipe, const std::vector<DocumentRun>& documents,
                             const BuildFolder& folder, bool tests, const SourceTexts* sources) {
  std::vector<Stage> stages{stage_of("build", "build,validate", documents, folder, sources)};
  if (tests && recipe.tests_enabled && has_phase(documents, "test")) {
    stages.push_back(stage_of("test", "test", documents, folder, sources));
  }
  return stages;
}

std::optional<std::vector<DocumentRun>> load_components(const Recipe& recipe,
                                                        const CommandContext& command,
                                                        const SourceTexts& known) {
  std::vector<DocumentRun> runs;
  bool wrong = false;
  AwsReach aws(command.stop);
  for (const RecipeComponent& component : recipe.components) {
    const auto text = known.find(component.document);
    const SourcePtr source = text != known.end()
                                 ? std::make_shared<SourceText>(component.document, text->second)
                                 : read_document_source(component.document, {}, aws);
    const LoadedDocument loaded = load_document(source, command.actions, {});
    for (const Diagnostic& finding : loaded.diagnostics.items()) {
      command.tell(render_text(finding, command.tells_in_colour()));
    }
    wrong = wrong || loaded.diagnostics.has_errors();
    Parameters parameters = recipe.parameters;
    parameters.insert(parameters.end(), component.parameters.begin(), component.parameters.end());
    runs.push_back({loaded.document, component.document, std::move(parameters)});
  }
  if (wrong) return std::nullopt;
  return runs;
}

CommandContext silenced(CommandContext command) {
  command.print = [](std::string_view) {};
  return command;
}

BuildEnd build_image(const Recipe& recipe, const BuildOptions& options, BuildFolder& folder,
                     const CommandContext& command) {
  // A screen that goes away does not end a build; nor does what OpenSSL writes to a kept connection
  // that the other side has closed, which libcurl leaves to us (CURLOPT_NOSIGNAL).
  ::signal(SIGPIPE, SIG_IGN);
  BuildEnd end;
  const SourceTexts fetched = read_fetched_sources(folder.path());
  const auto documents = load_components(recipe, command, fetched);
  if (!documents) {
    end.message = "the components are not valid";
    return end;
  }
  const auto provider = make_provider(recipe.target.type);
  if (!check_target(*provider, recipe, *documents, command)) {
    end.message = "the target cannot do this";
    return end;
  }
  keep_copy(*provider, recipe, *documents, folder, options.company, command);
  SystemClock real_clock;
  PauseMeter clock(real_clock);
  RealProcessRunner processes;
  BuildTiming timing(clock);
  const TimingAtEnd told{options.timing ? &timing : nullptr, clock, command};
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
                             told.timing,
                             folder.record().started,
                             saver_of(folder, command.stop),
                             [&folder] {
                               if (folder.copy()) folder.copy()->must_hold();
                             },
                             options.company.aws};
  const std::vector<Stage> todo = stages_of(recipe, *documents, folder, options.tests,
                                            is_fetched(folder.path()) ? &fetched : nullptr);
  folder.record().state = "running";
  folder.save();
  try {
    build_with(*provider, recipe, *documents, todo, options, folder, context, end);
    end.tried = true;
  } catch (const std::exception& exception) {
    end_by(exception, folder, end);
    tell_end(*provider, recipe, context, folder, end);
    throw;
  }
  tell_end(*provider, recipe, context, folder, end);
  return end;
}

}  // namespace toehold
