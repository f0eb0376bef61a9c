// Builds that go on from another machine: the copy of a new build's state, and a build that is
// opened by its folder here or by its address in S3. Called by the build flow, shell, resume and
// cleanup; knows no targets.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "runner/agent/program.hpp"
#include "runner/controller/build_folder.hpp"

namespace toehold {

class AwsShare;

struct OpenOptions {
  bool take_over = false;          // from a holder that may still live
  bool may_be_gone = false;        // its copy: for cleanup, which needs none
  const char* command = "resume";  // for hints
};

/// The folder of a build that has left something, with the hold of its copy if it has one. `what`:
/// an id, the beginning of one, or s3://BUCKET/PREFIX/BUILD-ID. Throws Error(busy) while another
/// machine drives it, Error(usage) when there is no such build.
BuildFolder open_build(const std::string& what, const OpenOptions& options, std::stop_token stop);

/// What a build that is one of several of this process does otherwise.
struct CopyCompany {
  AwsShare* aws = nullptr;                                      // what the copy works with
  std::function<void(const std::string& message)> let_go = {};  // as StateCopy has it
};

/// Begins the copy of a new build's state below `place`, "s3://BUCKET/PREFIX". Nothing has been
/// made yet. `region`: where calls begin, if nothing else says it.
void begin_copy(BuildFolder& folder, const std::string& place, const std::string& region,
                const CommandContext& command, const CopyCompany& company = {});

}  // namespace toehold
