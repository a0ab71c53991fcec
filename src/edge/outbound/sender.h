// The thread that empties one outbox into one destination, in order: what is not taken is tried again with back-off and
// jitter, as early as Retry-After allows; what is refused, or older than `expires`, is dropped and counted.
//
// Ownership: outbox and destination must outlive it. The destructor breaks off what is under way; it stays in the
// outbox.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "edge/mutex.h"
#include "edge/outbound/destination.h"
#include "edge/outbound/outbox.h"
#include "edge/outbound_meters.h"

namespace mien::edge {

struct SenderOptions {
  Outbox* outbox = nullptr;
  Destination* destination = nullptr;
  // The headers of one attempt. Errors: it is tried again later, like everything that may be mended.
  std::function<Result<std::map<std::string, std::string>>(const Letter&, WallTime)> headers;
  Backoff backoff{};
  Duration expires = std::chrono::hours{24};
  std::shared_ptr<OutboundMeter> meter;
  std::function<WallTime()> now;
  std::function<void(std::string_view)> report;  // a line when it begins to fail, and when it is well again
};

class Sender {
 public:
  explicit Sender(SenderOptions options);
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  // Something was put into the outbox.
  void nudge();

 private:
  void run();
  void settle(const Outbox::Numbered& one, Told told);
  [[nodiscard]] Told attempt(const Letter& letter);
  void count();

  SenderOptions options_;
  Prng chance_;
  std::uint32_t failures_ = 0;
  MonoTime not_before_;
  Mutex mutex_;
  Condition wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool nudged_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mien::edge
