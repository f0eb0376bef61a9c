// One small object of S3 that several may write: read whole, and written only if it still is what
// its writer knows. Called by the copy of a build's state; bigger ones go through S3.
// Source: "Conditional requests" of the Amazon S3 User Guide (If-Match, If-None-Match on
// PutObject).
#pragma once

#include <optional>
#include <string>

#include "runner/aws/client.hpp"
#include "runner/base/object_store.hpp"

namespace toehold::aws {

struct SmallObject {
  std::string text;
  std::string etag;
  UnixMillis modified = 0;  // both by the service's clock
  UnixMillis now = 0;
};

/// nullopt: there is none. Up to 16 MiB. Throws Error.
std::optional<SmallObject> read_object(Client& client, const ObjectAddress& address,
                                       const Control& control);
/// The same without the text.
std::optional<SmallObject> look_at_object(Client& client, const ObjectAddress& address,
                                          const Control& control);

/// Whatever is there; returns the new ETag. Throws Error.
std::string write_object(Client& client, const ObjectAddress& address, const std::string& text,
                         const Control& control);
/// Only over the object with this ETag, or, when it is empty, where none is; returns the new ETag,
/// nullopt when something else is there. An answer that was lost is found out about.
std::optional<std::string> replace_object(Client& client, const ObjectAddress& address,
                                          const std::string& text, const std::string& etag,
                                          const Control& control);

}  // namespace toehold::aws
