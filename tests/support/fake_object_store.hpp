// An ObjectStore of objects in memory, which notes what is asked of it and can fail at one object.
// Included by the harnesses of actions and engine; one thread, one object after the other.
#pragma once

#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/object_store.hpp"

namespace toehold::test {

class FakeObjectStore final : public ObjectStore {
 public:
  std::map<std::string, std::string> objects;  // "bucket/key" -> content
  std::string broken;                          // "bucket/key" whose transfer fails in the middle
  std::vector<std::string> calls;              // "get bucket/key owner"

  std::vector<ObjectInfo> list(const ObjectAddress& address, std::size_t most,
                               const TransferControl& control) override {
    begin("list", address, control);
    const std::string bucket = address.bucket + "/";
    std::vector<ObjectInfo> found;
    for (const auto& [name, content] : objects) {
      if (found.size() == most) break;
      if (!name.starts_with(bucket + address.key)) continue;
      found.push_back({name.substr(bucket.size()), content.size()});
    }
    return found;
  }

  void get(const std::vector<ObjectDownload>& downloads, const TransferControl& control) override {
    for (const ObjectDownload& download : downloads) {
      const std::string name = begin("get", download.address, control);
      const auto object = objects.find(name);
      if (object == objects.end()) throw Error(Error::Kind::aws, name + ": NoSuchKey");
      const int fd = download.open();
      write_all(fd, std::string_view(object->second).substr(0, object->second.size() / 2), name);
      fail_if_broken(name);
      write_all(fd, std::string_view(object->second).substr(object->second.size() / 2), name);
      download.finish();
      if (control.heartbeat) control.heartbeat();
    }
  }

  void put(const std::vector<ObjectUpload>& uploads, const TransferControl& control) override {
    for (const ObjectUpload& upload : uploads) {
      const std::string name = begin("put", upload.address, control);
      const FileDescriptor file = upload.open();
      std::string content(1 << 16, '\0');
      content.resize(static_cast<std::size_t>(::read(file.get(), content.data(), content.size())));
      fail_if_broken(name);
      objects[name] = content;
    }
  }

 private:
  std::string begin(const std::string& call, const ObjectAddress& address,
                    const TransferControl& control) {
    if (control.stop.stop_requested()) throw Error(Error::Kind::cancelled, "cancelled");
    const std::string name = address.bucket + "/" + address.key;
    const std::string owner = address.expected_owner.empty() ? "" : " " + address.expected_owner;
    calls.push_back(call + " " + name + owner);
    return name;
  }
  void fail_if_broken(const std::string& name) const {
    if (name == broken) throw Error(Error::Kind::network, name + ": the connection broke");
  }
};

}  // namespace toehold::test
