#include "runner/base/http_pool.hpp"

namespace toehold {

class PooledHttpClient final : public HttpClient {
 public:
  explicit PooledHttpClient(HttpPool& pool) : pool_(pool) {}

  HttpResponse send(const HttpRequest& request, const OnBody& on_body,
                    std::stop_token stop) override {
    const Lent lent(pool_, request, stop);
    if (lent.client) return lent.client->send(request, on_body, std::move(stop));
    HttpResponse response;
    response.effective_url = request.url;
    response.transport_error = stop.stop_requested() ? "cancelled" : "timed out";
    return response;
  }

 private:
  struct Lent {
    Lent(HttpPool& its_pool, const HttpRequest& request, const std::stop_token& stop)
        : pool(its_pool),
          uploads(request.upload.read != nullptr),
          client(its_pool.borrow(uploads, request.deadline, stop)) {}
    ~Lent() {
      if (client) pool.give_back(uploads, std::move(client));
    }
    HttpPool& pool;
    const bool uploads;
    mutable std::unique_ptr<HttpClient> client;
  };

  HttpPool& pool_;
};

HttpPool::HttpPool(Make make, std::size_t most, std::size_t kept)
    : make_(std::move(make)), most_(most), kept_(kept) {}

std::unique_ptr<HttpClient> HttpPool::client() {
  return std::make_unique<PooledHttpClient>(*this);
}

std::unique_ptr<HttpClient> HttpPool::borrow(bool uploads, const Deadline& deadline,
                                             const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto is_free = [&] { return at_work_ < most_ && (!uploads || uploads_ * 4 < most_); };
  const bool came = deadline.never() ? free_.wait(lock, stop, is_free)
                                     : free_.wait_until(lock, stop, *deadline.at(), is_free);
  if (!came) return nullptr;
  std::unique_ptr<HttpClient> client;
  if (!idle_.empty()) {
    client = std::move(idle_.back());
    idle_.pop_back();
  } else {
    client = make_();
  }
  ++at_work_;
  if (uploads) ++uploads_;
  return client;
}

void HttpPool::give_back(bool uploads, std::unique_ptr<HttpClient> client) {
  {
    const std::lock_guard lock(mutex_);
    --at_work_;
    if (uploads) --uploads_;
    if (idle_.size() < kept_) idle_.push_back(std::move(client));
  }
  free_.notify_all();  // they wait for different things
}

}  // namespace toehold
