// The end of what a machine has printed on its console, for the message of an error. Called by the
// instances that have a console; where the text is kept is theirs to know.
#pragma once

#include <string>

namespace toehold {

/// On lines of their own, the first of which says what they are, or that there is nothing.
std::string console_end(const std::string& console);

}  // namespace toehold
