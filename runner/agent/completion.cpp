#include "runner/agent/completion.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "runner/agent/commands.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

std::string first_sentence(const std::string& text) {
  return text.substr(0, text.find_first_of(";\n"));
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

bool is_hidden(const CLI::Option& option) {
  return option.get_group().empty();
}

/// The words of a CLI::IsMember, which tells them only in its description: "{auto,live,none}".
std::vector<std::string> listed_values(CLI::Option& option) {
  try {
    const std::string text = option.get_validator(0)->get_description();
    if (!text.starts_with('{') || !text.ends_with('}')) return {};
    return split(text.substr(1, text.size() - 2), ',');
  } catch (const CLI::OptionNotFound&) {
    return {};
  }
}

CLI::Option* option_named(const CLI::App& command, const std::string& word) {
  for (CLI::Option* option : const_cast<CLI::App&>(command).get_options()) {
    if (word.starts_with("--") ? option->check_lname(word.substr(2))
                               : word.size() == 2 && option->check_sname(word.substr(1))) {
      return option;
    }
  }
  return nullptr;
}

const CLI::App* command_named(const CLI::App& app, const std::string& word) {
  for (const CLI::App* sub : app.get_subcommands(nullptr)) {
    if (sub->get_name() == word) return sub;
  }
  return nullptr;
}

class Completer {
 public:
  Completer(const CLI::App& app, const CommandContext& context, const std::string& partial)
      : app_(app), context_(context), partial_(partial) {}

  Completion run(const std::vector<std::string>& before) {
    const CLI::App* command = &app_;
    CLI::Option* open = nullptr;  // waits for its value
    bool only_words = false;      // behind --
    for (const std::string& word : before) {
      if (word == "=") continue;  // bash makes a word of it
      if (open) {
        open = nullptr;
      } else if (const CLI::App* sub = only_words ? nullptr : command_named(*command, word)) {
        command = sub;
      } else if (word == "--") {
        only_words = true;
      } else if (!only_words && word.starts_with('-') && word.find('=') == std::string::npos) {
        open = option_named(*command, word);
        if (open && !takes_value(*open)) open = nullptr;
      }
    }
    if (open) {
      add_values(*command, *open, partial_, "");
    } else if (!only_words && partial_.starts_with('-')) {
      add_options(*command);
    } else {
      add_commands(*command);
      add_positionals(*command);
    }
    return std::move(result_);
  }

 private:
  void add(const std::string& word, const std::string& description = {}) {
    if (word.starts_with(partial_))
      result_.candidates.push_back({word, first_sentence(description)});
  }

  void add_commands(const CLI::App& command) {
    for (const CLI::App* sub : command.get_subcommands(nullptr)) {
      if (!sub->get_group().empty()) add(sub->get_name(), sub->get_description());
    }
  }

  void add_options(const CLI::App& command) {
    const std::size_t equals = partial_.find('=');
    if (equals != std::string::npos) {
      const std::string name = partial_.substr(0, equals);
      CLI::Option* option = option_named(command, name);
      if (option) add_values(command, *option, partial_.substr(equals + 1), name + "=");
      return;
    }
    for (const CLI::Option* option : command.get_options()) {
      if (is_hidden(*option)) continue;
      for (const std::string& name : option->get_lnames()) {
        add("--" + name, option->get_description());
      }
    }
  }

  void add_values(const CLI::App& command, CLI::Option& option, const std::string& typed,
                  const std::string& prefix) {
    std::vector<std::string> values = listed_values(option);
    const std::string name =
        option.get_lnames().empty() ? option.get_name() : option.get_lnames().front();
    const auto known = context_.words.find(command.get_name() + " " + name);
    if (known != context_.words.end()) values = known->second();
    for (const std::string& value : values) {
      const bool is_there =
          std::any_of(result_.candidates.begin(), result_.candidates.end(),
                      [&](const auto& other) { return other.word == prefix + value; });
      if (value.starts_with(typed) && !is_there) result_.candidates.push_back({prefix + value, {}});
    }
    result_.files = result_.files || (values.empty() && known == context_.words.end());
  }

  void add_positionals(const CLI::App& command) {
    for (CLI::Option* option : const_cast<CLI::App&>(command).get_options()) {
      if (option->get_positional() && !is_hidden(*option)) {
        add_values(command, *option, partial_, "");
      }
    }
  }

  const CLI::App& app_;
  const CommandContext& context_;
  const std::string& partial_;
  Completion result_;
};

constexpr const char* bash_script = R"(# bash completion for @PROGRAM@
_@FUNCTION@() {
  local current=${COMP_WORDS[COMP_CWORD]} line files=
  [ "$current" != = ] || current=
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = :files ]; then files=yes; else COMPREPLY+=("${line%%$'\t'*}"); fi
  done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$current" 2>/dev/null)
  if [ -n "$files" ]; then
    compopt -o filenames
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
  fi
}
complete -F _@FUNCTION@ @PROGRAM@
)";

constexpr const char* zsh_script = R"(#compdef @PROGRAM@
# zsh completion for @PROGRAM@
_@FUNCTION@() {
  local -a candidates
  local line files
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=yes
    else
      candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    fi
  done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${#candidates} )) && _describe -V @PROGRAM@ candidates
  [[ -n $files ]] && _files
  return 0
}
if [[ $funcstack[1] == _@FUNCTION@ ]]; then _@FUNCTION@ "$@"; else compdef _@FUNCTION@ @PROGRAM@; fi
)";

constexpr const char* fish_script = R"(# fish completion for @PROGRAM@
function __@FUNCTION@_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path "$current"
        else
            printf '%s\n' "$line"
        end
    end
end
complete -c @PROGRAM@ -f -a '(__@FUNCTION@_complete)'
)";

}  // namespace

Completion complete(const CLI::App& app, const CommandContext& context,
                    const std::vector<std::string>& words) {
  const std::string partial = words.empty() ? "" : words.back();
  std::vector<std::string> before = words;
  if (!before.empty()) before.pop_back();
  return Completer(app, context, partial).run(before);
}

void print_completion(const Completion& completion) {
  for (const Completion::Candidate& candidate : completion.candidates) {
    std::printf("%s\t%s\n", candidate.word.c_str(), candidate.description.c_str());
  }
  if (completion.files) std::puts(":files");
}

std::string completion_script(const std::string& program, const std::string& shell) {
  const char* script = shell == "bash"   ? bash_script
                       : shell == "zsh"  ? zsh_script
                       : shell == "fish" ? fish_script
                                         : nullptr;
  if (!script) throw Error(Error::Kind::usage, "there is no completion for '" + shell + "'");
  return replace_all(replace_all(script, "@PROGRAM@", program), "@FUNCTION@",
                     replace_all(program, "-", "_"));
}

void add_completion(CLI::App& app, CommandContext& context) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Print the completion script of a shell");
  command->add_option("shell", *shell, "bash, zsh or fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->required();
  command->footer("For this shell alone: source <(" + context.style.name +
                  " completion bash). The packages install all three.");
  command->callback([shell, &context] {
    std::fputs(completion_script(context.style.name, *shell).c_str(), stdout);
  });
}

}  // namespace toehold
