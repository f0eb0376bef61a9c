#include "runner/base/http_pool.hpp"

#include <atomic>
#include <thread>

#include "tests/support/catch.hpp"
#include "tests/support/scripted_http.hpp"

using namespace toehold;
using namespace toehold::test;
using namespace std::chrono_literals;

namespace {

HttpResponse get(HttpClient& client, Deadline deadline = {}, std::stop_token stop = {}) {
  HttpRequest request;
  request.url = "http://here/";
  request.deadline = deadline;
  return client.send(
      request, [](std::string_view) { return true; }, stop);
}

}  // namespace

TEST_CASE("requests share a connection one after the other") {
  ScriptedHttp http;
  int made = 0;
  HttpPool pool([&] { return ++made, http.make(); }, 4, 2);
  for (int i = 0; i < 3; ++i) http.add(200);
  const auto one = pool.client(), other = pool.client();
  CHECK(made == 0);
  CHECK(get(*one).status == 200);
  CHECK(get(*other).status == 200);
  CHECK(get(*one).status == 200);
  CHECK(made == 1);
}

TEST_CASE("no more are at work than there may be, and nobody waits beyond a deadline or a stop") {
  ScriptedHttp http;
  http.add(200);
  HttpPool pool([&] { return http.make(); }, 1, 1);
  std::atomic<bool> holds{true}, is_held{false};
  http.on_send([&](const HttpRequest&) {
    is_held = true;
    holds.wait(true);
  });
  std::jthread first([&] { get(*pool.client()); });
  while (!is_held) std::this_thread::yield();
  const auto late = get(*pool.client(), Deadline(std::chrono::steady_clock::now() + 1ms));
  CHECK(late.status == 0);
  CHECK(late.transport_error == "timed out");
  std::stop_source stop;
  stop.request_stop();
  CHECK(get(*pool.client(), {}, stop.get_token()).transport_error == "cancelled");
  holds = false;
  holds.notify_all();
  first.join();
  http.on_send({});
  http.add(201);
  CHECK(get(*pool.client()).status == 201);
}

TEST_CASE("a request that throws gives its connection back") {
  ScriptedHttp http;
  HttpPool pool([&] { return http.make(); }, 1, 1);
  CHECK_THROWS_AS(get(*pool.client()), std::logic_error);  // there is no reply
  http.add(200);
  CHECK(get(*pool.client(), Deadline(std::chrono::steady_clock::now() + 10s)).status == 200);
}

TEST_CASE("uploads leave connections for everything else") {
  ScriptedHttp http;
  for (int i = 0; i < 3; ++i) http.add(200);
  HttpPool pool([&] { return http.make(); }, 4, 4);
  std::atomic<bool> holds{true}, is_held{false};
  http.on_send([&](const HttpRequest& request) {
    if (!request.upload.read) return;
    is_held = true;
    holds.wait(true);
  });
  HttpRequest upload;
  upload.url = "http://here/";
  upload.upload.read = [](std::uint64_t, char*, std::size_t) { return std::size_t(0); };
  const auto ignore = [](std::string_view) { return true; };
  std::jthread first([&] { pool.client()->send(upload, ignore, {}); });
  while (!is_held) std::this_thread::yield();
  HttpRequest second = upload;
  second.deadline = Deadline(std::chrono::steady_clock::now() + 1ms);
  CHECK(pool.client()->send(second, ignore, {}).transport_error == "timed out");
  CHECK(get(*pool.client()).status == 200);
  holds = false;
  holds.notify_all();
}
