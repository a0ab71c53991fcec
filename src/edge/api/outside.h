// What others say about instances and Mien only passes on: the newest log records of each, and alerts that somebody
// else's rules raised. In memory: a manager that starts anew has none until they are told again. What is judged and
// kept of them are the series made of them (wire/otlp_logs.h, wire/alertmanager.h).
//
// Threads: any. Bounded: wire::log_limits; most_firing alerts.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "edge/mutex.h"
#include "wire/alertmanager.h"
#include "wire/otlp_logs.h"

namespace mien::edge::api {

class OutsideBoard {
 public:
  static constexpr std::size_t most_firing = 10'000;

  struct Counts {
    std::uint64_t log_records = 0;
    std::uint64_t log_records_refused = 0;
    std::uint64_t alerts = 0;
    std::uint64_t alerts_refused = 0;
  };

  void take(const wire::IngestedLogs& logs);
  void take(const wire::IngestedAlerts& alerts);
  [[nodiscard]] std::vector<wire::LogRecord> logs(const InstanceName& instance) const;
  // Firing ones only, by name.
  [[nodiscard]] std::vector<wire::ExternalAlert> alerts(const InstanceName& instance) const;
  [[nodiscard]] Counts counts() const;

 private:
  mutable Mutex mutex_;
  std::map<InstanceName, std::deque<wire::LogRecord>> logs_ GUARDED_BY(mutex_);
  std::map<InstanceName, std::map<std::string, wire::ExternalAlert>> firing_ GUARDED_BY(mutex_);
  std::size_t firing_count_ GUARDED_BY(mutex_) = 0;
  Counts counts_ GUARDED_BY(mutex_);
};

}  // namespace mien::edge::api
