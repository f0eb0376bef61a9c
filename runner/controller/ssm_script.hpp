// What Run Command is given to run: scripts that are constants, with everything that varies as
// base64 before them. Called by the SSM transport; pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace toehold {

struct SsmScript {
  std::string mark;  // hex digits: how the answer begins (report/relayed_output.hpp)
  std::vector<std::string> lines;
};

/// Runs `words` through the agent's `relay`, which gets `request`, and answers as that does. Where
/// no agent runs, answers "shell" with exit code, stdout and stderr, of which at most 12,000 and
/// 2,000 bytes; the sizes that they had are behind them. Without words `relay` is all that runs.
/// Throws Error(usage) for a word with a NUL in it.
SsmScript relay_script(const std::string& agent, const std::string& mark,
                       const std::string& request, const std::vector<std::string>& words);

/// Fetches `url` to `path`, when it has that SHA-256; answers "done", "unreachable" and why when
/// nothing comes from there, or "failed" and why.
SsmScript fetch_script(const std::string& mark, const std::string& url, const std::string& path,
                       unsigned mode, const std::string& sha256);

/// Keeps `bytes` as the file `name` of `folder`, which is made; may be done again. "done" or
/// "failed".
SsmScript piece_script(const std::string& mark, const std::string& folder, const std::string& name,
                       std::string_view bytes);
/// Puts all files of `folder`, in the order of their names, to `path`; unpacks them as one gzip
/// file where they are `packed`. The folder goes. Answers like the above.
SsmScript join_script(const std::string& mark, const std::string& folder, bool packed,
                      const std::string& path, unsigned mode, const std::string& sha256);

}  // namespace toehold
