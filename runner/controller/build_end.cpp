#include "runner/controller/build_end.hpp"

#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/state_copy.hpp"

namespace toehold {

namespace {

std::string state_at_end(const BuildFolder& folder, const std::vector<InventoryRecord>& left,
                         const BuildEnd& end) {
  if (end.code == ExitCode::success) return "succeeded";
  if (folder.record().state == "delivered") return "delivered";
  for (const InventoryRecord& made : left) {
    if (made.state == "kept") return "kept";
  }
  return end.tried ? "failed" : "stopped";
}

}  // namespace

void record_end(BuildFolder& folder, const BuildEnd& end) {
  if (folder.copy() && folder.copy()->is_lost()) return;
  BuildRecord& record = folder.record();
  record.failed_step = end.failed_step;
  record.message = end.message;
  record.state = state_at_end(folder, folder.inventory().remaining(), end);
  folder.save();
}

ExitCode finish_build(BuildFolder& folder, const BuildEnd& end, double seconds,
                      const CommandContext& command) {
  record_end(folder, end);
  const fs::path logs = folder.path() / "logs";
  std::error_code error;
  if (fs::exists(logs, error)) command.tell("logs     " + logs.string() + "\n");
  if (end.code == ExitCode::success) {
    command.tell("\nbuilt in " + format_duration(seconds) + "\n");
  } else {
    command.tell("\nnot built: " + end.message + " (" + format_duration(seconds) + ")\n");
  }
  return end.code;
}

FolderEnd::~FolderEnd() {
  std::error_code error;
  const bool touched = folder.record().state == "succeeded" || !folder.inventory().all().empty() ||
                       fs::exists(folder.path() / "logs", error);
  try {
    folder.end_copy();
    if (!touched) fs::remove_all(folder.path(), error);
  } catch (const std::exception& failure) {  // then cleanup does it
    command.tell("warning: " + folder.record().copy + " stays: " + full_message(failure) + "\n");
  }
}

}  // namespace toehold
