// The manual page of a program, made from its option parser and the table of exit codes. Called by
// `describe --format man`; the packages install what it gives.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace toehold {

/// In man(7) macros. `version`: as the foot of the page shows it.
std::string man_page(const CLI::App& app, const std::string& version);

}  // namespace toehold
