#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "actions/builtin_actions.hpp"
#include "actions/file_tree.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/text.hpp"
#include "runner/base/umask.hpp"

namespace toehold {

namespace {

constexpr int most_attempts = 5;
constexpr std::chrono::milliseconds first_wait(1000);
constexpr std::chrono::seconds longest_wait_asked_for(60);  // what Retry-After may ask for

struct Download {
  std::string source;
  std::string destination;
  bool overwrite = true;
  std::optional<std::string> checksum;
  std::optional<std::string> algorithm;
  bool ignore_certificate_errors = false;
};

/// The last part of the URL's path, with %XX decoded; empty when there is none that can be a name.
std::string name_in_url(const std::string& url) {
  const std::string plain = url.substr(0, url.find_first_of("?#"));
  const std::size_t host = plain.find("://");
  const std::size_t slash = plain.rfind('/');
  if (host == std::string::npos || slash == std::string::npos || slash < host + 3) return {};
  std::string name;
  for (std::size_t i = slash + 1; i < plain.size(); ++i) {
    const bool escape = plain[i] == '%' && i + 2 < plain.size() &&
                        std::isxdigit(static_cast<unsigned char>(plain[i + 1])) &&
                        std::isxdigit(static_cast<unsigned char>(plain[i + 2]));
    if (escape) {
      name += static_cast<char>(std::strtol(plain.substr(i + 1, 2).c_str(), nullptr, 16));
      i += 2;
    } else {
      name += plain[i];
    }
  }
  const bool usable =
      name != "." && name != ".." && std::none_of(name.begin(), name.end(), [](char c) {
        return c == '/' || static_cast<unsigned char>(c) < ' ';
      });
  return usable ? name : std::string();
}

/// The folders above `path` that are not there, the innermost first.
std::vector<fs::path> missing_folders(const fs::path& path) {
  std::vector<fs::path> missing;
  std::error_code ignored;
  for (fs::path at = path.parent_path(); !at.empty() && !fs::exists(at, ignored);
       at = at.parent_path()) {
    missing.push_back(at);
  }
  return missing;
}

struct Range {
  std::size_t first = 0;
  std::optional<std::size_t> total;
};

/// "bytes 100-199/200" or "bytes 100-199/*"
std::optional<Range> content_range(const HttpResponse& response) {
  std::size_t first = 0, last = 0, total = 0;
  const std::string text = response.header("content-range").value_or("");
  const int found = std::sscanf(text.c_str(), "bytes %zu-%zu/%zu", &first, &last, &total);
  if (found < 2) return std::nullopt;
  return Range{first, found == 3 ? std::optional(total) : std::nullopt};
}

struct Problem {
  std::string what;
  bool may_pass = false;
  std::chrono::milliseconds asked_wait{0};
};

/// One file on its way: a temporary file beside the target, filled over as many attempts as it
/// takes, that becomes the target or goes away.
class Fetch {
 public:
  Fetch(const Download& download, const fs::path& target, ActionContext& context)
      : download_(download),
        url_(url_for_display(download.source)),
        target_(target),
        context_(context),
        new_folders_(missing_folders(target)) {
    if (download.algorithm && download.checksum) algorithm_ = digest_algorithm(*download.algorithm);
  }
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;
  ~Fetch() {
    if (done_) return;
    if (fd_) ::unlink(temporary_.c_str());
    std::error_code ignored;
    for (const fs::path& folder : new_folders_) fs::remove(folder, ignored);
  }

  std::optional<Failed> run() {
    for (int attempt = 1;; ++attempt) {
      const auto problem = request();
      if (!problem) return finish();
      const std::string what = url_ + ": " + problem->what;
      if (!problem->may_pass || attempt == most_attempts || is_over()) {
        return end(what + (attempt > 1 ? ", in attempt " + std::to_string(attempt) : ""));
      }
      context_.note("WebDownload: " + what + "; trying again");
      back_off(attempt, problem->asked_wait);
      if (is_over()) return end(what);
    }
  }

 private:
  bool is_over() const {
    return context_.stop.stop_requested() || context_.deadline.passed(context_.clock.monotonic());
  }
  Failed end(std::string what) const {
    const bool cancelled = context_.stop.stop_requested();
    const bool timed_out = !cancelled && context_.deadline.passed(context_.clock.monotonic());
    return Failed{std::move(what), {}, {}, timed_out, cancelled};
  }

  std::optional<Problem> request() {
    HttpRequest request;
    request.url = download_.source;
    request.verify_tls = !download_.ignore_certificate_errors;
    request.deadline = context_.deadline;
    // Only with a validator can the rest be known to belong to the beginning.
    const bool resume = received_ > 0 && !validator_.empty();
    if (resume) {
      request.headers = {{"Range", "bytes=" + std::to_string(received_) + "-"},
                         {"If-Range", validator_}};
    }
    bool accepted = false;
    request.on_head = [&](const HttpResponse& head) {
      return accepted = resume && head.status == 206 ? append_to(head) : begin_with(head);
    };
    const HttpResponse response = context_.http.send(
        request, [&](std::string_view bytes) { return take(bytes); }, context_.stop);
    if (!response.transport_error.empty()) {
      return Problem{response.transport_error, response.retryable};
    }
    if (accepted) return check_length();
    if (resume && (response.status == 206 || response.status == 416)) {
      validator_.clear();  // from the beginning, then
      return Problem{"the server does not go on where it was cut", true};
    }
    return refusal(response);
  }

  static Problem refusal(const HttpResponse& response) {
    Problem problem{"the server answered with status " + std::to_string(response.status)};
    problem.may_pass = response.status == 408 || response.status == 429 || response.status >= 500;
    const auto seconds = Value(response.header("retry-after").value_or("")).as_int().value_or(0);
    problem.asked_wait =
        std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, longest_wait_asked_for.count()));
    return problem;
  }

  bool begin_with(const HttpResponse& head) {
    if (head.status != 200) return false;
    if (!fd_) open();
    if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) < 0) cannot_write();
    received_ = 0;
    total_.reset();
    if (algorithm_) digest_ = std::make_unique<Digest>(*algorithm_);
    const std::string etag = head.header("etag").value_or("W/");
    validator_ = etag.starts_with("W/") ? head.header("last-modified").value_or("") : etag;
    return true;
  }

  bool append_to(const HttpResponse& head) {
    const auto range = content_range(head);
    if (!range || range->first != received_) return false;
    total_ = range->total;
    return true;
  }

  std::optional<Problem> check_length() const {
    if (!total_ || *total_ == received_) return std::nullopt;
    return Problem{
        "only " + std::to_string(received_) + " of " + std::to_string(*total_) + " bytes came",
        true};
  }

  void open() {
    create_parents(target_);
    temporary_ = (target_.parent_path() / ".toehold-XXXXXX").string();
    fd_ = FileDescriptor(::mkostemp(temporary_.data(), O_CLOEXEC));
    if (!fd_) throw Error::from_errno("cannot create a file beside " + target_.string(), errno);
  }

  bool take(std::string_view bytes) {
    write_all(fd_.get(), bytes, target_.string());
    if (digest_) digest_->update(bytes);
    received_ += bytes.size();
    context_.output(Stream::out, {});  // a heartbeat for the screen
    return true;
  }

  void back_off(int attempt, std::chrono::milliseconds asked) {
    // The second half is random, so that many machines do not come back at once.
    const auto half = first_wait * (1 << (attempt - 1)) / 2;
    const auto random = std::strtoul(random_hex(4).c_str(), nullptr, 16);
    auto wait = std::max(
        asked, half + std::chrono::milliseconds(random % static_cast<unsigned long>(half.count())));
    if (!context_.deadline.never()) {
      wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(
                                *context_.deadline.at() - context_.clock.monotonic()));
    }
    context_.clock.sleep_for(wait, context_.stop);
  }

  std::optional<Failed> finish() {
    if (digest_) {
      const std::string expected(trim(*download_.checksum));
      const std::string found = digest_->finish();
      if (!equals_ignoring_case(found, expected)) {
        return Failed{url_ + ": the " + *download_.algorithm + " checksum is not the expected " +
                          expected + " but " + found,
                      {},
                      {}};
      }
    }
    struct stat there {};
    mode_t mode = 0666 & ~caller_umask();
    if (::stat(target_.c_str(), &there) == 0) {
      mode = there.st_mode & 0777;
      if (::fchown(fd_.get(), there.st_uid, there.st_gid) != 0) cannot_write();
    }
    if (::fchmod(fd_.get(), mode) != 0 || ::fsync(fd_.get()) != 0 ||
        ::rename(temporary_.c_str(), target_.c_str()) != 0) {
      cannot_write();
    }
    done_ = true;
    sync_directory(target_.has_parent_path() ? target_.parent_path() : ".");
    context_.note("WebDownload: " + url_ + " -> " + target_.string() + " (" +
                  format_size(received_) + ")");
    return std::nullopt;
  }

  [[noreturn]] void cannot_write() const {
    throw Error::from_errno("cannot write " + target_.string(), errno);
  }

  const Download& download_;
  std::string url_;
  fs::path target_;
  ActionContext& context_;
  std::vector<fs::path> new_folders_;
  std::optional<DigestAlgorithm> algorithm_;
  std::unique_ptr<Digest> digest_;
  std::string temporary_;
  FileDescriptor fd_;
  std::size_t received_ = 0;
  std::optional<std::size_t> total_;
  std::string validator_;  // of what was received; empty: cannot be gone on with
  bool done_ = false;
};

/// The file that `download` is for; throws Error(io) when there can be none.
fs::path target_of(const Download& download) {
  fs::path target = without_trailing_separators(download.destination);
  if (ends_with_separator(download.destination)) {
    const std::string name = name_in_url(download.source);
    if (name.empty()) {
      throw Error(Error::Kind::io,
                  url_for_display(download.source) + " does not end in a file name",
                  "give 'destination' a file name");
    }
    target /= name;
  }
  std::error_code error;
  if (fs::is_symlink(target, error)) {
    const fs::path link = target;
    target = fs::canonical(link, error);
    if (error) throw Error(Error::Kind::io, link.string() + " is a link to nothing");
  }
  if (fs::is_directory(target, error)) {
    throw Error(Error::Kind::io, target.string() + " is a folder",
                "end 'destination' with '/' to download into it");
  }
  if (fs::exists(target, error) && !fs::is_regular_file(target, error)) {
    throw Error(Error::Kind::io, target.string() + " is a device or the like, not a file");
  }
  return target;
}

ItemResult run(const Download& download, ActionContext& context) {
  const fs::path target = target_of(download);
  std::error_code error;
  const bool there = fs::exists(target, error);
  if (there && !download.overwrite) {
    return Failed{target.string() + " exists and overwrite is false", {}, {}};
  }
  Value outputs = Value::object({{"destination", target.string()}});
  if (there && download.checksum && download.algorithm) {
    const std::string found = digest_of_file(*digest_algorithm(*download.algorithm), target);
    if (equals_ignoring_case(found, trim(*download.checksum))) {
      context.note("WebDownload: " + target.string() + " has the checksum already");
      return outputs;
    }
  }
  if (auto failed = Fetch(download, target, context).run()) return std::move(*failed);
  return outputs;
}

void check(const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
  const auto known = [&](const char* key) -> const Value* {
    const Value* value = item.find(key);
    return value && value->is_scalar() && !value->is_null() && !deferred(*value) ? value : nullptr;
  };
  if (const Value* source = known("source")) {
    const std::string scheme = lower(source->text().substr(0, 8));
    const Value* destination = known("destination");
    if (!scheme.starts_with("http://") && !scheme.starts_with("https://")) {
      diagnostics.error(codes::invalid_value, source->where,
                        "'source' is no http or https URL: " + url_for_display(source->text()),
                        scheme.starts_with("s3://") ? "S3Download takes s3:// addresses"
                                                    : "write https://HOST/PATH");
    } else if (destination && ends_with_separator(destination->text()) &&
               name_in_url(source->text()).empty()) {
      diagnostics.error(codes::invalid_value, destination->where,
                        "'source' does not end in a name for a file in " + destination->text(),
                        "give 'destination' a file name");
    }
  }
  const Value* checksum = known("checksum");
  const Value* algorithm = known("algorithm");
  if (checksum && !item.find("algorithm")) {
    diagnostics.warning(codes::missing_key, checksum->where,
                        "the checksum is not looked at without 'algorithm'",
                        "add algorithm: SHA256 (or MD5, SHA1, SHA512)");
  }
  if (!checksum || !algorithm) return;
  const auto known_algorithm = digest_algorithm(algorithm->text());
  if (!known_algorithm) return;
  const std::size_t wanted = digest_of(*known_algorithm, "").size();
  const std::string_view digits = trim(checksum->text());
  const bool hex = digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  if (digits.size() != wanted || !hex) {
    diagnostics.error(codes::invalid_value, checksum->where,
                      "a " + algorithm->text() + " checksum is " + std::to_string(wanted) +
                          " hex digits, not " + (hex ? std::to_string(digits.size()) : "this"));
  }
}

}  // namespace

Action web_download() {
  Action action = make_list_action(
      "WebDownload", "Downloads files over HTTP and HTTPS.",
      Fields<Download>{}
          .required("source", &Download::source, "The http or https URL.")
          .required("destination", &Download::destination,
                    "The file; with a '/' at the end the folder, and the name is the URL's. "
                    "Missing folders are made.")
          .optional("overwrite", &Download::overwrite,
                    "Replace a file that exists; false: fail instead.", "true")
          .optional("checksum", &Download::checksum,
                    "Hex checksum that the file must have; a file that has it already is not "
                    "downloaded again.")
          .optional("algorithm", &Download::algorithm, "What the checksum is.")
          .choices({"MD5", "SHA1", "SHA256", "SHA512"})
          .optional("ignoreCertificateErrors", &Download::ignore_certificate_errors,
                    "Accept any TLS certificate. Anybody on the way can then change the file.",
                    "false"),
      run);
  action.info.platforms = every_platform;
  action.info.repeatable = true;
  action.info.outputs = {{"destination", "Path of the file."}};
  action.info.check = check;
  action.info.example = R"(- name: FetchAgent
  action: WebDownload
  inputs:
    - source: https://example.com/agent-2.1.tgz
      destination: /tmp/agent.tgz
      checksum: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
      algorithm: SHA256
)";
  return action;
}

}  // namespace toehold
