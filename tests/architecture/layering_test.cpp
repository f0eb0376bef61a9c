// Who may include whom (docs/architecture.md): levels, cycles, fences. Each rule is a pure function
// over files, run on this tree and, to prove that it can fail, on made-up files.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "tests/support/catch.hpp"
#include "tests/support/source_tree.hpp"

namespace toehold {
namespace {

using Files = std::vector<SourceFile>;
using Findings = std::vector<std::string>;

struct Level {
  std::string_view folder;
  int level;
};

// Includes go strictly down, so folders of one level never see each other.
constexpr std::array levels{Level{"runner/base", 0}, Level{"runner/document", 1},
                            Level{"runner/aws", 1}, Level{"runner/engine", 2},
                            Level{"runner/report", 3}, Level{"actions", 3},
                            Level{"runner/agent", 4}, Level{"runner/controller", 4},
                            // Knows how to reach a machine, not what for.
                            Level{"runner/controller/transports", 1}};

// The controller's program has the agent's commands too, and its sandbox runs documents as the
// agent does; nothing else of agent/ is its business.
constexpr std::array<std::string_view, 8> agent_for_controller{
    "runner/agent/aws_reach.hpp",       "runner/agent/commands.hpp",
    "runner/agent/document_source.hpp", "runner/agent/guest_cleanup.hpp",
    "runner/agent/program.hpp",         "runner/agent/run_directory.hpp",
    "runner/agent/run_options.hpp",     "runner/agent/run_session.hpp"};

struct Fence {
  std::string_view package;  // what its headers' names begin with
  std::vector<std::string_view> inside;
};

const std::vector<Fence>& fences() {
  static const std::vector<Fence> table{
      {"yaml-cpp/", {"runner/document/yaml.cpp"}},
      {"boost/json", {"runner/base/json.cpp"}},
      {"boost/locale/", {"runner/base/encoding.cpp"}},
      // Asio and Process, and what Asio 1.81 needs before it.
      {"boost/", {"runner/base/process.cpp"}},
      {"curl/",
       {"runner/base/curl_library.hpp", "runner/base/curl_library.cpp", "runner/base/http.cpp"}},
      {"openssl/", {"runner/base/digest.cpp", "runner/base/static_program.cpp"}},
      {"re2/", {"runner/base/pattern.cpp"}},
      {"spdlog/", {"runner/base/log.cpp"}},
      {"archive",
       {"runner/controller/archive_library.hpp", "runner/controller/archive_library.cpp",
        "runner/controller/tar_writer.cpp"}},
      {"libssh2",
       {"runner/controller/transports/ssh_state.hpp",
        "runner/controller/transports/ssh_session.cpp",
        "runner/controller/transports/ssh_channel.cpp"}},
      {"CLI/", {"runner/agent/", "runner/controller/"}}};
  return table;
}

// Folders of the C library and the kernel; every other <folder/file> is a package.
constexpr std::array<std::string_view, 5> system_folders{"net/", "sys/", "linux/", "netinet/",
                                                         "arpa/"};

const Level* level_of(std::string_view path) {
  const std::string_view folder = path.substr(0, path.rfind('/'));
  const auto it = std::find_if(levels.begin(), levels.end(),
                               [&](const Level& level) { return level.folder == folder; });
  return it == levels.end() ? nullptr : &*it;
}

std::string at(const SourceFile& file, const Include& include) {
  return file.path + ":" + std::to_string(include.line) + ": ";
}

bool may_include(const SourceFile& file, const Level& from, const std::string& target) {
  if (from.folder == "runner/controller" &&
      std::find(agent_for_controller.begin(), agent_for_controller.end(), target) !=
          agent_for_controller.end()) {
    return true;
  }
  const Level* to = level_of(target);
  return to && (to->folder == from.folder || to->level < from.level) && target != file.path;
}

Findings check_levels(const Files& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    if (!is_product_source(file)) continue;
    const Level* from = level_of(file.path);
    if (!from) {
      findings.push_back(file.path + ": its folder has no level");
      continue;
    }
    for (const Include& include : includes_of(file)) {
      if (!include.quoted || include.target.starts_with("generated/")) continue;
      if (may_include(file, *from, include.target)) continue;
      findings.push_back(at(file, include) + "may not include " + include.target);
    }
  }
  return findings;
}

const Fence* fence_of(const std::string& target) {
  for (const Fence& fence : fences()) {
    if (target.starts_with(fence.package)) return &fence;
  }
  return nullptr;
}

bool is_inside(const Fence& fence, const std::string& path) {
  return std::any_of(fence.inside.begin(), fence.inside.end(),
                     [&](std::string_view part) { return path.starts_with(part); });
}

bool is_system(const std::string& target) {
  return target.find('/') == std::string::npos ||
         std::any_of(system_folders.begin(), system_folders.end(),
                     [&](std::string_view folder) { return target.starts_with(folder); });
}

Findings check_fences(const Files& files) {
  Findings findings;
  std::map<std::string, const Fence*> carriers;  // headers that hand a package on
  for (const SourceFile& file : files) {
    if (!is_product_source(file)) continue;
    for (const Include& include : includes_of(file)) {
      const Fence* fence = fence_of(include.target);
      if (fence && is_header(file)) carriers[file.path] = fence;
      if (fence && !is_inside(*fence, file.path)) {
        findings.push_back(at(file, include) + include.target + " is outside of its fence");
      }
      if (!fence && !include.quoted && !is_system(include.target)) {
        findings.push_back(at(file, include) + include.target + " is of a package with no fence");
      }
    }
  }
  for (const SourceFile& file : files) {
    if (!is_product_source(file)) continue;
    for (const Include& include : includes_of(file)) {
      const auto carrier = carriers.find(include.target);
      if (carrier == carriers.end() || is_inside(*carrier->second, file.path)) continue;
      findings.push_back(at(file, include) + include.target +
                         " carries a package out of its fence");
    }
  }
  return findings;
}

class CycleSearch {
 public:
  explicit CycleSearch(const Files& files) {
    for (const SourceFile& file : files) {
      for (const Include& include : includes_of(file)) {
        if (include.quoted) edges_[file.path].push_back(include.target);
      }
    }
  }

  Findings run() {
    for (const auto& [path, targets] : edges_) visit(path);
    return findings_;
  }

 private:
  void visit(const std::string& path) {
    const auto on_path = std::find(path_.begin(), path_.end(), path);
    if (on_path != path_.end()) {
      std::string cycle;
      for (auto it = on_path; it != path_.end(); ++it) cycle += *it + " -> ";
      findings_.push_back(cycle + path);
      return;
    }
    if (!done_.insert(path).second) return;
    path_.push_back(path);
    if (const auto it = edges_.find(path); it != edges_.end()) {
      for (const std::string& target : it->second) visit(target);
    }
    path_.pop_back();
  }

  std::map<std::string, std::vector<std::string>> edges_;
  std::set<std::string> done_;
  std::vector<std::string> path_;
  Findings findings_;
};

SourceFile file_with(const std::string& path, const std::string& include) {
  return {path, "// Made up.\n#include " + include + "\n"};
}

}  // namespace

TEST_CASE("includes go strictly down the levels") {
  CHECK(check_levels(read_source_tree(TOEHOLD_SOURCE_DIR)) == Findings{});
}

TEST_CASE("an include up or across the levels is found") {
  const auto wrong = [](const std::string& path, const std::string& target) {
    return check_levels({file_with(path, '"' + target + '"')}) ==
           Findings{path + ":2: may not include " + target};
  };
  CHECK(wrong("runner/base/text.cpp", "runner/document/yaml.hpp"));
  CHECK(wrong("runner/document/reader.cpp", "runner/aws/s3.hpp"));
  CHECK(wrong("runner/aws/s3.cpp", "runner/document/yaml.hpp"));
  CHECK(wrong("runner/engine/plan.hpp", "actions/script.hpp"));
  CHECK(wrong("actions/reboot.cpp", "runner/report/console.hpp"));
  CHECK(wrong("runner/report/result.cpp", "actions/script.hpp"));
  CHECK(wrong("runner/agent/run.cpp", "runner/controller/build.hpp"));
  CHECK(wrong("runner/controller/main.cpp", "runner/agent/explain.hpp"));
  CHECK(wrong("runner/base/text.cpp", "../base/text.hpp"));
  CHECK(wrong("runner/base/text.cpp", "text.hpp"));
  CHECK(check_levels({file_with("runner/extra/a.cpp", "<string>")}).size() == 1);
  CHECK(check_levels({file_with("actions/reboot.cpp", "\"runner/engine/action.hpp\"")}).empty());
  CHECK(check_levels({file_with("runner/controller/main.cpp", "\"runner/agent/program.hpp\"")})
            .empty());
}

TEST_CASE("no file includes itself through others") {
  CHECK(CycleSearch(read_source_tree(TOEHOLD_SOURCE_DIR)).run() == Findings{});
}

TEST_CASE("an include cycle is found") {
  const Files files{file_with("a.hpp", "\"b.hpp\""), file_with("b.hpp", "\"c.hpp\""),
                    file_with("c.hpp", "\"b.hpp\"")};
  CHECK(CycleSearch(files).run() == Findings{"b.hpp -> c.hpp -> b.hpp"});
}

TEST_CASE("every package stays in its fence") {
  CHECK(check_fences(read_source_tree(TOEHOLD_SOURCE_DIR)) == Findings{});
}

TEST_CASE("a package outside of its fence is found") {
  const auto wrong = [](const std::string& path, const std::string& header) {
    return check_fences({file_with(path, header)}).size() == 1;
  };
  CHECK(wrong("runner/document/reader.cpp", "<yaml-cpp/yaml.h>"));
  CHECK(wrong("runner/agent/run.cpp", "<boost/json.hpp>"));
  CHECK(wrong("runner/base/files.cpp", "<boost/asio/io_context.hpp>"));
  CHECK(wrong("actions/web_download.cpp", "<curl/curl.h>"));
  CHECK(wrong("runner/base/files.cpp", "\"openssl/evp.h\""));
  CHECK(wrong("runner/engine/condition_evaluator.cpp", "<re2/re2.h>"));
  CHECK(wrong("runner/report/console.cpp", "<spdlog/spdlog.h>"));
  CHECK(wrong("runner/engine/plan.cpp", "<CLI/CLI.hpp>"));
  CHECK(wrong("runner/controller/outputs.cpp", "<archive_entry.h>"));
  CHECK(wrong("runner/base/files.cpp", "<zstd/zstd.h>"));
  CHECK_FALSE(wrong("runner/base/files.cpp", "<sys/stat.h>"));
  CHECK_FALSE(wrong("runner/controller/main.cpp", "<CLI/CLI.hpp>"));
  const Files leak{file_with("runner/base/curl_library.hpp", "<curl/curl.h>"),
                   file_with("actions/web_download.cpp", "\"runner/base/curl_library.hpp\"")};
  CHECK(check_fences(leak) ==
        Findings{"actions/web_download.cpp:2: runner/base/curl_library.hpp carries a package out "
                 "of its fence"});
}

}  // namespace toehold
