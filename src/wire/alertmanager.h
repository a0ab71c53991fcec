// What Alertmanager's webhook sends (version 4 of its message): alerts that somebody else's rules raised about
// instances that Mien watches too.
//
// Errors: invalid (no JSON, no `alerts`). An alert that names no instance or has no name is refused and counted. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/telemetry.h"
#include "wire/prometheus.h"

namespace mien::wire {

struct ExternalAlert {
  InstanceName instance;
  std::string name;      // label alertname
  std::string severity;  // label severity; may be empty
  std::string summary;   // annotation summary, else description; at most 512 bytes
  std::string fingerprint;
  bool firing = true;
  WallTime since;
  friend bool operator==(const ExternalAlert&, const ExternalAlert&) = default;
};

struct IngestedAlerts {
  std::vector<ExternalAlert> alerts;
  std::uint64_t refused = 0;
  std::string why;
};

inline constexpr std::size_t most_alerts = 1'000;  // of a message; Alertmanager's max_alerts bounds them too

[[nodiscard]] Result<IngestedAlerts> decode_alerts(std::string_view body, const PrometheusRules& rules,
                                                   WallTime arrived);

// As a series of each instance: alert.firing{alertname=...}, 1 or 0.
[[nodiscard]] model::Delivery series_of(const std::vector<ExternalAlert>& alerts, WallTime arrived);

}  // namespace mien::wire
