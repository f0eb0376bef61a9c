#include "runner/base/http.hpp"

#include <chrono>
#include <cstdlib>
#include <thread>

#include "runner/base/error.hpp"
#include "runner/base/files.hpp"
#include "runner/base/log.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/loopback_server.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::chrono_literals;

namespace {

struct Client {
  HttpResponse send(HttpRequest request) {
    body.clear();
    return http->send(
        request,
        [&](std::string_view bytes) {
          body += bytes;
          return true;
        },
        stop.get_token());
  }
  HttpResponse get(const std::string& url) {
    HttpRequest request;
    request.url = url;
    return send(request);
  }

  std::unique_ptr<HttpClient> http = make_curl_http_client();
  std::stop_source stop;
  std::string body;
};

std::chrono::milliseconds since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begin);
}

}  // namespace

TEST_CASE("http: status, headers and body come over, request headers and body go out") {
  LoopbackServer server({reply(200, "hello", "ETag: \"x\"\r\nX-Two:  b \r\n")});
  Client client;
  HttpRequest request;
  request.method = "PUT";
  request.url = server.url("/a/b?q=1");
  request.headers = {{"X-Mine", "1"}, {"X-Empty", ""}};
  request.body = "payload";
  const HttpResponse response = client.send(request);
  CHECK(response.transport_error.empty());
  CHECK(response.status == 200);
  CHECK(client.body == "hello");
  CHECK(response.header("etag") == "\"x\"");
  CHECK(response.header("x-two") == "b");
  CHECK_FALSE(response.header("x-none"));
  CHECK(response.effective_url == request.url);
  CHECK(server.line(0) == "PUT /a/b?q=1");
  CHECK(server.header(0, "x-mine") == "1");
  CHECK_THAT(server.requests().at(0), ContainsSubstring("X-Empty:\r\n"));
  CHECK_THAT(server.requests().at(0), ContainsSubstring("\r\n\r\npayload"));
}

TEST_CASE("http: each request stands in the application log, without what may be secret in a URL") {
  const TempDirectory folder(fs::temp_directory_path(), "toehold-test-");
  open_log(folder.path() / "application.log", false);
  LoopbackServer server({redirect("/hidden"), reply(404, "gone")});
  Client().get(server.url("/hook/hidden?key=hidden"));
  close_log();
  const std::string text = read_file(folder.path() / "application.log");
  const std::string origin = server.url("");
  CHECK_THAT(text, ContainsSubstring("Z debug GET " + origin + ": status 302, ") &&
                       ContainsSubstring("Z debug GET " + origin + ": status 404, 4 B, ") &&
                       !ContainsSubstring("hidden"));
}

TEST_CASE("http: dots in a path are names where that is asked for") {
  LoopbackServer server({reply(200, "one"), reply(200, "two")});
  Client client;
  HttpRequest request;
  request.url = server.url("/a/../b/./c");
  client.send(request);
  CHECK(server.line(0) == "GET /b/c");
  request.path_as_is = true;
  client.send(request);
  CHECK(server.line(1) == "GET /a/../b/./c");
}

TEST_CASE("http: an error status is a response, not a transport error") {
  LoopbackServer server({reply(404, "no such page")});
  Client client;
  const HttpResponse response = client.get(server.url());
  CHECK(response.status == 404);
  CHECK(response.transport_error.empty());
  CHECK(client.body == "no such page");
}

TEST_CASE("http: on_head sees the final response first and may do without the body") {
  LoopbackServer server({redirect("/next"), reply(503, "a long page"), reply(200, "body")});
  Client client;
  HttpRequest request;
  request.url = server.url();
  std::vector<long> heads;
  bool want = false;
  request.on_head = [&](const HttpResponse& response) {
    heads.push_back(response.status);
    CHECK(client.body.empty());
    return want;
  };
  const HttpResponse response = client.send(request);
  CHECK(response.transport_error.empty());
  CHECK(response.status == 503);
  CHECK(client.body.empty());
  want = true;
  CHECK(client.send(request).status == 200);
  CHECK(client.body == "body");
  CHECK(heads == std::vector<long>{503, 200});
}

TEST_CASE("http: a connection serves one request after the other") {
  LoopbackServer server({reply(200, "1"), redirect("/3"), reply(200, "3"), reply(404, "4")});
  Client client;
  for (int i = 0; i < 3; ++i) CHECK(client.get(server.url()).transport_error.empty());
  CHECK(server.requests().size() == 4);
  CHECK(server.connections() == 1);
}

TEST_CASE("http: a short body is a transport error that may pass") {
  const auto then = GENERATE(Reply::Then::close, Reply::Then::reset);
  LoopbackServer server({cut_reply(200, "0123456789", 4, {}, then)});
  Client client;
  const HttpResponse response = client.get(server.url());
  CHECK_FALSE(response.transport_error.empty());
  CHECK(response.retryable);
}

TEST_CASE("http: a body in chunks is whole only with its last chunk") {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  LoopbackServer server({{head + "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"},
                         {head + "3\r\nabc\r\n", Reply::Then::close}});
  Client client;
  CHECK(client.get(server.url()).transport_error.empty());
  CHECK(client.body == "abcde");
  const HttpResponse cut = client.get(server.url());
  CHECK_FALSE(cut.transport_error.empty());
  CHECK(cut.retryable);
}

TEST_CASE("http: nobody there, no answer, no HTTP") {
  Client client;
  int port = 0;
  { port = LoopbackServer().port(); }
  const HttpResponse refused = client.get("http://127.0.0.1:" + std::to_string(port) + "/");
  CHECK_THAT(refused.transport_error, ContainsSubstring("Failed to connect"));
  CHECK(refused.retryable);
  LoopbackServer server({{"", Reply::Then::close}, {"SSH-2.0-x\r\n", Reply::Then::close}});
  CHECK(client.get(server.url()).retryable);
  CHECK_FALSE(client.get(server.url()).transport_error.empty());
}

TEST_CASE("http: redirects are followed, and their pages are not the body") {
  LoopbackServer server({redirect("/b?x=1", 301), redirect("c", 307), reply(200, "here")});
  Client client;
  const HttpResponse response = client.get(server.url("/a/"));
  CHECK(response.status == 200);
  CHECK(client.body == "here");
  CHECK(server.line(1) == "GET /b?x=1");
  CHECK(server.line(2) == "GET /c");
  CHECK(response.effective_url == server.url("/c"));
}

TEST_CASE("http: redirects have an end") {
  LoopbackServer server({redirect("/1"), redirect("/2"), redirect("/3")});
  Client client;
  HttpRequest request;
  request.url = server.url();
  request.max_redirects = 2;
  const HttpResponse response = client.send(request);
  CHECK(response.transport_error == "more than 2 redirects");
  CHECK_FALSE(response.retryable);
  CHECK(server.requests().size() == 3);
  CHECK(client.body.empty());
}

TEST_CASE("http: without redirects one is a response like any other") {
  LoopbackServer server({redirect("/1")});
  Client client;
  HttpRequest request;
  request.url = server.url();
  request.max_redirects = 0;
  const HttpResponse response = client.send(request);
  CHECK(response.status == 302);
  CHECK(response.header("location") == "/1");
  CHECK(client.body == "gone elsewhere");
}

TEST_CASE("http: a redirect leads to no other scheme") {
  const auto target = GENERATE("file:///etc/hostname", "ftp://127.0.0.1/x", "gopher://h/", "http:");
  LoopbackServer server({redirect(target)});
  Client client;
  const HttpResponse response = client.get(server.url());
  CHECK_THAT(response.transport_error, ContainsSubstring("refused"));
  CHECK_FALSE(response.retryable);
  CHECK(client.body.empty());
}

TEST_CASE("http: only http and https are spoken") {
  Client client;
  const auto url = GENERATE("file:///etc/hostname", "ftp://127.0.0.1/x", "127.0.0.1/x", "http:///",
                            "scp://127.0.0.1/x", "");
  const HttpResponse response = client.get(url);
  CHECK(response.transport_error == "neither an http nor an https URL");
  CHECK_FALSE(response.retryable);
}

TEST_CASE("http: credentials stay with the host they were given for") {
  LoopbackServer other({reply(200, "1"), reply(200, "2")});
  LoopbackServer server({redirect("/here"), redirect(other.url())});
  Client client;
  HttpRequest request;
  request.url = "http://me:word@127.0.0.1:" + std::to_string(server.port()) + "/";
  request.headers = {{"Cookie", "c=1"}, {"X-Kept", "1"}};
  CHECK(client.send(request).status == 200);
  CHECK(server.header(0, "authorization") == "Basic bWU6d29yZA==");
  CHECK(server.header(1, "cookie") == "c=1");
  CHECK(other.header(0, "cookie").empty());
  CHECK(other.header(0, "authorization").empty());
  CHECK(other.header(0, "x-kept") == "1");
  server.add(redirect(other.url()));
  request.url = server.url();
  request.headers = {{"AUTHORIZATION", "AWS4 x"}, {"X-Amz-Security-Token", "t"}};
  CHECK(client.send(request).status == 200);
  CHECK(server.header(2, "authorization") == "AWS4 x");
  CHECK(other.header(1, "authorization").empty());
  CHECK(other.header(1, "x-amz-security-token").empty());
}

TEST_CASE("http: after 303 a POST becomes a GET, after 307 it stays") {
  LoopbackServer server({redirect("/1", 307), redirect("/2", 303), reply(200, "")});
  Client client;
  HttpRequest request;
  request.method = "POST";
  request.url = server.url();
  request.body = "data";
  CHECK(client.send(request).status == 200);
  CHECK(server.line(1) == "POST /1");
  CHECK_THAT(server.requests().at(1), ContainsSubstring("\r\n\r\ndata"));
  CHECK(server.line(2) == "GET /2");
  CHECK_THAT(server.requests().at(2), !ContainsSubstring("data"));
}

TEST_CASE("http: the deadline ends a request that hangs") {
  LoopbackServer server({cut_reply(200, "0123456789", 4, {}, Reply::Then::hold)});
  Client client;
  HttpRequest request;
  request.url = server.url();
  const auto begin = std::chrono::steady_clock::now();
  request.deadline = Deadline(begin + 2s);
  const HttpResponse response = client.send(request);
  CHECK(response.transport_error == "timed out");
  CHECK_FALSE(response.retryable);
  CHECK(client.body == "0123");
  CHECK(since(begin) < 20s);
}

TEST_CASE("http: a stop ends a request that hangs, from another thread") {
  LoopbackServer server({{"", Reply::Then::hold}});
  Client client;
  std::chrono::steady_clock::time_point stopped;
  std::thread stopper([&] {
    while (server.requests().empty()) std::this_thread::yield();
    stopped = std::chrono::steady_clock::now();
    client.stop.request_stop();
  });
  const HttpResponse response = client.get(server.url());
  const auto returned = std::chrono::steady_clock::now();
  stopper.join();
  CHECK(response.transport_error == "cancelled");
  CHECK(returned - stopped < 10s);
}

TEST_CASE("http: a server that stalls is given up") {
  LoopbackServer server({cut_reply(200, "0123456789", 4, {}, Reply::Then::hold)});
  Client client;
  HttpRequest request;
  request.url = server.url();
  request.stall_timeout = std::chrono::seconds(1);
  const HttpResponse response = client.send(request);
  CHECK_THAT(response.transport_error, ContainsSubstring("too slow"));
  CHECK(response.retryable);
}

TEST_CASE("http: the receiver may end the transfer, or throw") {
  LoopbackServer server({reply(200, "a"), reply(200, "b"), reply(200, "c"), reply(200, "d")});
  Client client;
  HttpRequest request;
  request.url = server.url();
  const HttpResponse response =
      client.http->send(request, [](std::string_view) { return false; }, {});
  CHECK(response.transport_error == "ended by the receiver");
  CHECK_FALSE(response.retryable);
  const OnBody full = [](std::string_view) -> bool { throw Error(Error::Kind::io, "disk full"); };
  CHECK_THROWS_WITH(client.http->send(request, full, {}), "disk full");
  CHECK(client.get(server.url()).status == 200);
  request.on_head = [](const HttpResponse&) -> bool { throw Error(Error::Kind::io, "no folder"); };
  CHECK_THROWS_WITH(client.send(request), "no folder");
}

TEST_CASE("http: proxies are those of the environment") {
  LoopbackServer proxy({reply(200, "by proxy")});
  const std::string before = std::getenv("http_proxy") ? std::getenv("http_proxy") : "";
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  Client client;
  const HttpResponse response = client.get("http://host.invalid/x");
  if (before.empty()) {
    ::unsetenv("http_proxy");
  } else {
    ::setenv("http_proxy", before.c_str(), 1);
  }
  CHECK(response.status == 200);
  CHECK(proxy.line(0) == "GET http://host.invalid/x");
}

TEST_CASE("url_for_display leaves out user, query and fragment") {
  CHECK(url_for_display("https://me:word@host:8443/a/b.tgz?X-Amz-Signature=1#part") ==
        "https://host:8443/a/b.tgz");
  CHECK(url_for_display("http://host") == "http://host");
  CHECK(url_for_display("http://host?token=1") == "http://host");
  CHECK(url_for_display("http://host/a@b/c") == "http://host/a@b/c");
  CHECK(url_for_display("http://a@b@host/") == "http://host/");
  CHECK(url_for_display("http://host/?u=http://me:word@x/") == "http://host/");
  CHECK(url_for_display("me:word@host/x") == "host/x");
  CHECK(url_for_display("") == "");
}
