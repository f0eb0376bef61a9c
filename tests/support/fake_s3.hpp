// S3 in memory behind an HttpClient, for tests of what several threads do with it: objects, ranges,
// lists and multipart uploads, and faults that hit the calls they name. Opens no connection.
#pragma once

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "runner/aws/session.hpp"
#include "runner/aws/sigv4.hpp"
#include "runner/base/text.hpp"
#include "runner/base/url.hpp"
#include "tests/support/scripted_process.hpp"
#include "tests/support/virtual_clock.hpp"

namespace toehold::test {

class FakeS3 {
 public:
  struct Object {
    std::string content = {};
    std::string etag = "\"etag-1\"";
    HttpHeaders headers = {};     // of GET: checksums and the like
    std::uint64_t part_size = 0;  // what HEAD of part 1 says
  };
  struct Fault {
    std::string call;  // a part of "GET /bucket/key?query bytes=0-9"
    int times = 1;
    long status = 0;  // answer this, with `body`
    std::string body = {};
    std::size_t cut = std::string::npos;   // the connection breaks after so many bytes
    std::size_t flip = std::string::npos;  // a bit of this byte of the answer is wrong
    long length = 0;                       // the answer ends so much earlier, and says so
    std::function<void()> before = {};     // is called first
  };

  std::map<std::string, Object> objects;  // "bucket/key"
  std::vector<Fault> faults;
  std::size_t page = 1000;

  std::vector<std::string> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  std::size_t count(const std::string& part) const {
    const auto seen = calls();
    return static_cast<std::size_t>(std::count_if(seen.begin(), seen.end(), [&](const auto& call) {
      return call.find(part) != std::string::npos;
    }));
  }
  /// Of the first call that has `part` in it.
  std::string header(const std::string& part, const std::string& name) const {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      if (calls_[i].find(part) != std::string::npos) return get(headers_[i], name);
    }
    return "no such call";
  }
  std::size_t open_uploads() const {
    const std::lock_guard lock(mutex_);
    return uploads_.size();
  }

  aws::Session& session() { return session_; }
  VirtualClock clock;

 private:
  class Connection final : public HttpClient {
   public:
    explicit Connection(FakeS3& s3) : s3_(s3) {}
    HttpResponse send(const HttpRequest& request, const OnBody& on_body,
                      std::stop_token stop) override {
      return s3_.answer(request, on_body, stop);
    }

   private:
    FakeS3& s3_;
  };
  struct Keys final : aws::CredentialProvider {
    std::optional<aws::Credentials> find(Deadline, std::stop_token) override {
      return aws::Credentials{"KEY", "SECRET", {}, {}, "the test"};
    }
    std::string name() const override { return "the test"; }
  };
  struct Reply {
    long status = 200;
    std::string body;
    HttpHeaders headers;
  };

  static aws::Settings settings() {
    aws::Settings settings;
    settings.region = "eu-west-1";
    settings.path_style = true;
    settings.environment = [](const std::string&) { return std::nullopt; };
    return settings;
  }
  static std::string get(const HttpHeaders& headers, const std::string& name) {
    for (const auto& [key, value] : headers) {
      if (equals_ignoring_case(key, name)) return value;
    }
    return {};
  }
  static std::string decode(const std::string& text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '%') {
        result += text[i];
        continue;
      }
      result += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    }
    return result;
  }
  static std::string query(const std::string& target, const std::string& name) {
    const std::size_t mark = target.find('?');
    if (mark == std::string::npos) return {};
    for (const std::string& item : split(target.substr(mark + 1), '&')) {
      if (item.starts_with(name + "=")) return decode(item.substr(name.size() + 1));
    }
    return {};
  }
  static std::string error(const std::string& code) {
    return "<Error><Code>" + code + "</Code><Message>words</Message></Error>";
  }

  HttpResponse answer(const HttpRequest& request, const OnBody& on_body, std::stop_token stop) {
    Reply reply;
    Fault fault;
    {
      const std::string target = parts_of(request.url).rest;
      const std::string call = request.method + " " + target + " " + get(request.headers, "Range");
      std::unique_lock lock(mutex_);
      calls_.push_back(call);
      headers_.push_back(request.headers);
      for (Fault& candidate : faults) {
        if (candidate.times == 0 || call.find(candidate.call) == std::string::npos) continue;
        --candidate.times;
        fault = candidate;
        break;
      }
      if (fault.before) fault.before();
      if (fault.status != 0) {
        reply = {fault.status, fault.body, {}};
      } else {
        reply = serve(request, target);
      }
    }
    if (fault.flip < reply.body.size()) reply.body[fault.flip] ^= 1;
    reply.body.resize(reply.body.size() - static_cast<std::size_t>(fault.length));
    HttpResponse response;
    response.status = reply.status;
    response.headers = reply.headers;
    if (get(response.headers, "content-length").empty()) {
      response.headers.emplace_back("content-length", std::to_string(reply.body.size()));
    }
    if (request.on_head && !request.on_head(response)) return response;
    std::string_view rest = std::string_view(reply.body).substr(0, fault.cut);
    while (!rest.empty() && !stop.stop_requested()) {
      const std::string_view piece = rest.substr(0, 70);
      rest.remove_prefix(piece.size());
      if (on_body(piece)) continue;
      response.transport_error = "ended by the receiver";
      return response;
    }
    if (stop.stop_requested()) response.transport_error = "cancelled";
    if (fault.cut != std::string::npos) {
      response.transport_error = "transfer closed with bytes remaining";
      response.retryable = true;
    }
    return response;
  }

  Reply serve(const HttpRequest& request, const std::string& target) {
    const std::string path = decode(target.substr(1, target.find('?') - 1));
    std::string body = request.body;
    if (request.upload.read) {
      body.resize(request.upload.size);
      for (std::size_t at = 0; at < body.size();) {
        at +=
            request.upload.read(at, body.data() + at, std::min<std::size_t>(50, body.size() - at));
      }
    }
    if (!query(target, "list-type").empty()) return list(path, target);
    const std::string upload = query(target, "uploadId");
    if (request.method == "PUT" && !upload.empty()) {
      uploads_[upload][std::stoi(query(target, "partNumber"))] = body;
      return {200, "", {{"etag", "\"part\""}}};
    }
    if (request.method == "PUT") {
      objects[path] = {body};
      return {};
    }
    if (request.method == "DELETE") {
      uploads_.erase(upload);
      return {204, "", {}};
    }
    if (request.method == "POST" && upload.empty()) {
      const std::string id = "id/" + std::to_string(++last_upload_);
      uploads_[id];
      return {200,
              "<InitiateMultipartUploadResult><UploadId>" + id +
                  "</UploadId></InitiateMultipartUploadResult>",
              {}};
    }
    if (request.method == "POST") {
      Object object;
      for (const auto& [number, part] : uploads_[upload]) object.content += part;
      objects[path] = object;
      uploads_.erase(upload);
      return {
          200, "<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>", {}};
    }
    return object(request, path);
  }

  Reply object(const HttpRequest& request, const std::string& path) {
    const auto at = objects.find(path);
    if (at == objects.end()) return {404, error("NoSuchKey"), {}};
    const Object& found = at->second;
    const std::string match = get(request.headers, "If-Match");
    if (!match.empty() && match != found.etag) return {412, error("PreconditionFailed"), {}};
    if (request.method == "HEAD") {
      return {200, "", {{"content-length", std::to_string(found.part_size)}}};
    }
    Reply reply{200, found.content, found.headers};
    reply.headers.emplace_back("etag", found.etag);
    std::size_t first = 0, last = 0;
    if (std::sscanf(get(request.headers, "Range").c_str(), "bytes=%zu-%zu", &first, &last) != 2) {
      return reply;
    }
    if (first >= found.content.size()) return {416, error("InvalidRange"), {}};
    last = std::min(last, found.content.size() - 1);
    reply.status = 206;
    reply.body = found.content.substr(first, last - first + 1);
    reply.headers.emplace_back("content-range", "bytes " + std::to_string(first) + "-" +
                                                    std::to_string(last) + "/" +
                                                    std::to_string(found.content.size()));
    return reply;
  }

  Reply list(const std::string& path, const std::string& target) const {
    const std::string bucket = path.substr(0, path.find('/')) + "/";
    const std::string prefix = query(target, "prefix");
    const std::string after = query(target, "continuation-token");
    const std::size_t most = std::min<std::size_t>(page, std::stoul(query(target, "max-keys")));
    std::string contents, last;
    std::size_t count = 0;
    bool is_truncated = false;
    for (const auto& [name, object] : objects) {
      if (!name.starts_with(bucket + prefix) || (!after.empty() && name <= after)) continue;
      if (count == most) {
        is_truncated = true;
        break;
      }
      ++count;
      last = name;
      contents += "<Contents><Key>" +
                  replace_all(aws::uri_escape(name.substr(bucket.size()), true), "%20", "+") +
                  "</Key><Size>" + std::to_string(object.content.size()) + "</Size></Contents>";
    }
    std::string xml = "<ListBucketResult><EncodingType>url</EncodingType>" + contents;
    xml += std::string("<IsTruncated>") + (is_truncated ? "true" : "false") + "</IsTruncated>";
    if (is_truncated) xml += "<NextContinuationToken>" + last + "</NextContinuationToken>";
    return {200, xml + "</ListBucketResult>", {}};
  }

  mutable std::mutex mutex_;
  std::vector<std::string> calls_;
  std::vector<HttpHeaders> headers_;
  std::map<std::string, std::map<int, std::string>> uploads_;
  int last_upload_ = 0;
  ScriptedProcess processes_;
  aws::Session session_{settings(), [this] { return std::make_unique<Connection>(*this); }, clock,
                        processes_, std::make_unique<Keys>()};
};

}  // namespace toehold::test
