#include "runner/aws/s3_remove.hpp"

#include <algorithm>

#include "runner/aws/s3_calls.hpp"
#include "runner/aws/xml.hpp"
#include "runner/base/base64.hpp"
#include "runner/base/digest.hpp"
#include "runner/base/text.hpp"

namespace toehold::aws {

namespace {

constexpr std::size_t most_keys = 1000;  // of one call

std::string escaped(const std::string& key) {
  std::string text = replace_all(key, "&", "&amp;");
  text = replace_all(text, "<", "&lt;");
  return replace_all(text, ">", "&gt;");
}

Call delete_call(const std::string& region, const std::string& bucket, const std::string& body) {
  Call call = object_call("DeleteObjects", "POST", {bucket, "", {}});
  call.region = region;
  call.iam_action = "s3:DeleteObject";
  call.query = {{"delete", ""}};
  call.body = body;
  Digest md5(DigestAlgorithm::md5);
  md5.update(body);
  call.headers.emplace_back("Content-MD5", base64_encode(md5.finish_bytes()));
  call.headers.emplace_back("Content-Type", "application/xml");
  return call;
}

}  // namespace

void remove_objects(Client& client, const std::string& region, const std::string& bucket,
                    const std::vector<std::string>& keys, const Control& control) {
  for (std::size_t begin = 0; begin < keys.size(); begin += most_keys) {
    std::string body = "<Delete><Quiet>true</Quiet>";
    for (std::size_t i = begin; i < std::min(begin + most_keys, keys.size()); ++i) {
      body += "<Object><Key>" + escaped(keys[i]) + "</Key></Object>";
    }
    const Call call = delete_call(region, bucket, body + "</Delete>");
    const Value root = parse_xml_answer(require(client, call, control).body, "S3 DeleteObjects");
    const Value* result = root.find("DeleteResult");
    if (!result) throw Error(Error::Kind::aws, "S3 DeleteObjects: the answer is no result");
    for (const Value& error : children(*result, "Error")) {
      throw Error(Error::Kind::aws, "S3 DeleteObjects on s3://" + bucket + "/" +
                                        text_at(error, {"Key"}) + ": " + text_at(error, {"Code"}) +
                                        ": " + text_at(error, {"Message"}));
    }
  }
}

void remove_objects_below(Client& client, const std::string& region, const ObjectAddress& prefix,
                          const Control& control) {
  if (!prefix.key.ends_with('/')) {
    throw Error(Error::Kind::usage, "'" + prefix.key + "' is no folder of objects");
  }
  for (;;) {
    Call call = list_call(prefix, most_keys, {});
    call.region = region;
    const ListPage page = read_list(require(client, call, control).body);
    std::vector<std::string> keys;
    for (const ObjectInfo& object : page.objects) keys.push_back(object.key);
    remove_objects(client, region, prefix.bucket, keys, control);
    if (page.continuation.empty()) return;
  }
}

}  // namespace toehold::aws
