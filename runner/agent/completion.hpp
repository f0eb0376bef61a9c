// Shell completion for bash, zsh and fish: the shells ask the program itself, so that what they
// offer is never older than it. Called by run_program; runs no command.
#pragma once

#include <string>
#include <vector>

#include "runner/agent/program.hpp"

namespace toehold {

struct Completion {
  struct Candidate {
    std::string word;
    std::string description;  // one line; may be empty
  };
  std::vector<Candidate> candidates;
  bool files = false;  // names of files fit as well
};

/// For the last of `words`, those typed behind the program's name; it may be empty.
Completion complete(const CLI::App& app, const CommandContext& context,
                    const std::vector<std::string>& words);

/// What `PROGRAM __complete WORDS...` prints: a line `word<TAB>description` a candidate, and the
/// line `:files` where the shell is to add files.
void print_completion(const Completion& completion);

/// The script that `PROGRAM completion SHELL` prints; throws Error(usage) for another shell.
std::string completion_script(const std::string& program, const std::string& shell);

}  // namespace toehold
