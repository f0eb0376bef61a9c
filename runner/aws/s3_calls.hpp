// The calls of S3 that transfers are made of, as Call, and what their answers mean. Pure functions,
// called by the s3_ files; nothing here sends anything.
// Source: the Amazon S3 API Reference.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runner/aws/client.hpp"
#include "runner/base/object_store.hpp"

namespace toehold::aws {

/// Bytes of the pieces in which an object is taken or sent: all of it up to two of `least`, so that
/// one connection does; `least`, or more where that would make over 10,000 pieces.
std::uint64_t piece_size(std::uint64_t object_size, std::uint64_t least);

/// "s3://bucket/key", and whose it has to be.
std::string resource_of(const ObjectAddress& address);

Call object_call(const char* operation, const char* method, const ObjectAddress& address);
Call list_call(const ObjectAddress& prefix, std::size_t most, const std::string& continuation);
/// Asks for the object's checksum, too.
Call get_call(const ObjectAddress& address);
/// "bytes=first-last" of the object with this ETag.
HttpHeaders range_headers(std::uint64_t first, std::uint64_t last, const std::string& etag);

struct ListPage {
  std::vector<ObjectInfo> objects;
  std::string continuation;  // empty: it was the last
};
/// Throws Error(aws) for what is no such page.
ListPage read_list(const std::string& xml);

struct ContentRange {
  std::uint64_t first = 0, last = 0, size = 0;
};
/// "bytes 100-199/200"
std::optional<ContentRange> content_range(const HttpResponse& head);
std::optional<std::uint64_t> content_length(const HttpResponse& head);
/// Empty for a weak one: nothing can be asked for by it.
std::string strong_etag(const HttpResponse& head);

/// As Client::require, with what S3's answers leave open.
Answer require(Client& client, const Call& call, const Control& control);
/// What `answer` to `call` failed of.
[[noreturn]] void throw_failure(Client& client, const Call& call, const Failure& failure,
                                const Control& control);

}  // namespace toehold::aws
