#include "runner/controller/state_copy.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "runner/aws/s3.hpp"
#include "runner/aws/s3_object.hpp"
#include "runner/aws/s3_remove.hpp"
#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/folder_upload.hpp"
#include "runner/base/text.hpp"
#include "runner/engine/exit_code.hpp"

namespace toehold {

namespace {

using namespace std::chrono_literals;

constexpr auto beat_every = 25s;
constexpr auto longest_call = 60s;
constexpr auto longest_transfer = 600s;
constexpr std::size_t most_logs = 10000;
constexpr const char* taken_over = "another has taken over the build";

void end_at_once(const std::string& message) {
  std::fprintf(stderr, "\n%s\n", message.c_str());
  std::fflush(stderr);
  std::_Exit(static_cast<int>(ExitCode::busy));
}

bool is_same_process(const StateHolder& one, const StateHolder& other) {
  return one.id == other.id && one.host == other.host && one.process == other.process &&
         one.since == other.since;
}

bool is_plain(const fs::path& relative) {
  return std::none_of(relative.begin(), relative.end(), [](const fs::path& part) {
    return part == ".." || part == "." || part.empty() || part.is_absolute();
  });
}

}  // namespace

std::string copy_address(const ObjectAddress& place, const std::string& build_id) {
  ObjectAddress address = place;
  address.key = object_key(place.key, build_id);
  return to_string(address);
}

ObjectAddress state_address(const std::string& copy) {
  auto address = parse_object_address(copy);
  while (address && address->key.ends_with('/')) address->key.pop_back();
  if (!address || address->key.empty()) {
    throw Error(Error::Kind::usage, "'" + copy + "' is no address of a build",
                "it is s3://BUCKET/PREFIX/BUILD-ID, as the build has said it in its beginning");
  }
  address->key += "/controller/";
  return *address;
}

StateCopy::StateCopy(aws::Session& session, ObjectAddress address, fs::path folder,
                     StateHolder self)
    : let_go(end_at_once),
      session_(session),
      address_(std::move(address)),
      folder_(std::move(folder)),
      self_(std::move(self)) {}

StateCopy::~StateCopy() = default;

ObjectAddress StateCopy::part(const char* name) const {
  ObjectAddress address = address_;
  address.key += name;
  return address;
}

aws::Control StateCopy::control(std::stop_token stop) const {
  return {Deadline(session_.clock().monotonic() + longest_call), std::move(stop), {}};
}

std::optional<FoundState> StateCopy::find() {
  aws::Client client(session_);
  const auto there = aws::read_object(client, part("state.json"), control({}));
  if (!there) return std::nullopt;
  const auto beat = aws::look_at_object(client, part("alive"), control({}));
  const UnixMillis heard = std::max(there->modified, beat ? beat->modified : 0);
  const std::chrono::milliseconds silent(std::max<UnixMillis>(there->now - heard, 0));
  return FoundState{read_state_file(there->text), there->etag,
                    std::chrono::duration_cast<std::chrono::seconds>(silent)};
}

void StateCopy::begin() {
  aws::Client client(session_);
  const auto etag = aws::replace_object(
      client, part("state.json"), to_text({self_, {}, read_folder(folder_)}), "", control({}));
  if (!etag) throw Error(Error::Kind::busy, "there is a build at " + to_string(address_));
  const std::lock_guard lock(mutex_);
  etag_ = *etag;
}

void StateCopy::take(const FoundState& found) {
  aws::Client client(session_);
  const auto etag = aws::replace_object(
      client, part("state.json"), to_text({self_, {}, found.state.files}), found.etag, control({}));
  if (!etag) {
    throw Error(Error::Kind::busy, "another has just changed " + to_string(address_),
                "give the same command again");
  }
  const std::lock_guard lock(mutex_);
  etag_ = *etag;
}

void StateCopy::keep_alive() {
  alive_ = std::jthread([this](const std::stop_token& stop) {
    do {
      beat(stop);
    } while (session_.clock().sleep_for(beat_every, stop));
  });
}

void StateCopy::beat(std::stop_token stop) {
  try {
    aws::Client client(session_);
    const std::lock_guard lock(mutex_);
    if (lost_) return;
    const auto there = aws::look_at_object(client, part("state.json"), control(stop));
    if ((!there || there->etag != etag_) && !is_still_ours(client)) return;
    aws::write_object(client, part("alive"), "{}\n", control(stop));
  } catch (const std::exception&) {
    // The next one may come through; a build that is taken for dead meanwhile is told so then.
  }
}

void StateCopy::must_hold() {
  beat({});
  if (lost_) throw Error(Error::Kind::busy, taken_over);
}

/// What stands there may be ours although we have not heard so: the answer to a write was lost, or
/// somebody has interrupted us meanwhile. Else the build is another's.
bool StateCopy::is_still_ours(aws::Client& client) {
  std::string who = "somebody";
  try {
    const auto there = aws::read_object(client, part("state.json"), control({}));
    if (there) {
      const StateHolder holder = read_state_file(there->text).holder;
      if (is_same_process(holder, self_)) {
        etag_ = there->etag;
        return true;
      }
      who = to_string(holder);
    }
  } catch (const Error&) {
    // It does not matter who.
  }
  lost_ = true;
  let_go("this build has been taken over by " + printable(who) +
         "; this process lets go of it and leaves all as it is");
  return false;
}

void StateCopy::put(aws::Client& client, const StateFile& state, std::stop_token stop) {
  const std::lock_guard lock(mutex_);
  if (lost_) throw Error(Error::Kind::busy, taken_over);
  const std::string text = to_text(state);
  auto etag = aws::replace_object(client, part("state.json"), text, etag_, control(stop));
  if (!etag && is_still_ours(client)) {
    etag = aws::replace_object(client, part("state.json"), text, etag_, control(stop));
  }
  if (!etag) throw Error(Error::Kind::busy, taken_over);
  etag_ = std::move(*etag);
}

void StateCopy::save(bool logs, std::stop_token stop) {
  aws::Client client(session_);
  if (logs) save_logs(stop);
  put(client, {self_, {}, read_folder(folder_)}, stop);
}

void StateCopy::save_logs(std::stop_token stop) {
  const fs::path logs = folder_ / "logs";
  std::error_code error;
  if (!fs::exists(logs, error)) return;
  std::vector<ObjectUpload> uploads = uploads_of(logs, part("logs"));
  std::erase_if(uploads, [&](const ObjectUpload& upload) {
    const std::string name = upload.address.key.substr(address_.key.size());
    const std::uint64_t size = fs::file_size(upload.name, error);
    const auto known = saved_logs_.find(name);
    if (known != saved_logs_.end() && known->second == size) return true;
    saved_logs_[name] = size;
    return false;
  });
  if (uploads.empty()) return;
  aws::S3 store(session_);
  store.put(uploads,
            {Deadline(session_.clock().monotonic() + longest_transfer), std::move(stop), {}, {}});
}

void StateCopy::fetch_logs() {
  aws::S3 store(session_);
  const TransferControl limits{
      Deadline(session_.clock().monotonic() + longest_transfer), {}, {}, {}};
  std::vector<ObjectDownload> downloads;
  const std::vector<ObjectInfo> found = store.list(part("logs/"), most_logs, limits);
  std::vector<FileDescriptor> files(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const fs::path relative = found[i].key.substr(address_.key.size());
    if (!is_plain(relative)) throw Error(Error::Kind::state, "an odd name: " + found[i].key);
    saved_logs_[relative.string()] = found[i].size;
    const fs::path path = folder_ / relative;
    make_private_directory(path.parent_path());
    const auto open = [&file = files[i], path] {
      file = FileDescriptor(
          ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
      if (!file) throw Error::from_errno("cannot write " + path.string(), errno);
      return file.get();
    };
    downloads.push_back(
        {{address_.bucket, found[i].key, {}}, open, [&file = files[i]] { file.close(); }});
  }
  if (!downloads.empty()) store.get(downloads, limits);
}

void StateCopy::release() {
  alive_ = {};
  self_.released = true;
  save(true, {});
}

void StateCopy::remove() {
  alive_ = {};
  aws::Client client(session_);
  aws::remove_objects_below(client, {}, address_, control({}));
}

}  // namespace toehold
