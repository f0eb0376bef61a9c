#include "runner/controller/ssm_transport.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runner/aws/s3.hpp"
#include "runner/aws/s3_presign.hpp"
#include "runner/aws/s3_remove.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/json.hpp"
#include "runner/base/log.hpp"
#include "runner/base/platform.hpp"
#include "runner/base/terminal_program.hpp"
#include "runner/base/text.hpp"
#include "runner/controller/ssm_pieces.hpp"
#include "runner/controller/ssm_relay.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

constexpr auto url_time = 900s;
constexpr auto first_poll = 1000ms;
constexpr auto longest_poll = 2000ms;

/// As one shell word each, for root: Session Manager knows a command line only, and runs it as its
/// ssm-user, who may become root without a password.
std::string line_for_root(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    line += " '" + replace_all(word, "'", "'\\''") + "'";
  }
  return "if [ \"$(id -u)\" = 0 ]; then exec" + line + "; else exec sudo -n --" + line + "; fi";
}

}  // namespace

struct SsmTransport::State {
  State(aws::Watcher& watcher, Clock& clock, SsmSettings its_settings)
      : session(watcher.session()),
        settings(std::move(its_settings)),
        channel(watcher, clock, settings) {}

  aws::Session& session;
  const SsmSettings settings;
  SsmChannel channel;
  bool reaches_s3 = true;  // until an upload has shown that it does not

  std::string fetch(const std::filesystem::path& from, const std::string& to, unsigned mode,
                    const std::string& sum, Deadline deadline, const std::stop_token& stop);
};

/// Through S3. Returns why the instance does not get it from there; empty: it has.
std::string SsmTransport::State::fetch(const std::filesystem::path& from, const std::string& to,
                                       unsigned mode, const std::string& sum, Deadline deadline,
                                       const std::stop_token& stop) {
  const std::string mark = random_hex(8);
  const ObjectAddress object{settings.staging.bucket, settings.staging.key + "upload-" + mark, {}};
  const auto open = [&] {
    FileDescriptor file(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) throw Error::from_errno("cannot read " + from.string(), errno);
    return file;
  };
  session.set_bucket_region(object.bucket, settings.region);
  aws::S3(session).put({{object, open, from.string()}}, {deadline, stop, {}, {}});
  const aws::PresignScope scope =
      aws::presign_scope(session, object.bucket, settings.region, url_time, deadline, stop);
  const RelayAnswer answer =
      channel.ask(fetch_script(mark, aws::presigned_url(scope, "GET", object), to, mode, sum),
                  url_time, {deadline, stop, {}});
  aws::remove_objects(channel.client(), settings.region, object.bucket, {object.key},
                      {deadline, stop, {}});
  if (answer.kind == "done") return {};
  return answer.parts.empty() || answer.parts[0].empty() ? "nothing comes from there"
                                                         : std::string(printable(answer.parts[0]));
}

SsmTransport::SsmTransport(aws::Watcher& watcher, Clock& clock, SsmSettings settings)
    : state_(std::make_unique<State>(watcher, clock, std::move(settings))) {}

SsmTransport::~SsmTransport() = default;

std::string SsmTransport::name() const {
  return state_->settings.instance_id + " (SSM)";
}

ProcessResult SsmTransport::run(const std::vector<std::string>& argv, const OnOutput& on_output,
                                Deadline deadline, std::stop_token stop) {
  return SsmRelay(state_->channel, state_->session, state_->reaches_s3, on_output,
                  {deadline, stop, {}})
      .run(argv);
}

void SsmTransport::upload(const std::filesystem::path& from, const std::string& to, unsigned mode,
                          Deadline deadline, std::stop_token stop) {
  State& state = *state_;
  try {
    const std::string sum = digest_of_file(DigestAlgorithm::sha256, from);
    if (state.reaches_s3) {
      const std::string why = state.fetch(from, to, mode, sum, deadline, stop);
      if (why.empty()) return;
      state.reaches_s3 = false;
      log(LogLevel::warning, name() + " cannot fetch from S3: " + why);
    }
    upload_in_pieces(state.channel, state.session.processes(), {from, to, mode, sum},
                     {deadline, stop, {}});
  } catch (Error& error) {
    throw error.during("cannot copy " + from.string() + " to " + name() + ":" + to);
  }
}

void SsmTransport::download(const std::string& from, const std::filesystem::path& to,
                            Deadline deadline, std::stop_token stop) {
  const FileDescriptor file(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) throw Error::from_errno("cannot write " + to.string(), errno);
  std::string said;
  const ProcessResult result = run(
      {"cat", "--", from},
      [&](Stream stream, std::string_view bytes) {
        if (stream == Stream::out) return write_all(file.get(), bytes, to.string());
        if (said.size() < 4096) said += bytes;
      },
      deadline, stop);
  if (result.succeeded()) return;
  throw Error(Error::Kind::network, "cannot fetch " + name() + ":" + from + ": " +
                                        describe(result) + " " +
                                        std::string(trim(printable(said))));
}

int SsmTransport::interact(const std::vector<std::string>& argv, std::stop_token) {
  for (const char* program : {"aws", "session-manager-plugin"}) {
    if (find_in_path(program)) continue;
    throw Error(
        Error::Kind::unsupported,
        std::string("a shell on ") + name() + " needs " + program + ", which is not in PATH",
        "install the AWS CLI and the Session Manager plugin, or write connect: ssh");
  }
  const std::string parameters = "{\"command\": [" + [&] {
    std::string text;
    append_json_string(text, line_for_root(argv));
    return text;
  }() + "]}";
  std::vector<std::string> words{"aws",
                                 "ssm",
                                 "start-session",
                                 "--region",
                                 state_->settings.region,
                                 "--target",
                                 state_->settings.instance_id,
                                 "--document-name",
                                 "AWS-StartInteractiveCommand",
                                 "--parameters",
                                 parameters};
  return run_on_terminal(words);
}

void SsmTransport::wait_until_online(Deadline deadline, std::stop_token stop) {
  SsmChannel& channel = state_->channel;
  const SsmWait wait{deadline, stop, {}};
  std::string status = "has not been heard of by";
  for (auto pause = first_poll;;
       pause = std::min<std::chrono::milliseconds>(pause * 5 / 4, longest_poll)) {
    const auto found =
        channel.watcher().managed_instance(state_->settings.instance_id, {deadline, stop, {}});
    if (found && found->ping_status == "Online") return;
    if (found) status = "is " + found->ping_status + " for";
    if (channel.pause(pause, wait)) continue;
    if (stop.stop_requested()) throw Error(Error::Kind::cancelled, "interrupted");
    throw Error(
        Error::Kind::timeout, state_->settings.instance_id + " " + status + " Systems Manager",
        "it needs the SSM agent, an instance profile with AmazonSSMManagedInstanceCore, and "
        "a way to the service's endpoints");
  }
}

std::string SsmTransport::why_not_online() const {
  SsmChannel& channel = state_->channel;
  const std::string& id = state_->settings.instance_id;
  try {
    const Deadline deadline(channel.clock().monotonic() + 10s);
    const auto found = aws::describe_instance_information(channel.client(), state_->settings.region,
                                                          {id}, {deadline, {}, {}});
    if (found.empty()) return "Systems Manager has not heard of " + id;
    return id + " is " + found.front().ping_status + " for Systems Manager (SSM agent " +
           found.front().agent_version + " on " + found.front().platform + ")";
  } catch (const Error& error) {
    return "what Systems Manager knows of " + id + " cannot be asked: " + error.full_message();
  }
}

void SsmTransport::remove_staged(std::stop_token stop) {
  remove_staged_objects(state_->session, state_->settings.region, state_->settings.staging, stop);
}

void remove_staged_objects(aws::Session& session, const std::string& region,
                           const ObjectAddress& staging, std::stop_token stop) {
  aws::Client client(session);
  const Deadline deadline(session.clock().monotonic() + 300s);
  aws::remove_objects_below(client, region, staging, {deadline, stop, {}});
}

}  // namespace toehold
