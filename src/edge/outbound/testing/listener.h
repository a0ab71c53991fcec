// Somebody who is told things: a server on a free port that keeps what it was sent and answers what the test says.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/text.h"
#include "edge/http/http.h"

namespace mien::edge::testing {

class Listener {
 public:
  Listener() {
    HttpServerOptions options;
    options.port = 0;
    auto started = HttpServer::start(options, [this](HttpRequest request, std::shared_ptr<Responder> responder) {
      HttpResponse response;
      {
        std::lock_guard lock(mutex_);
        response = answer_ ? answer_(heard_.size()) : HttpResponse{};
        heard_.push_back(std::move(request));
      }
      changed_.notify_all();
      responder->respond(std::move(response));
    });
    EXPECT_TRUE(started.ok());
    server_ = std::move(*started);
  }
  ~Listener() { server_->stop(std::chrono::seconds{1}); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // What the n-th request (from 0) is answered.
  void answer(std::function<HttpResponse(std::size_t)> how) {
    std::lock_guard lock(mutex_);
    answer_ = std::move(how);
  }
  [[nodiscard]] std::string url() const { return cat("http://127.0.0.1:", server_->port()); }
  // The deadline only says "hung".
  std::vector<HttpRequest> await(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds{60}, [&] { return heard_.size() >= count; }));
    return heard_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<HttpRequest> heard_;
  std::function<HttpResponse(std::size_t)> answer_;
  std::unique_ptr<HttpServer> server_;
};

}  // namespace mien::edge::testing
