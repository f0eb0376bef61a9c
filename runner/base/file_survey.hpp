// FileSurvey: how every file of a machine looks at one moment, without reading them: two of them
// tell what was changed in between. Called by the record of files that the agent keeps step by
// step. What is mounted from elsewhere (memory, network, other parts of a disk) is left out.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/changed_file.hpp"

namespace toehold {

struct SurveyedFile {
  std::string path;  // absolute
  std::uint64_t device = 0, inode = 0;
  std::int64_t size = 0;
  std::int64_t changed = 0;  // st_ctim in nanoseconds
  std::uint32_t mode = 0, user = 0, group = 0;
};
/// Folders before what is in them, names in byte order.
using FileSurvey = std::vector<SurveyedFile>;

/// What is below `root` but for the folders and files `skipped`; all paths are absolute. Returns
/// when the clock has moved on from the newest change that it saw, at most 20 ms later: what is
/// changed after that looks different. Costs 3 to 5 us a file that the kernel knows. Throws
/// Error(cancelled).
FileSurvey survey_files(const std::string& root, const std::vector<std::string>& skipped,
                        std::stop_token stop);

/// In byte order of the paths, with the digests that changed files have now; those are read. A file
/// that was only touched, or has another link, counts as changed, as its content may be.
std::vector<ChangedFile> compare_surveys(const FileSurvey& before, const FileSurvey& after);

/// The mount points in the text of /proc/self/mountinfo that are no whole file system of a disk.
std::vector<std::string> mounts_from_elsewhere(std::string_view mountinfo);

}  // namespace toehold
