// Who follows /events: streams of CloudEvents 1.0 over server-sent events, resumable by Last-Event-ID.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "edge/api/service.h"
#include "edge/mutex.h"

namespace mien::edge::api {

constexpr std::size_t most_streams = 256;
constexpr Duration keep_alive = 15s;

// One event as it is sent: "id: 12\nevent: finding.opened\ndata: {...}\n\n".
[[nodiscard]] std::string event_text(std::uint64_t number, const node::Notice& notice, bool blanked = false);

// The CloudEvents 1.0 body alone, under a name of the caller's, as webhooks send it.
[[nodiscard]] std::string event_body(const std::string& id, const node::Notice& notice, bool blanked = false);

class EventHub {
 public:
  EventHub() = default;
  ~EventHub();
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;
  // Errors: exhausted, when too many follow already.
  Status follow(Service& service, const CallPtr& call, std::uint64_t after, const std::string& types);
  // Sends keep-alives and forgets streams whose peer is gone.
  void tick(WallTime now);
  // Ends every stream, and from then on begins none. Before the server stops.
  void close();
  [[nodiscard]] std::size_t open() const;

 private:
  struct Stream;
  void reap();
  mutable Mutex mutex_;
  std::vector<std::shared_ptr<Stream>> streams_ GUARDED_BY(mutex_);
  std::size_t opening_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace mien::edge::api
