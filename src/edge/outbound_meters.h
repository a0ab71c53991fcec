// What became of what left, by destination: written by the doors out (edge/outbound), shown by /metrics. From any
// thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "edge/mutex.h"

namespace mien::edge {

struct OutboundMeter {
  std::string kind;  // "alertmanager", "webhook", "remote_write"
  std::string name;  // as the settings name it
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint64_t> failed{0};   // attempts that will be made again
  std::atomic<std::uint64_t> refused{0};  // given up: the other side said no, or it became too old
  std::atomic<std::uint64_t> shed{0};     // given up: there was no room to keep it
  std::atomic<std::uint64_t> waiting{0};
  std::atomic<std::int64_t> delivered_at_ns{0};
};

class OutboundMeters {
 public:
  std::atomic<std::uint64_t> held_back{0};  // findings that the fleet's budget kept from people

  std::shared_ptr<OutboundMeter> add(std::string kind, std::string name) {
    auto meter = std::make_shared<OutboundMeter>();
    meter->kind = std::move(kind);
    meter->name = std::move(name);
    Lock lock(mutex_);
    all_.push_back(meter);
    return meter;
  }
  [[nodiscard]] std::vector<std::shared_ptr<const OutboundMeter>> all() const {
    Lock lock(mutex_);
    return {all_.begin(), all_.end()};
  }

 private:
  mutable Mutex mutex_;
  std::vector<std::shared_ptr<OutboundMeter>> all_ GUARDED_BY(mutex_);
};

}  // namespace mien::edge
