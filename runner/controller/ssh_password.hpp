// Where the password of an SSH account comes from, as a recipe says it. Called by the ssh provider;
// never writes it anywhere.
#pragma once

#include <string>

namespace toehold {

/// `from`: "ask", "env:NAME", "file:PATH", or empty for none. `whose`: "root@host", for the
/// question. Throws Error(usage) where there is none, no terminal, or a file that others can read.
std::string read_password(const std::string& from, const std::string& whose);

}  // namespace toehold
