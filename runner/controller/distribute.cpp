#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "runner/agent/aws_reach.hpp"
#include "runner/agent/program.hpp"
#include "runner/agent/run_directory.hpp"
#include "runner/aws/credential_sources.hpp"
#include "runner/base/error.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/build_folder.hpp"
#include "runner/controller/commands.hpp"
#include "runner/controller/distribution.hpp"
#include "runner/controller/ec2_place.hpp"
#include "runner/controller/ec2_things.hpp"
#include "runner/controller/image_store.hpp"

namespace toehold {

namespace {

struct TypedDistribute {
  std::string image;
  std::string recipe;
  std::vector<std::string> regions;
  std::string from;
  std::string format = "text";
};

/// What is distributed, by whichever name it was given.
struct Chosen {
  DistributionRequest request;
  std::string recipe;       // its file, or empty
  RecipeSettings settings;  // of the matrix
  std::optional<Manifest> manifest;
};

void take_published(const Manifest& manifest, DistributionRequest& request) {
  const auto published = published_image(manifest);
  if (!published) {
    throw Error(Error::Kind::usage,
                "the image " + manifest.id + " was built on the target " + manifest.target +
                    " and is no machine image of AWS",
                "only images of the target ec2 can be distributed");
  }
  request.image = published->id;
  request.region = published->region;
}

Chosen choose(const TypedDistribute& typed, AwsReach& reach) {
  Chosen chosen;
  chosen.recipe = typed.recipe;
  DistributionRequest& request = chosen.request;
  if (typed.image.starts_with("ami-")) {
    request.image = typed.image;
    request.region = typed.from.empty()
                         ? region_of_calls(reach, "say where the image is: --from REGION")
                         : typed.from;
    return chosen;
  }
  const Manifest& manifest =
      chosen.manifest.emplace(ImageStore(state_base() / "images").find(typed.image));
  take_published(manifest, request);
  request.build_id = manifest.build_id;
  request.built = aws::iso_time(manifest.started).value_or(0);
  request.name = manifest.name;
  request.version = manifest.version;
  if (chosen.recipe.empty()) chosen.recipe = manifest.recipe;
  chosen.settings = manifest.matrix;
  return chosen;
}

/// False after errors, which have been told.
bool read_distributions_of(Chosen& chosen) {
  LoadedRecipes loaded = load_recipe(chosen.recipe, chosen.settings);
  for (const Diagnostic& finding : loaded.diagnostics.items()) {
    std::fputs(render_text(finding, colour_wanted(STDERR_FILENO)).c_str(), stderr);
  }
  if (loaded.diagnostics.has_errors() || loaded.builds.empty()) return false;
  const Recipe& recipe = loaded.builds.front();
  DistributionRequest& request = chosen.request;
  request.distributions = recipe.distributions;
  request.source = recipe.source;
  if (request.name.empty()) request.name = recipe.name;
  if (request.version.empty()) request.version = recipe.version;
  return true;
}

/// Leaves those that `regions` names; of a recipe without distributions these are plain copies.
void choose_regions(const std::vector<std::string>& regions, std::vector<Distribution>& all) {
  if (all.empty() && regions.empty()) {
    throw Error(Error::Kind::usage, "nothing says where the image is to go",
                "add 'distributions' to the recipe, or type --region REGION");
  }
  if (regions.empty()) return;
  std::vector<std::string> known;
  for (const Distribution& one : all) known.push_back(one.region);
  std::vector<Distribution> wanted;
  for (const std::string& region : regions) {
    const auto at = std::find(known.begin(), known.end(), region);
    if (at != known.end()) {
      wanted.push_back(all[static_cast<std::size_t>(at - known.begin())]);
    } else if (known.empty()) {
      wanted.emplace_back().region = region;
    } else {
      const std::string hint = did_you_mean(region, known);
      throw Error(Error::Kind::usage, "the recipe does not distribute to " + region,
                  hint.empty() ? "it has " + join(known, ", ") : hint);
    }
  }
  all = std::move(wanted);
}

/// Where it is written down what is being made: that of the build, as long as there is one, or of
/// an earlier try, or a new one. cleanup finds all of them.
BuildFolder folder_for(const DistributionRequest& request, const std::string& recipe,
                       Clock& clock) {
  const std::string name = "distribute-" + request.image;
  for (const BuildRecord& record : list_builds()) {
    const bool of_build = !request.build_id.empty() && record.id == request.build_id;
    if (of_build || record.id.starts_with(name + "-")) return BuildFolder::open(record.id);
  }
  BuildFolder folder = BuildFolder::create(name, clock.unix_millis());
  BuildRecord& record = folder.record();
  record.recipe = recipe;
  record.target = ec2_target;
  record.state = "failed";  // until all is done
  record.message = "the image was not brought everywhere";
  folder.save();
  return folder;
}

/// One of our own, that is: a build's stays.
void remove_if_empty(BuildFolder& folder) {
  const bool own = folder.record().id.starts_with("distribute-ami-");
  if (!own || !folder.inventory().remaining().empty()) return;
  std::error_code error;
  fs::remove_all(folder.path(), error);
}

void print_results(const std::vector<DistributionResult>& results, const std::string& format) {
  if (format == "json") {
    Value::List list;
    for (const DistributionResult& result : results) {
      list.push_back(distribution_result_fields().encode(result));
      if (!result.message.empty()) list.back().set("message", result.message);
      list.back().set("changes", field_codec::encode(result.changes));
    }
    std::puts(to_json(Value(std::move(list)), 2).c_str());
    return;
  }
  for (const DistributionResult& result : results) {
    std::printf("%-15s %-13s %-22s %-10s %s\n", result.region.c_str(), result.account.c_str(),
                result.image.empty() ? "-" : result.image.c_str(), result.state.c_str(),
                printable(result.name).c_str());
  }
}

/// Into the manifest of an image of the store.
void remember(const Chosen& chosen, const std::vector<DistributionResult>& results) {
  if (!chosen.manifest) return;
  const ImageStore store(state_base() / "images");
  for (const StoredImage& image : store.list()) {
    if (image.id != chosen.manifest->id) continue;
    Manifest manifest = *chosen.manifest;
    manifest.distributed = merged(std::move(manifest.distributed), results);
    store.put(manifest);
  }
}

ExitCode distribute_image(const TypedDistribute& typed, const CommandContext& context) {
  AwsReach reach(context.stop);
  Chosen chosen = choose(typed, reach);
  if (!chosen.recipe.empty() && !read_distributions_of(chosen)) return ExitCode::failure;
  choose_regions(typed.regions, chosen.request.distributions);
  SystemClock clock;
  BuildFolder folder = folder_for(chosen.request, chosen.recipe, clock);
  const DistributionTools tools{
      reach.session(), folder.inventory(), clock, context.stop,
      [](const std::string& line) { std::fprintf(stderr, "%s\n", printable(line).c_str()); }};
  std::vector<DistributionResult> results;
  try {
    results = distribute(chosen.request, tools);
  } catch (const Error&) {
    remove_if_empty(folder);
    throw;
  }
  remember(chosen, results);
  print_results(results, typed.format);
  remove_if_empty(folder);
  if (all_available(results)) return ExitCode::success;
  std::fprintf(stderr, "not distributed: %s\n", printable(failures_of(results)).c_str());
  return context.stop.stop_requested() ? ExitCode::interrupted : ExitCode::failure;
}

}  // namespace

void add_distribute(CLI::App& app, CommandContext& context) {
  auto typed = std::make_shared<TypedDistribute>();
  CLI::App* command = app.add_subcommand(
      "distribute", "Bring a machine image of AWS to regions and accounts, or what is missing");
  command
      ->add_option("image", typed->image,
                   "Id, NAME or NAME:VERSION of an image that was built here, or ami-...")
      ->required();
  command->add_option("--recipe", typed->recipe,
                      "Recipe with the distributions; else that of the image");
  command
      ->add_option("--region", typed->regions,
                   "Only these of the recipe; without distributions there, plain copies")
      ->allow_extra_args(false);
  command->add_option("--from", typed->from,
                      "Region of an ami-...; else that of the environment or the profile");
  command->add_option("--format", typed->format, "text for people, json for machines")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([typed, &context] { context.exit_code = distribute_image(*typed, context); });
}

}  // namespace toehold
