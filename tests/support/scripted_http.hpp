// An HttpClient for tests: gives the replies of a script, one a request, and keeps the requests.
// Clients made by make() share the script, as those of one session do. Opens no connection.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runner/base/http.hpp"
#include "runner/base/text.hpp"

namespace toehold::test {

class ScriptedHttp final : public HttpClient {
 public:
  struct Play {
    HttpResponse response;  // names of headers in lower case
    std::string body;
  };

  /// One reply a request, in order.
  void add(long status, std::string body = {}, HttpHeaders headers = {}) {
    Play play;
    play.response.status = status;
    play.response.headers = std::move(headers);
    play.body = std::move(body);
    state_->plays.push_back(std::move(play));
  }
  /// No whole response; `may_pass`: trying again might help.
  void add_drop(std::string error = "connection reset", bool may_pass = true, long status = 0) {
    add(status);
    state_->plays.back().response.transport_error = std::move(error);
    state_->plays.back().response.retryable = may_pass;
  }
  /// Called with every request before its reply is taken.
  void on_send(std::function<void(const HttpRequest&)> call) { state_->on_send = std::move(call); }

  const std::vector<HttpRequest>& requests() const { return state_->requests; }
  std::size_t left() const { return state_->plays.size(); }
  /// "GET https://host/path" of a request.
  std::string line(std::size_t number) const {
    const HttpRequest& request = state_->requests.at(number);
    return request.method + " " + request.url;
  }
  /// Of a request, empty when it is not there.
  std::string header(std::size_t number, const std::string& name) const {
    for (const auto& [key, value] : state_->requests.at(number).headers) {
      if (equals_ignoring_case(key, name)) return value;
    }
    return {};
  }

  std::unique_ptr<HttpClient> make() const { return std::make_unique<ScriptedHttp>(*this); }
  std::function<std::unique_ptr<HttpClient>()> maker() const {
    return [copy = *this] { return copy.make(); };
  }

  HttpResponse send(const HttpRequest& request, const OnBody& on_body, std::stop_token) override {
    state_->requests.push_back(request);
    state_->requests.back().on_head = nullptr;  // refers to what the caller has on its stack
    if (state_->on_send) state_->on_send(request);
    if (state_->plays.empty())
      throw std::logic_error("no reply for " + line(requests().size() - 1));
    Play play = std::move(state_->plays.front());
    state_->plays.pop_front();
    HttpResponse& response = play.response;
    response.effective_url = request.url;
    if (response.status == 0) return response;
    if (request.on_head && !request.on_head(response)) return response;
    if (request.method != "HEAD" && !play.body.empty() && !on_body(play.body)) {
      response.transport_error = "ended by the receiver";
    }
    return response;
  }

 private:
  struct State {
    std::deque<Play> plays;
    std::vector<HttpRequest> requests;
    std::function<void(const HttpRequest&)> on_send;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace toehold::test
