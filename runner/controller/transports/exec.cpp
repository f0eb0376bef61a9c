#include "runner/controller/transports/exec.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/terminal_program.hpp"
#include "runner/base/text.hpp"

namespace toehold {

namespace {

// What both programs end with when they, not what they were to run, have failed.
constexpr int own_failure = 125;

}  // namespace

ExecTransport::ExecTransport(std::vector<std::string> program, std::string container,
                             ProcessRunner& processes)
    : program_(std::move(program)), container_(std::move(container)), processes_(processes) {}

std::string ExecTransport::name() const {
  return "container " + container_;
}

std::vector<std::string> ExecTransport::command(const std::vector<std::string>& words) const {
  std::vector<std::string> all = program_;
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

ProcessResult ExecTransport::run(const std::vector<std::string>& argv, const OnOutput& on_output,
                                 Deadline deadline, std::stop_token stop) {
  Command whole;
  whole.argv = command({"exec", "--user", "0", container_});
  whole.argv.insert(whole.argv.end(), argv.begin(), argv.end());
  std::string said;
  const ProcessResult result = processes_.run(
      whole,
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::err && said.size() < 4096) said += bytes;
        on_output(stream, bytes);
      },
      [](int) {}, deadline, stop);
  if (!result.start_error.empty()) throw Error(Error::Kind::process, result.start_error);
  if (result.exit_code == own_failure) {
    throw Error(Error::Kind::network, name() + ": " + std::string(trim(printable(said))));
  }
  return result;
}

void ExecTransport::must(const std::string& what, const std::vector<std::string>& words,
                         Deadline deadline, std::stop_token stop) {
  Command whole;
  whole.argv = command(words);
  std::string said;
  const ProcessResult result = processes_.run(
      whole, [&](Stream, std::string_view bytes) { said += bytes; }, [](int) {}, deadline, stop);
  if (result.succeeded()) return;
  throw Error(Error::Kind::network,
              what + ": " + describe(result) + " " + std::string(trim(printable(said))));
}

void ExecTransport::upload(const std::filesystem::path& from, const std::string& to, unsigned mode,
                           Deadline deadline, std::stop_token stop) {
  // `cp` takes the mode of the file that it is given. The copy is what is compared afterwards, so
  // that a file which changes meanwhile is found out, too.
  const TempDirectory folder(fs::temp_directory_path(), "toehold-upload-");
  const fs::path copy = folder.path() / "file";
  fs::copy_file(from, copy);
  if (::chmod(copy.c_str(), mode) != 0) throw Error::from_errno("cannot copy to " + name(), errno);
  const std::string what = "cannot copy " + from.string() + " to " + name() + ":" + to;
  must(what, {"cp", copy.string(), container_ + ":" + to}, deadline, stop);
  check(to, digest_of_file(DigestAlgorithm::sha256, copy), deadline, stop);
}

void ExecTransport::check(const std::string& path, const std::string& sha256, Deadline deadline,
                          std::stop_token stop) {
  std::string printed;
  const ProcessResult result = run(
      {"sha256sum", path},
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::out && printed.size() < 4096) printed += bytes;
      },
      deadline, stop);
  if (!result.succeeded()) {  // an image may have nothing that computes a digest
    const TempDirectory folder(fs::temp_directory_path(), "toehold-check-");
    const fs::path back = folder.path() / "file";
    download(path, back, deadline, stop);
    printed = digest_of_file(DigestAlgorithm::sha256, back);
  }
  if (printed.starts_with(sha256)) return;
  throw Error(Error::Kind::network, name() + ": " + path + " has not arrived as it was sent");
}

void ExecTransport::download(const std::string& from, const std::filesystem::path& to,
                             Deadline deadline, std::stop_token stop) {
  const std::string what = "cannot fetch " + name() + ":" + from;
  const TempDirectory folder(to.parent_path(), ".fetch-");
  const fs::path file = folder.path() / "file";
  must(what, {"cp", container_ + ":" + from, file.string()}, deadline, stop);
  if (!fs::is_regular_file(fs::symlink_status(file))) {
    throw Error(Error::Kind::network, what + ": it is no file");
  }
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  fs::rename(file, to);
}

int ExecTransport::interact(const std::vector<std::string>& argv, std::stop_token) {
  std::vector<std::string> words{"exec", "--user", "0", "--interactive"};
  if (::isatty(STDIN_FILENO) == 1) words.emplace_back("--tty");
  words.push_back(container_);
  words.insert(words.end(), argv.begin(), argv.end());
  return run_on_terminal(command(words));
}

}  // namespace toehold
