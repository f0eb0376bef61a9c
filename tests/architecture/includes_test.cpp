// A file includes what it uses of the standard library, itself or through our own headers. Most
// builds have these headers precompiled for all files, so no compiler says what is missing.
#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "tests/support/catch.hpp"
#include "tests/support/source_tree.hpp"

namespace toehold {
namespace {

using Files = std::vector<SourceFile>;
using Findings = std::vector<std::string>;

/// The headers that CMakeLists.txt has precompiled, with the names of theirs that we use.
const std::map<std::string, std::set<std::string>>& names_by_header() {
  static const std::map<std::string, std::set<std::string>> table{
      {"algorithm",
       {"all_of",      "any_of",      "clamp",    "copy_if",     "count_if",  "equal_range",
        "find_if",     "find_if_not", "for_each", "lower_bound", "max",       "max_element",
        "min",         "min_element", "mismatch", "none_of",     "partition", "remove_if",
        "replace",     "reverse",     "rotate",   "search",      "sort",      "stable_partition",
        "stable_sort", "transform",   "unique",   "upper_bound"}},
      {"array", {"array", "to_array"}},
      {"atomic", {"atomic", "atomic_bool", "atomic_flag"}},
      {"chrono", {"chrono", "chrono_literals"}},
      {"cstdint",
       {"int16_t", "int32_t", "int64_t", "int8_t", "intmax_t", "uint16_t", "uint32_t", "uint64_t",
        "uint8_t", "uintptr_t"}},
      {"filesystem", {"filesystem"}},
      {"fstream", {"fstream", "ifstream", "ofstream"}},
      {"functional",
       {"cref", "function", "greater", "hash", "invoke", "less", "ref", "reference_wrapper"}},
      {"map", {"map", "multimap"}},
      {"memory",
       {"enable_shared_from_this", "make_shared", "make_unique", "shared_ptr", "unique_ptr",
        "weak_ptr"}},
      {"mutex",
       {"call_once", "lock_guard", "mutex", "once_flag", "recursive_mutex", "scoped_lock",
        "unique_lock"}},
      {"optional", {"make_optional", "nullopt", "nullopt_t", "optional"}},
      {"set", {"multiset", "set"}},
      {"span", {"span"}},
      {"stop_token", {"stop_callback", "stop_source", "stop_token"}},
      {"string", {"getline", "stod", "stoi", "stoul", "stoull", "string", "to_string"}},
      {"string_view", {"string_view"}},
      {"thread", {"jthread", "this_thread", "thread"}},
      {"unordered_map", {"unordered_map"}},
      {"utility", {"as_const", "exchange", "forward", "make_pair", "move", "pair", "swap"}},
      {"variant", {"get_if", "holds_alternative", "monostate", "variant", "visit"}},
      {"vector", {"vector"}}};
  return table;
}

std::set<std::string> names_in(const SourceFile& file) {
  static const std::regex comment_or_string(R"re(//[^\n]*|"(\\.|[^"\\\n])*")re");
  static const std::regex standard_name(R"(\bstd::(\w+))");
  const std::string code = std::regex_replace(file.text, comment_or_string, "");
  std::set<std::string> names;
  for (auto match = std::sregex_iterator(code.begin(), code.end(), standard_name);
       match != std::sregex_iterator(); ++match) {
    names.insert((*match)[1]);
  }
  return names;
}

class IncludeSearch {
 public:
  explicit IncludeSearch(const Files& files) : files_(files) {
    for (const SourceFile& file : files) by_path_[file.path] = &file;
  }

  Findings run() const {
    Findings findings;
    for (const SourceFile& file : files_) {
      if (!is_header(file) && !file.path.ends_with(".cpp")) continue;
      std::set<std::string> seen;
      std::set<std::string> headers;
      collect(file, seen, headers);
      const std::set<std::string> used = names_in(file);
      for (const auto& [header, names] : names_by_header()) {
        if (headers.contains(header)) continue;
        const auto name = std::find_if(names.begin(), names.end(),
                                       [&](const auto& each) { return used.contains(each); });
        if (name == names.end()) continue;
        findings.push_back(file.path + ": std::" + *name + " without #include <" + header + ">");
      }
    }
    return findings;
  }

 private:
  void collect(const SourceFile& file, std::set<std::string>& seen,
               std::set<std::string>& headers) const {
    if (!seen.insert(file.path).second) return;
    for (const Include& include : includes_of(file)) {
      if (!include.quoted) {
        headers.insert(include.target);
      } else if (const auto own = by_path_.find(include.target); own != by_path_.end()) {
        collect(*own->second, seen, headers);
      }
    }
  }

  const Files& files_;
  std::map<std::string, const SourceFile*> by_path_;
};

/// What `precompiled` of CMakeLists.txt lists, as it stands there: "<map> <memory> ...".
std::set<std::string> precompiled_in(const std::string& cmake) {
  static const std::regex header(R"(<(\w+)>)");
  const std::size_t begin = cmake.find("target_precompile_headers(${target} PRIVATE");
  const std::string list =
      begin == std::string::npos ? "" : cmake.substr(begin, cmake.find(')', begin) - begin);
  std::set<std::string> headers;
  for (auto match = std::sregex_iterator(list.begin(), list.end(), header);
       match != std::sregex_iterator(); ++match) {
    headers.insert((*match)[1]);
  }
  return headers;
}

}  // namespace

TEST_CASE("files include what they use of the precompiled headers") {
  const Files files = read_source_tree(TOEHOLD_SOURCE_DIR);
  CHECK(IncludeSearch(files).run() == Findings{});
  const auto cmake = std::find_if(files.begin(), files.end(), [](const SourceFile& each) {
    return each.path == "CMakeLists.txt";
  });
  REQUIRE(cmake != files.end());
  std::set<std::string> known;
  for (const auto& [header, names] : names_by_header()) known.insert(header);
  CHECK(precompiled_in(cmake->text) == known);
}

TEST_CASE("a name without its header is found") {
  const SourceFile with_set{"b.hpp", "// Made up.\n#include <set>\n"};
  const auto findings = [&](const std::string& text) {
    return IncludeSearch({{"a.cpp", text}, with_set}).run();
  };
  CHECK(findings("std::set<int> a;\n") == Findings{"a.cpp: std::set without #include <set>"});
  CHECK(findings("#include <set>\nstd::set<int> a;\n").empty());
  CHECK(findings("#include \"b.hpp\"\nstd::set<int> a;\n").empty());
  CHECK(findings("// std::set\nconst char* a = \"std::set\";\n").empty());
}

}  // namespace toehold
