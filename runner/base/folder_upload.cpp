#include "runner/base/folder_upload.hpp"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"

namespace toehold {

std::string object_key(std::string prefix, const std::string& name) {
  while (prefix.starts_with('/')) prefix.erase(0, 1);
  while (prefix.ends_with('/')) prefix.pop_back();
  return (prefix.empty() ? "" : prefix + "/") + name;
}

std::vector<ObjectUpload> uploads_of(const fs::path& folder, const ObjectAddress& to) {
  std::vector<ObjectUpload> uploads;
  std::error_code error;
  for (fs::recursive_directory_iterator entries(folder, error), end; entries != end;
       entries.increment(error)) {
    std::error_code gone;
    if (entries->symlink_status(gone).type() != fs::file_type::regular) continue;
    ObjectUpload upload;
    upload.name = entries->path().string();
    upload.address = to;
    upload.address.key += "/" + entries->path().lexically_relative(folder).string();
    upload.open = [path = upload.name] {
      FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
      if (!fd) throw Error::from_errno("cannot read " + path, errno);
      return fd;
    };
    uploads.push_back(std::move(upload));
  }
  if (error)
    throw Error(Error::Kind::io, "cannot read " + folder.string() + ": " + error.message());
  return uploads;
}

}  // namespace toehold
