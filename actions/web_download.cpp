#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
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
  const bool usable = name != "." && name != ".." && name.find('/') == std::string::npos &&
                      name.find('\0') == std::string::npos;
  return usable ? name : std::string();
}

bool may_pass_by_itself(const HttpResponse& response) {
  if (!response.transport_error.empty()) return response.retryable;
  return response.status == 408 || response.status == 429 || response.status >= 500;
}

/// One file on its way: a temporary file beside the target, filled over as many attempts as it
/// takes.
class Transfer {
 public:
  Transfer(const Download& download, const fs::path& target, ActionContext& context)
      : download_(download),
        target_(target),
        context_(context),
        temporary_(target.string() + ".XXXXXX") {
    fd_ = FileDescriptor(::mkostemp(temporary_.data(), O_CLOEXEC));
    if (!fd_) throw Error::from_errno("cannot create a file beside " + target_.string(), errno);
  }
  ~Transfer() {
    if (!done_) ::unlink(temporary_.c_str());
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  std::optional<Failed> run() {
    const std::string url = url_for_display(download_.source);
    for (int attempt = 1;; ++attempt) {
      const HttpResponse response = request();
      const bool whole = response.transport_error.empty() &&
                         (response.status == 200 || (response.status == 206 && resumed_));
      if (whole) return finish(url);
      const std::string why =
          response.transport_error.empty()
              ? "the server answered with status " + std::to_string(response.status)
              : response.transport_error;
      const bool timed_out = context_.deadline.passed(context_.clock.monotonic());
      const bool cancelled = context_.stop.stop_requested();
      if (timed_out || cancelled || attempt == most_attempts || !may_pass_by_itself(response)) {
        return Failed{
            url + ": " + why + (attempt > 1 ? " (attempt " + std::to_string(attempt) + ")" : ""),
            {},
            {},
            timed_out,
            cancelled};
      }
      context_.note("WebDownload: " + url + ": " + why + "; trying again");
      if (!back_off(attempt)) return Failed{"cancelled", {}, {}, false, true};
    }
  }

 private:
  HttpResponse request() {
    HttpRequest request;
    request.url = download_.source;
    request.verify_tls = !download_.ignore_certificate_errors;
    request.deadline = context_.deadline;
    // Only with a validator can the rest be known to belong to the beginning.
    resumed_ = false;
    const bool resume = received_ > 0 && !validator_.empty();
    if (resume) {
      request.headers = {{"Range", "bytes=" + std::to_string(received_) + "-"},
                         {"If-Range", validator_}};
    }
    bool begun = false;
    const auto take = [&](std::string_view bytes) {
      write_all(fd_.get(), bytes, target_.string());
      received_ += bytes.size();
      context_.output(Stream::out, {});  // a heartbeat for the screen
      return true;
    };
    const HttpResponse response = context_.http.send(
        request,
        [&](std::string_view bytes) {
          if (!begun) begin(resume);
          begun = true;
          return take(bytes);
        },
        context_.stop);
    remember_validator(response);
    return check_range(response, resume);
  }

  void begin(bool resume) {
    if (resume) {
      pending_offset_ = received_;
    } else {
      restart();
    }
  }

  void restart() {
    if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) < 0) {
      throw Error::from_errno("cannot write " + temporary_, errno);
    }
    received_ = 0;
  }

  void remember_validator(const HttpResponse& response) {
    const auto etag = response.header("etag");
    if (response.status == 200) {
      validator_ =
          etag && !etag->starts_with("W/") ? *etag : response.header("last-modified").value_or("");
    }
  }

  /// After a request for the rest: a 206 of that very range is one; a 200 is the whole again, and
  /// what was appended has to stand at the beginning.
  HttpResponse check_range(HttpResponse response, bool resume) {
    if (!resume) return response;
    if (response.status == 206) {
      const std::string wanted = "bytes " + std::to_string(pending_offset_) + "-";
      resumed_ = response.header("content-range").value_or("").starts_with(wanted);
      if (!resumed_) {
        restart();
        validator_.clear();
        response.transport_error = "the server sent another range than was asked for";
        response.retryable = true;
      }
    } else if (response.status == 200) {
      keep_from(pending_offset_);
    } else if (response.transport_error.empty()) {
      restart();  // an error page was appended
      validator_.clear();
    }
    return response;
  }

  void keep_from(std::size_t offset) {
    std::string rest = read_file(temporary_).substr(std::min(offset, received_));
    restart();
    write_all(fd_.get(), rest, target_.string());
    received_ = rest.size();
  }

  bool back_off(int attempt) {
    // Full jitter up to 1, 2, 4, 8 seconds.
    const long ceiling = 1000L << (attempt - 1);
    const long wait = static_cast<long>(std::strtoul(random_hex(4).c_str(), nullptr, 16)) % ceiling;
    return context_.clock.sleep_for(std::chrono::milliseconds(wait), context_.stop);
  }

  std::optional<Failed> finish(const std::string& url) {
    if (download_.checksum && download_.algorithm) {
      const std::string found = digest_of_file(*digest_algorithm(*download_.algorithm), temporary_);
      if (!equals_ignoring_case(found, trim(*download_.checksum))) {
        return Failed{url + ": the checksum does not match: expected " + *download_.checksum +
                          ", got " + found,
                      {},
                      {}};
      }
    }
    struct stat there {};
    const mode_t mode =
        ::stat(target_.c_str(), &there) == 0 ? there.st_mode & 07777 : 0666 & ~caller_umask();
    if (::fchmod(fd_.get(), mode) != 0 || ::fsync(fd_.get()) != 0 ||
        ::rename(temporary_.c_str(), target_.c_str()) != 0) {
      throw Error::from_errno("cannot write " + target_.string(), errno);
    }
    done_ = true;
    context_.note("WebDownload: " + url + " -> " + target_.string() + " (" +
                  format_size(received_) + ")");
    return std::nullopt;
  }

  const Download& download_;
  fs::path target_;
  ActionContext& context_;
  std::string temporary_;
  FileDescriptor fd_;
  std::size_t received_ = 0;
  std::size_t pending_offset_ = 0;
  std::string validator_;
  bool resumed_ = false;
  bool done_ = false;
};

ItemResult run(const Download& download, ActionContext& context) {
  fs::path target = without_trailing_separators(download.destination);
  std::error_code error;
  if (ends_with_separator(download.destination)) {
    const std::string name = name_in_url(download.source);
    if (name.empty()) {
      return Failed{url_for_display(download.source) +
                        " has no file name in it; give the destination a file name",
                    {},
                    {}};
    }
    target /= name;
  }
  if (fs::is_directory(target, error)) {
    return Failed{
        target.string() + " is a folder; end the destination with '/' to download into it", {}, {}};
  }
  const bool there = fs::exists(target, error);
  if (there && !fs::is_regular_file(target, error)) {
    return Failed{target.string() + " is no regular file", {}, {}};
  }
  if (there && !download.overwrite) {
    return Failed{target.string() + " exists and overwrite is false", {}, {}};
  }
  const Value outputs = Value::object({{"destination", target.string()}});
  if (there && download.checksum && download.algorithm) {
    const auto algorithm = digest_algorithm(*download.algorithm);
    if (algorithm &&
        equals_ignoring_case(digest_of_file(*algorithm, target), trim(*download.checksum))) {
      context.note("WebDownload: " + target.string() + " has the checksum already");
      return outputs;
    }
  }
  create_parents(target);
  Transfer transfer(download, target, context);
  if (auto failed = transfer.run()) return *failed;
  return outputs;
}

void check(const Value& item, const Deferred& deferred, Diagnostics& diagnostics) {
  const auto known = [&](const char* key) -> const Value* {
    const Value* value = item.find(key);
    return value && value->is_scalar() && !value->is_null() && !deferred(*value) ? value : nullptr;
  };
  if (const Value* source = known("source")) {
    const std::string scheme = lower(source->text().substr(0, 8));
    if (!scheme.starts_with("http://") && !scheme.starts_with("https://")) {
      diagnostics.error(codes::invalid_value, source->where,
                        "'source' is no http or https URL: " + source->text(),
                        "S3Download takes s3:// addresses");
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
  if (trim(checksum->text()).size() != wanted) {
    diagnostics.error(codes::invalid_value, checksum->where,
                      "a " + algorithm->text() + " checksum has " + std::to_string(wanted) +
                          " hex digits, this one " + std::to_string(trim(checksum->text()).size()));
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
