// The exit codes of both programs in one table; help and docs/reference/exit-codes.md come from it.
// Called by the mains and their commands; nothing below them ends the process.
#pragma once

#include <array>

namespace toehold {

enum class ExitCode {
  success = 0,
  failure = 1,
  usage = 2,
  not_durable = 74,
  busy = 75,
  refused = 76,
  untrusted = 77,
  interrupted = 130,
  terminated = 143,
  reboot = 194,
};

struct ExitCodeInfo {
  ExitCode code;
  const char* meaning;
};

inline constexpr std::array exit_code_table{
    ExitCodeInfo{ExitCode::success,
                 "The run succeeded, ignored failures included; or the documents are valid."},
    ExitCodeInfo{ExitCode::failure,
                 "A step or a build failed, or a document or recipe is not valid, or a file cannot "
                 "be read, or the logs could not be brought to AWS, or a distribution is not "
                 "complete, or diff --exit-code has found differences."},
    ExitCodeInfo{ExitCode::usage,
                 "The command line or the configuration file is wrong; nothing was done."},
    ExitCodeInfo{ExitCode::not_durable,
                 "The journal cannot be written or read; the run stopped before the next effect."},
    ExitCodeInfo{
        ExitCode::busy,
        "Another process holds the state folder or the cache, or another machine drives the build "
        "or has taken it over."},
    ExitCodeInfo{ExitCode::refused,
                 "The state folder holds an interrupted run of other or changed documents."},
    ExitCodeInfo{
        ExitCode::untrusted,
        "The host key of a machine is unknown or another than expected; nothing was sent."},
    ExitCodeInfo{ExitCode::interrupted, "SIGINT ended the run; the next start begins anew."},
    ExitCodeInfo{ExitCode::terminated,
                 "SIGTERM or a hang-up ended the run; the same command goes on with it."},
    ExitCodeInfo{ExitCode::reboot,
                 "A step asks for a reboot; reboot and give the same command again."},
};

}  // namespace toehold
