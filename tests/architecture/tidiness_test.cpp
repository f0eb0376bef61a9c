// House rules that a reviewer should not have to check: the list of actions, the length of files,
// the opening comment of headers, no path of somebody's machine.
#include <algorithm>
#include <map>
#include <regex>

#include "tests/support/catch.hpp"
#include "tests/support/source_tree.hpp"

namespace toehold {
namespace {

using Files = std::vector<SourceFile>;
using Findings = std::vector<std::string>;

constexpr std::size_t max_lines = 400;

// Files that may be longer, and why.
const std::map<std::string, std::string> long_files{
    {"tests/unit/base/process_test.cpp", "all the ways in which a process can end, side by side"}};

bool is_code(const SourceFile& file) {
  return file.path.ends_with(".hpp") || file.path.ends_with(".cpp") || file.path.ends_with(".sh");
}

Findings check_length(const Files& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    if (!is_code(file) || long_files.contains(file.path)) continue;
    const std::size_t lines = lines_of(file.text).size();
    if (lines > max_lines) findings.push_back(file.path + ": " + std::to_string(lines) + " lines");
  }
  return findings;
}

Findings check_openings(const Files& files) {
  Findings findings;
  for (const SourceFile& file : files) {
    if (!is_header(file)) continue;
    std::size_t comment = 0;
    const std::vector<std::string_view> lines = lines_of(file.text);
    while (comment < lines.size() && lines[comment].starts_with("// ")) ++comment;
    const bool pragma_follows = comment < lines.size() && lines[comment] == "#pragma once";
    if (pragma_follows && comment >= 2 && comment <= 6) continue;
    findings.push_back(file.path + ": must open with 2 to 6 lines of // and then #pragma once");
  }
  return findings;
}

Findings check_action_list(const Files& files) {
  static const std::regex maker(R"((?:^|\n)Action (\w+)\(\))");
  std::string list;
  for (const SourceFile& file : files) {
    if (file.path == "actions/builtin_actions.cpp") list = file.text;
  }
  Findings findings;
  for (const SourceFile& file : files) {
    if (!file.path.starts_with("actions/") || !file.path.ends_with(".cpp")) continue;
    auto match = std::sregex_iterator(file.text.begin(), file.text.end(), maker);
    for (; match != std::sregex_iterator(); ++match) {
      const std::string name = (*match)[1];
      if (list.find("add(" + name + "());") != std::string::npos) continue;
      findings.push_back(file.path + ": " + name + "() is not in builtin_actions.cpp");
    }
  }
  return findings;
}

Findings check_machine_paths(const Files& files) {
  // In parts, or this file would find itself. The users of instances have their place in documents.
  static const std::regex pattern(std::string("(^|[^A-Za-z0-9_.~$}-])/(") +
                                  "(work|Users|mnt/[a-z]+|root/[a-z]+)/|"
                                  "home/(?!ec2-user|runner|ubuntu)[a-z])");
  Findings findings;
  for (const SourceFile& file : files) {
    int number = 0;
    for (const std::string_view view : lines_of(file.text)) {
      ++number;
      const std::string line(view);
      const bool found = std::regex_search(line, pattern);
      if (found) findings.push_back(file.path + ":" + std::to_string(number) + ": " + line);
    }
  }
  return findings;
}

/// Relative links between pages; those to docs/reference are the business of docs_fresh_test.
Findings check_links(const Files& files) {
  static const std::regex link(R"(\]\(([^)#:]+)(#[^)]*)?\))");
  Findings findings;
  for (const SourceFile& file : files) {
    if (!file.path.ends_with(".md")) continue;
    const std::filesystem::path folder = std::filesystem::path(file.path).parent_path();
    auto match = std::sregex_iterator(file.text.begin(), file.text.end(), link);
    for (; match != std::sregex_iterator(); ++match) {
      const std::string target = (folder / (*match)[1].str()).lexically_normal().generic_string();
      const bool known = std::any_of(files.begin(), files.end(), [&](const SourceFile& each) {
        return each.path == target || each.path.starts_with(target + "/");
      });
      if (!known && !target.starts_with("docs/reference")) {
        findings.push_back(file.path + ": no " + target);
      }
    }
  }
  return findings;
}

std::string repeated(const std::string& line, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += line;
  return text;
}

}  // namespace

TEST_CASE("files stay short") {
  const Files files = read_source_tree(TOEHOLD_SOURCE_DIR);
  CHECK(check_length(files) == Findings{});
  for (const auto& [path, reason] : long_files) {
    const auto file = std::find_if(files.begin(), files.end(),
                                   [&](const SourceFile& each) { return each.path == path; });
    INFO(path << " is on the list of long files: " << reason);
    REQUIRE(file != files.end());
    CHECK(lines_of(file->text).size() > max_lines);
  }
}

TEST_CASE("a long file is found") {
  CHECK(check_length({{"runner/base/a.cpp", repeated("x\n", 400)}}).empty());
  CHECK(check_length({{"runner/base/a.cpp", repeated("x\n", 401)}}) ==
        Findings{"runner/base/a.cpp: 401 lines"});
}

TEST_CASE("headers open by saying what they are for") {
  CHECK(check_openings(read_source_tree(TOEHOLD_SOURCE_DIR)) == Findings{});
}

TEST_CASE("a header without its opening is found") {
  const auto wrong = [](const std::string& text) {
    return check_openings({{"a.hpp", text}}).size() == 1;
  };
  CHECK(wrong("#pragma once\n"));
  CHECK(wrong("// One line.\n#pragma once\n"));
  CHECK(wrong(repeated("// Many.\n", 7) + "#pragma once\n"));
  CHECK(wrong("// Two\n// lines.\n\n#pragma once\n"));
  CHECK(wrong("// Two\n// lines.\n#ifndef A\n"));
  CHECK_FALSE(wrong("// Two\n// lines.\n#pragma once\n"));
  CHECK_FALSE(wrong(repeated("// Six.\n", 6) + "#pragma once\n"));
}

TEST_CASE("every action is in the list") {
  CHECK(check_action_list(read_source_tree(TOEHOLD_SOURCE_DIR)) == Findings{});
}

TEST_CASE("an action that is not in the list is found") {
  const SourceFile list{"actions/builtin_actions.cpp", "  add(reboot());\n"};
  const SourceFile listed{"actions/reboot.cpp", "}\n\nAction reboot() {\n"};
  const SourceFile forgotten{"actions/s3_sync.cpp", "}\n\nAction s3_sync() {\n"};
  CHECK(check_action_list({list, listed, forgotten}) ==
        Findings{"actions/s3_sync.cpp: s3_sync() is not in builtin_actions.cpp"});
}

TEST_CASE("no file names a place of one machine") {
  CHECK(check_machine_paths(read_source_tree(TOEHOLD_SOURCE_DIR)) == Findings{});
}

TEST_CASE("a path of one machine is found") {
  const auto wrong = [](const std::string& line) {
    return check_machine_paths({{"docs/a.md", "fine\n" + line + "\n"}}).size() == 1;
  };
  CHECK(wrong(std::string("cd /wo") + "rk/tree"));
  CHECK(wrong(std::string("see /ho") + "me/alice/notes"));
  CHECK(wrong(std::string("'/ro") + "ot/project/x'"));
  CHECK_FALSE(wrong("mkdir -p out/work/tree"));
  CHECK_FALSE(wrong("cd $scratch/work/tree"));
  CHECK_FALSE(wrong("{{ Folder }}/home/alice"));
  CHECK_FALSE(wrong("/home/ec2-user/app"));
}

TEST_CASE("links between pages lead somewhere") {
  CHECK(check_links(read_source_tree(TOEHOLD_SOURCE_DIR)) == Findings{});
}

TEST_CASE("a link to nowhere is found") {
  const SourceFile there{"docs/how-to/b.md", ""};
  const auto check = [&](const std::string& text) {
    return check_links({{"docs/a.md", text}, there});
  };
  CHECK(check("see [b](how-to/b.md), [all](how-to), [web](https://example.org/x)").empty());
  CHECK(check("see [b](b.md)") == Findings{"docs/a.md: no docs/b.md"});
  CHECK(check("see [b](../how-to/b.md#part)") == Findings{"docs/a.md: no how-to/b.md"});
}

}  // namespace toehold
