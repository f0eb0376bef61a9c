#include "runner/aws/s3_object.hpp"

#include "runner/aws/s3_calls.hpp"

namespace toehold::aws {

namespace {

constexpr int most_conflicts = 5;

Call put_call(const ObjectAddress& address, const std::string& text) {
  Call call = object_call("PutObject", "PUT", address);
  call.body = text;
  call.headers.emplace_back("Content-Type", "application/json");
  return call;
}

std::optional<SmallObject> ask(Client& client, const Call& call, const Control& control) {
  Answer answer = client.send(call, control);
  if (answer.failure && answer.failure->status == 404 && answer.failure->code != "NoSuchBucket") {
    return std::nullopt;
  }
  if (answer.failure) throw_failure(client, call, *answer.failure, control);
  SmallObject object;
  object.text = std::move(answer.body);
  object.etag = answer.header("etag").value_or("");
  object.modified = http_date(answer.header("last-modified").value_or("")).value_or(0);
  object.now = http_date(answer.header("date").value_or("")).value_or(client.session().now());
  return object;
}

}  // namespace

std::optional<SmallObject> read_object(Client& client, const ObjectAddress& address,
                                       const Control& control) {
  return ask(client, object_call("GetObject", "GET", address), control);
}

std::optional<SmallObject> look_at_object(Client& client, const ObjectAddress& address,
                                          const Control& control) {
  Call call = object_call("HeadObject", "HEAD", address);
  call.iam_action = "s3:GetObject";
  return ask(client, call, control);
}

std::string write_object(Client& client, const ObjectAddress& address, const std::string& text,
                         const Control& control) {
  return require(client, put_call(address, text), control).header("etag").value_or("");
}

std::optional<std::string> replace_object(Client& client, const ObjectAddress& address,
                                          const std::string& text, const std::string& etag,
                                          const Control& control) {
  Call call = put_call(address, text);
  call.headers.emplace_back(etag.empty() ? "If-None-Match" : "If-Match", etag.empty() ? "*" : etag);
  for (int conflicts = 0;; ++conflicts) {
    const Answer answer = client.send(call, control);
    if (const auto& failure = answer.failure) {
      // Two at once: S3 wants it to be tried again.
      if (failure->status == 409 && conflicts < most_conflicts) continue;
      // 404: If-Match on what is not there any more.
      if (failure->status != 412 && failure->status != 404) {
        throw_failure(client, call, *failure, control);
      }
      if (failure->code == "NoSuchBucket") throw_failure(client, call, *failure, control);
    } else if (const auto written = answer.header("etag")) {
      return written;
    }
    // Perhaps it is ours: an earlier try whose answer was lost, or an answer that is none of S3's.
    const auto there = read_object(client, address, control);
    if (there && there->text == text) return there->etag;
    return std::nullopt;
  }
}

}  // namespace toehold::aws
