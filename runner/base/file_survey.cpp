#include "runner/base/file_survey.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <unordered_set>

#include "runner/base/clock.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/mount_points.hpp"

namespace toehold {

namespace {

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

class Surveyor {
 public:
  Surveyor(const std::vector<std::string>& skipped, std::stop_token stop)
      : skipped_(skipped.begin(), skipped.end()), stop_(std::move(stop)) {}

  void folder(int parent, const char* name, const std::string& path) {
    if (stop_.stop_requested()) throw Error(Error::Kind::cancelled, "interrupted");
    const FileDescriptor fd(
        ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return;  // gone meanwhile, or nothing that we may see
    for (const std::string& each : names_in(fd.get())) take(fd.get(), each, path);
  }

  FileSurvey files;
  std::int64_t newest = 0;

 private:
  void take(int parent, const std::string& name, const std::string& folder_path) {
    std::string path = folder_path + "/" + name;
    struct stat status {};
    if (skipped_.contains(path) ||
        ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
      return;
    }
    SurveyedFile file{
        path,           status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_ctim),
        status.st_mode, status.st_uid, status.st_gid};
    newest = std::max(newest, file.changed);
    files.push_back(std::move(file));
    if (S_ISDIR(status.st_mode)) folder(parent, name.c_str(), path);
  }

  const std::unordered_set<std::string> skipped_;
  const std::stop_token stop_;
};

/// Times of files are those of a coarse clock: two changes within one of its ticks look the same.
void wait_for_tick_after(std::int64_t newest, const std::stop_token& stop) {
  constexpr std::int64_t longest = 20'000'000;
  SystemClock clock;
  for (;;) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    const std::int64_t ahead = newest - nanoseconds(now);
    if (ahead < 0 || ahead > longest) return;  // or of a machine whose clock was wrong
    if (!clock.sleep_for(std::chrono::milliseconds(1), stop)) return;
  }
}

/// The order of a survey: what is in a folder stands before the next name.
bool comes_before(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return x != y && (x == '/' ||
                      (y != '/' && static_cast<unsigned char>(x) < static_cast<unsigned char>(y)));
  });
}

bool same(const SurveyedFile& before, const SurveyedFile& after) {
  const bool looks_same =
      before.mode == after.mode && before.user == after.user && before.group == after.group;
  // A folder's own times tell of names in it, and those are in the survey themselves.
  if (S_ISDIR(after.mode)) return looks_same;
  return looks_same && before.device == after.device && before.inode == after.inode &&
         before.size == after.size && before.changed == after.changed;
}

ChangedFile record(const SurveyedFile& file, const char* change) {
  ChangedFile result = file_record(file.path, file.mode, file.user, file.group);
  result.change = change;
  if (S_ISREG(file.mode)) result.size = file.size;
  return result;
}

ChangedFile record_now(const SurveyedFile& file, const char* change) {
  ChangedFile result = record(file, change);
  try {
    if (S_ISREG(file.mode)) result.sha256 = digest_of_file(DigestAlgorithm::sha256, file.path);
    if (S_ISLNK(file.mode)) result.target = std::filesystem::read_symlink(file.path).string();
  } catch (const std::exception&) {
    // Somebody has removed it since.
  }
  return result;
}

}  // namespace

FileSurvey survey_files(const std::string& root, const std::vector<std::string>& skipped,
                        std::stop_token stop) {
  Surveyor surveyor(skipped, stop);
  surveyor.folder(AT_FDCWD, root.c_str(), root == "/" ? "" : root);
  wait_for_tick_after(surveyor.newest, stop);
  return std::move(surveyor.files);
}

std::vector<ChangedFile> compare_surveys(const FileSurvey& before, const FileSurvey& after) {
  std::vector<ChangedFile> changes;
  auto old = before.begin();
  auto now = after.begin();
  while (old != before.end() || now != after.end()) {
    if (now == after.end() || (old != before.end() && comes_before(old->path, now->path))) {
      changes.push_back(record(*old++, "removed"));
    } else if (old == before.end() || comes_before(now->path, old->path)) {
      changes.push_back(record_now(*now++, "added"));
    } else {
      if (!same(*old, *now)) changes.push_back(record_now(*now, "changed"));
      ++old;
      ++now;
    }
  }
  std::sort(changes.begin(), changes.end(),
            [](const ChangedFile& a, const ChangedFile& b) { return a.path < b.path; });
  return changes;
}

std::vector<std::string> mounts_from_elsewhere(std::string_view mountinfo) {
  std::vector<std::string> points;
  std::set<std::pair<std::string, std::string>> seen;
  for (const MountPoint& mount : parse_mountinfo(mountinfo)) {
    const bool of_a_disk = mount.source.starts_with("/dev/") &&
                           (mount.root == "/" || mount.type == "btrfs") &&
                           mount.type != "squashfs" && mount.type != "iso9660";
    if (mount.point == "/") {
      seen.insert({mount.device, mount.root});
    } else if (!of_a_disk || !seen.insert({mount.device, mount.root}).second) {
      points.push_back(mount.point);
    }
  }
  return points;
}

}  // namespace toehold
