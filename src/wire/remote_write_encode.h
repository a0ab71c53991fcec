// Samples into the body of a Prometheus remote-write 1.0 request (not folded yet), and our series into Prometheus'
// names. Pure; cost linear in what is written.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/quantity.h"
#include "model/telemetry.h"

namespace mien::wire {

struct WrittenSample {
  std::int64_t milliseconds = 0;
  double value = 0;
};

struct WrittenSeries {
  std::vector<std::pair<std::string, std::string>> labels;  // in any order; of equal names the first wins
  std::vector<WrittenSample> samples;
};

[[nodiscard]] std::string encode_remote_write(const std::vector<WrittenSeries>& series);

// system.cpu.utilization of web-01 -> {__name__="system_cpu_utilization_ratio", instance="web-01", job="mien"}: points
// become underscores, the unit is added to the name, attributes become labels.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> prometheus_labels(const model::Series& series,
                                                                                 const InstanceName& instance);

}  // namespace mien::wire
