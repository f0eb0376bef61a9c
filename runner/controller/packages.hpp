// The packages that a file tree says are installed in it: read from the databases of dpkg and apk,
// asked of the rpm program for rpm's. Called for manifests; never runs a program of the tree.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "runner/base/process.hpp"
#include "runner/controller/overlay_tree.hpp"

namespace toehold {

struct Package {
  std::string name;
  std::string version;
  std::string architecture;
};

struct PackageList {
  std::string manager;            // "dpkg", "rpm", "apk"; empty: no database is there
  std::vector<Package> packages;  // by name
  std::string note;               // why the list is empty although there is a database
};

/// Asks rpm for all that is installed, a package a line; for parse_rpm_answer.
inline constexpr const char* rpm_question =
    "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\n";
std::vector<Package> parse_rpm_answer(const std::string& text);
void sort_packages(std::vector<Package>& packages);

/// Throws Error(io) for a database that cannot be read.
PackageList installed_packages(const OverlayStack& stack, ProcessRunner& processes,
                               std::stop_token stop);

}  // namespace toehold
