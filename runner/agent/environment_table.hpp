// The environment variables that the programs look at, in one table; the manual pages and
// docs/reference/cli.md come from it. It only tells of them: each is read where it is used.
#pragma once

#include <array>

namespace toehold {

struct EnvironmentInfo {
  const char* names;
  const char* meaning;
  bool for_agent = true;  // false: only `toehold` looks at it
};

inline constexpr std::array environment_table{
    EnvironmentInfo{"TOEHOLD_HOME",
                    "Absolute path of the folder for state, cache and images. Without it: "
                    "/var/lib/toehold for root, else toehold in XDG_STATE_HOME or ~/.local/state."},
    EnvironmentInfo{"TOEHOLD_STATIC_AGENT",
                    "The agent that is brought to machines, instead of the one that came with the "
                    "program.",
                    false},
    EnvironmentInfo{"SOURCE_DATE_EPOCH",
                    "Seconds since 1970; no file in a tarball or an OCI archive gets a later time.",
                    false},
    EnvironmentInfo{"NO_COLOR", "When set, nothing is coloured."},
    EnvironmentInfo{"FORCE_COLOR, CLICOLOR_FORCE",
                    "When set and not 0, there is colour without a terminal, too; NO_COLOR wins."},
    EnvironmentInfo{"SSL_CERT_FILE", "Root certificates for TLS, instead of those of the machine."},
    EnvironmentInfo{"AWS_PROFILE, AWS_REGION", "These and others, as for the AWS CLI."},
};

}  // namespace toehold
