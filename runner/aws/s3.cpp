#include "runner/aws/s3.hpp"

#include <memory>

#include "runner/aws/crew.hpp"
#include "runner/aws/s3_calls.hpp"
#include "runner/aws/s3_download.hpp"
#include "runner/aws/s3_upload.hpp"

namespace toehold::aws {

namespace {

/// What it takes to hide the time that S3 needs to answer; each costs about 1 MiB at most.
constexpr std::size_t most_connections = 16;
constexpr std::chrono::seconds time_to_give_up(10);

}  // namespace

std::vector<ObjectInfo> S3::list(const ObjectAddress& address, std::size_t most,
                                 const TransferControl& control) {
  std::vector<ObjectInfo> objects;
  Crew crew(session_, control, 1);
  crew.add([&](Client& client) {
    std::string continuation;
    do {
      const Call call = list_call(address, most - objects.size(), continuation);
      ListPage page = read_list(require(client, call, crew.control(call.resource)).body);
      for (ObjectInfo& object : page.objects) objects.push_back(std::move(object));
      continuation = page.continuation;
    } while (!continuation.empty() && objects.size() < most);
  });
  crew.run();
  if (objects.size() > most) objects.resize(most);
  return objects;
}

void S3::get(const std::vector<ObjectDownload>& downloads, const TransferControl& control) {
  std::vector<std::unique_ptr<S3Download>> objects;
  Crew crew(session_, control, most_connections);
  for (const ObjectDownload& download : downloads) {
    objects.push_back(std::make_unique<S3Download>(download, least_part_, crew));
  }
  for (const auto& object : objects) {
    crew.add([&object](Client& client) { object->start(client); });
  }
  crew.run();
}

void S3::put(const std::vector<ObjectUpload>& uploads, const TransferControl& control) {
  std::vector<std::unique_ptr<S3Upload>> objects;
  Crew crew(session_, control, most_connections);
  for (const ObjectUpload& upload : uploads) {
    objects.push_back(std::make_unique<S3Upload>(upload, least_part_, crew));
  }
  for (const auto& object : objects) {
    crew.add([&object](Client& client) { object->start(client); });
  }
  try {
    crew.run();
  } catch (...) {
    Client client(session_);
    const Deadline deadline(session_.clock().monotonic() + time_to_give_up);
    for (const auto& object : objects) {
      const std::string left = object->give_up(client, deadline);
      if (!left.empty() && control.note) control.note(left);
    }
    throw;
  }
}

}  // namespace toehold::aws
