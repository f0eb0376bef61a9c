#include "runner/agent/relay.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <memory>

#include "runner/agent/commands.hpp"
#include "runner/agent/program.hpp"
#include "runner/agent/relay_sender.hpp"
#include "runner/base/error.hpp"
#include "runner/base/text.hpp"
#include "runner/base/umask.hpp"
#include "runner/base/value.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

constexpr const char* relays = "/run/toehold-relay";
// In base64 it fits into the 24,000 characters that Run Command keeps of an output.
constexpr std::size_t most_read = 17 << 10;
constexpr std::size_t most_packed = 256 << 10;
constexpr int most_packings = 4;
// A reader that finds nothing waits a little: a command costs more than that.
constexpr auto longest_read = 2s;
constexpr auto age_of_the_dead = 10min;

std::string read_all(int fd, const char* what) {
  std::string text;
  std::array<char, 65536> piece{};
  for (;;) {
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error::from_errno(std::string("cannot read ") + what, errno);
    if (count == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
}

void say(const RelayRequest& request, const RelayAnswer& answer) {
  write_all(STDOUT_FILENO, encode_answer(request.mark, answer), "standard output");
}

/// What carriers that were killed have left behind.
void remove_the_dead() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(relays, ignored)) {
    const auto written = fs::last_write_time(entry.path(), ignored);
    const bool is_old = fs::file_time_type::clock::now() - written > age_of_the_dead;
    if (is_old && !is_locked(entry.path() / "lock")) fs::remove_all(entry.path(), ignored);
  }
}

/// In the child of start(); never returns.
[[noreturn]] void become_carrier(int request, int answer, const std::vector<std::string>& words) {
  ::setsid();
  ::umask(caller_umask());
  ::dup2(request, STDIN_FILENO);
  ::dup2(answer, STDOUT_FILENO);
  if (::chdir("/") != 0) ::_exit(126);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<std::string> command{"/proc/self/exe", "relay", "--carry", "--"};
  command.insert(command.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(argv.front(), argv.data());
  ::_exit(127);
}

/// The carrier in a session of its own; prints what it answers, and returns when it goes on alone.
void start(const RelayRequest& request, const std::string& text,
           const std::vector<std::string>& words) {
  remove_the_dead();
  const RelayFolder folder(request.id);
  make_private_directory(relays);
  if (!fs::create_directory(folder.directory)) {
    throw Error(Error::Kind::busy, "there is a relay " + request.id + " already");
  }
  write_file_atomically(folder.post, text);
  const FileDescriptor input(::memfd_create("request", MFD_CLOEXEC));
  std::array<int, 2> pipe{};
  if (!input || ::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    throw Error::from_errno("cannot make a pipe", errno);
  }
  FileDescriptor reading(pipe[0]), writing(pipe[1]);
  write_all(input.get(), text, "the request");
  ::lseek(input.get(), 0, SEEK_SET);
  const pid_t child = ::fork();
  if (child < 0) throw Error::from_errno("cannot start a process", errno);
  if (child == 0) become_carrier(input.get(), writing.get(), words);
  writing.close();
  write_all(STDOUT_FILENO, read_all(reading.get(), "the answer"), "standard output");
}

/// Runs the program, and ends with it.
void carry(const RelayRequest& request, const std::vector<std::string>& words,
           const std::stop_token& stop) {
  const RelayFolder folder(request.id);
  const FileLock lock(folder.lock);
  SystemClock clock;
  const auto http = make_curl_http_client();
  RealProcessRunner processes;
  aws::Session session([] { return aws::read_settings(aws::process_environment()); },
                       make_curl_http_client, clock, processes);
  const auto answer = [&](const RelayAnswer& text) {
    say(request, text);
    // The command that has started us ends when nobody holds its pipes.
    const FileDescriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nothing.get(), fd);
  };
  std::error_code ignored;
  try {
    RelaySender sender(request, folder, *http, session, clock, answer, stop);
    Command command;
    command.argv = words;
    sender.finish(processes.run(
        command, [&](Stream stream, std::string_view bytes) { sender.take(stream, bytes); },
        [](int) {}, {}, stop));
  } catch (...) {
    fs::remove_all(folder.directory, ignored);
    throw;
  }
  fs::remove_all(folder.directory, ignored);
}

std::string piece_of(const fs::path& file, std::uint64_t offset, std::size_t most) {
  const FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  std::string piece(most, '\0');
  const ssize_t count = ::pread(fd.get(), piece.data(), piece.size(), static_cast<off_t>(offset));
  if (count < 0) throw Error::from_errno("cannot read " + file.string(), errno);
  piece.resize(static_cast<std::size_t>(count));
  return piece;
}

/// As much of the piece as goes into one answer: by this machine's gzip, if it has one.
RelayAnswer answer_of(std::string piece, const std::stop_token& stop) {
  std::string packed;
  for (int tries = 0; tries < most_packings && piece.size() > most_read; ++tries) {
    packed.clear();
    const ProcessResult result = RealProcessRunner().run(
        {{"gzip", "-nc"}, {}, {}, piece},
        [&](Stream stream, std::string_view bytes) {
          if (stream == Stream::out) packed += bytes;
        },
        [](int) {}, {}, stop);
    if (!result.succeeded()) break;
    if (packed.size() <= most_read) return {"gzip", {packed}};
    piece.resize(piece.size() * most_read / packed.size() * 9 / 10);
  }
  return {"bytes", {piece.substr(0, most_read)}};
}

/// The spool from an offset on; what is before it has arrived.
void read_spool(const RelayRequest& request, const std::stop_token& stop) {
  const RelayFolder folder(request.id);
  SystemClock clock;
  std::error_code ignored;
  if (fs::exists(folder.spool, ignored)) {
    write_file_atomically(folder.taken, std::to_string(request.offset) + "\n");
  }
  for (const Monotonic begin = clock.monotonic();;) {
    // Looked at before the spool: what was written by then is read below.
    const bool alive = is_locked(folder.lock);
    std::string piece = piece_of(folder.spool, static_cast<std::uint64_t>(request.offset),
                                 request.packed ? most_packed : most_read);
    if (!piece.empty()) return say(request, answer_of(std::move(piece), stop));
    if (!alive) return say(request, {"gone", {}});
    if (clock.monotonic() - begin >= longest_read || !clock.sleep_for(50ms, stop)) break;
  }
  say(request, {"bytes", {""}});
}

void renew(const RelayRequest& request, const std::string& text) {
  const RelayFolder folder(request.id);
  if (!is_locked(folder.lock)) return say(request, {"gone", {}});
  write_file_atomically(folder.post, text);
  std::error_code ignored;
  // Else the chunks go on to where they went, which need not be S3.
  say(request, {fs::exists(folder.spool, ignored) ? "spool" : "s3", {}});
}

void end(const RelayRequest& request) {
  const RelayFolder folder(request.id);
  if (is_locked(folder.lock)) {
    const auto pid = Value(std::string(trim(read_file(folder.lock, 64)))).as_int();
    if (pid && *pid > 1) ::kill(static_cast<pid_t>(*pid), SIGTERM);
  }
  say(request, {"gone", {}});
}

void relay(bool carries, const std::vector<std::string>& words, const std::stop_token& stop) {
  const std::string text = read_all(STDIN_FILENO, "the request");
  const RelayRequest request = decode_relay_request(text);
  if (carries) return carry(request, words, stop);
  if (request.work == "run") return start(request, text, words);
  if (request.work == "read") return read_spool(request, stop);
  if (request.work == "renew") return renew(request, text);
  if (request.work == "stop") return end(request);
  throw Error(Error::Kind::usage, "a relay knows no work '" + printable(request.work) + "'");
}

}  // namespace

RelayFolder::RelayFolder(const std::string& id)
    : directory(fs::path(relays) / id),
      lock(directory / "lock"),
      post(directory / "post.json"),
      spool(directory / "spool"),
      taken(directory / "taken") {
  const bool is_hex = !id.empty() && id.size() <= 64 &&
                      id.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_hex) throw Error(Error::Kind::usage, "the id of a relay is not hex digits");
}

void add_relay(CLI::App& app, CommandContext& context) {
  auto words = std::make_shared<std::vector<std::string>>();
  auto carries = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "relay", "Run a program and send on what it prints, as a request on standard input says");
  command->add_flag("--carry", *carries, "Do it here, not in a session of its own")->group("");
  command->add_option("words", *words, "The program and its arguments, after --");
  command->callback([=, &context] { relay(*carries, *words, context.stop); });
}

}  // namespace toehold
