#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>

#include "runner/agent/aws_reach.hpp"
#include "runner/agent/commands.hpp"
#include "runner/agent/program.hpp"
#include "runner/agent/supervised_run.hpp"
#include "runner/base/clock.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t piece_size = 256 << 10;
// So that we notice, and go, when nobody listens any more; the reader skips empty lines.
constexpr auto heartbeat = 10s;
// EC2's advice (User Guide, "Spot Instance interruption notices"); the notice comes 2 minutes
// ahead.
constexpr auto notice_pause = 5s;
constexpr auto notice_patience = 2s;

struct FollowOptions {
  std::string folder;
  std::uint64_t offset = 0;
  std::size_t max_bytes = 0;
  bool wait = false;
  bool spot = false;
};

class Follower {
 public:
  explicit Follower(const FollowOptions& options)
      : options_(options), files_(options.folder), offset_(options.offset) {}

  void run(std::stop_token stop) {
    for (;;) {
      // Looked at before the stream: what was written by then is read below.
      const bool running = is_locked(files_.lock);
      if (!print_lines()) return;
      if (!running) return print_end();
      if (!options_.wait) return;
      look_for_notice(stop);
      if (clock_.monotonic() - spoken_ >= heartbeat) write("\n");
      if (!clock_.sleep_for(20ms, stop)) return;
    }
  }

 private:
  /// The whole lines that are there; false when the limit is reached.
  bool print_lines() {
    if (!stream_) stream_ = FileDescriptor(::open(files_.stream.c_str(), O_RDONLY | O_CLOEXEC));
    if (!stream_) return true;
    std::string piece;
    for (std::size_t wanted = piece_size;;) {
      piece.resize(wanted);
      const ssize_t count =
          ::pread(stream_.get(), piece.data(), piece.size(), static_cast<off_t>(offset_));
      if (count < 0) throw Error::from_errno("cannot read " + files_.stream.string(), errno);
      piece.resize(static_cast<std::size_t>(count));
      const std::size_t whole = piece.rfind('\n') + 1;
      if (whole == 0 && piece.size() == wanted) {  // a longer line
        wanted *= 4;
        continue;
      }
      if (whole == 0) return true;
      const std::size_t fitting = fit(piece, whole);
      write(std::string_view(piece).substr(0, fitting));
      offset_ += fitting;
      if (fitting < whole || (options_.max_bytes != 0 && printed_ >= options_.max_bytes)) {
        return false;
      }
      wanted = piece_size;
    }
  }

  /// How much of the whole lines may still be printed; one line at least.
  std::size_t fit(const std::string& piece, std::size_t whole) const {
    if (options_.max_bytes == 0) return whole;
    const std::size_t left = options_.max_bytes - std::min(options_.max_bytes, printed_);
    if (whole <= left) return whole;
    const std::size_t end = left == 0 ? 0 : piece.rfind('\n', left - 1) + 1;
    if (end != 0) return end;
    return printed_ != 0 ? 0 : piece.find('\n') + 1;
  }

  /// The instance's own notice that it will be taken back, once, as a line that is not of the
  /// stream.
  void look_for_notice(const std::stop_token& stop) {
    const Monotonic now = clock_.monotonic();
    if (!spot_ || now < notice_at_) return;
    notice_at_ = now + notice_pause;
    try {
      if (!aws_) aws_.emplace(stop);
      const auto text = aws_->session().imds().get("meta-data/spot/instance-action",
                                                   Deadline(now + notice_patience), stop);
      if (!text) return;
      Value line = Value::object({{"type", "notice"}});
      const Value notice = parse_json(*text);
      if (!notice.is_map()) return;
      for (const auto& member : notice.map()) line.set(member.key, member.value);
      line.set("type", "notice");
      write(to_json(line) + "\n");
      spot_ = false;
    } catch (const Error&) {
      // The controller sees the end itself, too, only later. Metadata that were silent once are
      // asked again: a spot instance has them.
      aws_.reset();
    }
  }

  /// How the command ended, as a last line that is not of the stream.
  void print_end() {
    Value line = Value::object({{"type", "ended"}});
    std::error_code error;
    if (fs::exists(files_.end, error)) {
      const Value end = parse_json(read_file(files_.end, 1 << 20));
      for (const auto& member : end.map()) line.set(member.key, member.value);
    } else {
      line.set("message", "it ended without a word");
      line.set("lost", Value(true));
    }
    if (fs::exists(files_.err, error)) {
      std::string text = read_file(files_.err, 64 << 20);
      if (text.size() > 16 << 10) text.erase(0, text.size() - (16 << 10));
      line.set("stderr", text);
    }
    write(to_json(line) + "\n");
  }

  void write(std::string_view bytes) {
    if (bytes.empty()) return;
    write_all(STDOUT_FILENO, bytes, "standard output");
    printed_ += bytes.size();
    spoken_ = clock_.monotonic();
  }

  const FollowOptions& options_;
  SupervisedFiles files_;
  SystemClock clock_;
  bool spot_ = options_.spot;
  Monotonic notice_at_{};
  std::optional<AwsReach> aws_;
  FileDescriptor stream_;
  std::uint64_t offset_;
  std::size_t printed_ = 0;
  Monotonic spoken_ = clock_.monotonic();
};

}  // namespace

void stop_supervisor(const fs::path& folder, std::stop_token stop) {
  const SupervisedFiles files(folder);
  SystemClock clock;
  bool told = false;
  while (is_locked(files.lock)) {
    const auto pid = Value(std::string(trim(read_file(files.lock, 64)))).as_int();
    if (!told && pid && *pid > 1) told = ::kill(static_cast<pid_t>(*pid), SIGTERM) == 0;
    if (!clock.sleep_for(20ms, stop)) return;
  }
}

void add_follow(CLI::App& app, CommandContext& context) {
  auto folder = std::make_shared<std::string>();
  CLI::App* stop = app.add_subcommand("stop", "End a detached run, as SIGTERM would");
  stop->add_option("folder", *folder, "Folder that `detach` was given")->required();
  stop->callback([folder, &context] { stop_supervisor(*folder, context.stop); });

  auto options = std::make_shared<FollowOptions>();
  CLI::App* command = app.add_subcommand("follow", "Print the stream of a detached run");
  command->add_option("folder", options->folder, "Folder that `detach` was given")->required();
  command->add_option("--offset", options->offset, "Leave out the first bytes of the stream");
  command->add_option("--max-bytes", options->max_bytes,
                      "Stop before printing more than this; at least one line is printed");
  command->add_flag("--wait", options->wait, "Wait for more until the run has ended");
  command->add_flag("--spot", options->spot,
                    "Tell when EC2 gives notice that it takes this spot instance back");
  command->callback([options, &context] { Follower(*options).run(context.stop); });
}

}  // namespace toehold
