// HttpPool: a few connections for many threads. Each asks through an HttpClient of its own, which
// has a connection only while it is at work: one over TLS holds about a megabyte. Made by whoever
// runs many things at once; outlives its clients, and is safe for several threads.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "runner/base/http.hpp"

namespace toehold {

class HttpPool {
 public:
  using Make = std::function<std::unique_ptr<HttpClient>()>;
  /// At most `most` are at work at once, a quarter of them with uploads, which take long and must
  /// not hold up the rest; `kept` of them stay open for the next request.
  HttpPool(Make make, std::size_t most, std::size_t kept);

  /// One whose `send` waits for its turn, until the request's deadline or a stop. A callback of a
  /// request must not send another.
  std::unique_ptr<HttpClient> client();

 private:
  friend class PooledHttpClient;
  /// Null: the deadline has passed, or a stop came.
  std::unique_ptr<HttpClient> borrow(bool uploads, const Deadline& deadline,
                                     const std::stop_token& stop);
  void give_back(bool uploads, std::unique_ptr<HttpClient> client);

  const Make make_;
  const std::size_t most_;
  const std::size_t kept_;
  std::mutex mutex_;
  std::condition_variable_any free_;
  std::vector<std::unique_ptr<HttpClient>> idle_;
  std::size_t at_work_ = 0;
  std::size_t uploads_ = 0;  // of them
};

}  // namespace toehold
