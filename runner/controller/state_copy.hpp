// StateCopy: a build's state in S3, so that a build whose machine is gone goes on from another one.
// It is written only over what its holder has written last, so two cannot drive one build: who
// finds something else there lets go at once. Held by the build's folder; knows no targets.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "runner/aws/client.hpp"
#include "runner/base/object_store.hpp"
#include "runner/controller/state_file.hpp"

namespace toehold {

/// What is in S3 of a build.
struct FoundState {
  StateFile state;
  std::string etag;
  std::chrono::seconds silent{};  // since its holder was last heard of
};

class StateCopy {
 public:
  /// A holder that has not been heard of for so long is taken for dead.
  static constexpr std::chrono::seconds patience{90};

  /// `address`: "s3://BUCKET/PREFIX/BUILD-ID/controller/"; the session outlives it. `self`: with
  /// the id of the folder. Asks nothing yet.
  StateCopy(aws::Session& session, ObjectAddress address, std::filesystem::path folder,
            StateHolder self);
  ~StateCopy();

  std::optional<FoundState> find();
  /// Of a new build. Throws Error(busy) when there is one already.
  void begin();
  /// Becomes the holder of what was found. Throws Error(busy) when another was quicker.
  void take(const FoundState& found);
  /// Says every now and then that we live; from a thread of its own.
  void keep_alive();
  /// The folder as it is now; what is new among its logs, too, if `logs`. Throws Error.
  void save(bool logs, std::stop_token stop);
  /// Into the folder. Throws Error.
  void fetch_logs();
  /// The last save: another may go on at once.
  void release();
  /// All of it.
  void remove();
  /// One sign of life, and a look at whether it is still ours.
  void beat(std::stop_token stop);
  /// The same; throws Error(busy) when another has the build, if `let_go` has returned.
  void must_hold();
  /// Nothing is written any more. Any thread.
  bool is_lost() const { return lost_; }

  /// What is done, once, when another has the build: by default this process ends at once, as if it
  /// had been killed. Its own way to an end would stop the run and remove the machine, so one that
  /// returns has to see to that. Called from any thread, which must not come back to this object.
  std::function<void(const std::string& message)> let_go;

 private:
  ObjectAddress part(const char* name) const;
  aws::Control control(std::stop_token stop) const;
  void put(aws::Client& client, const StateFile& state, std::stop_token stop);
  void save_logs(std::stop_token stop);
  bool is_still_ours(aws::Client& client);

  aws::Session& session_;
  const ObjectAddress address_;
  const std::filesystem::path folder_;
  StateHolder self_;
  std::mutex mutex_;
  std::string etag_;
  std::map<std::string, std::uint64_t> saved_logs_;  // their sizes then
  std::atomic<bool> lost_{false};
  std::jthread alive_;
};

/// "s3://BUCKET/PREFIX/BUILD-ID", as a person types it, for the state of a build below `place`.
std::string copy_address(const ObjectAddress& place, const std::string& build_id);
/// The folder of objects of that address; throws Error(usage) for what is none.
ObjectAddress state_address(const std::string& copy);

}  // namespace toehold
