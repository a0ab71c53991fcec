// What an exporter answers when it is scraped: Prometheus text 0.0.4 and OpenMetrics 1.0, read line by line.
//
// Errors: invalid, naming the line and what is wrong there; exhausted where a limit is reached. An answer is taken
// whole or not at all: half a scrape would look like a host that lost half of itself. Pure; cost: one pass.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/prometheus.h"

namespace mien::wire {

struct ExpositionLimits {
  std::size_t samples = 50'000;
  std::size_t labels = 64;              // of a sample
  std::size_t line_length = 1U << 16U;  // bytes
};

// One sample; what the labels point to lives until the next one.
struct ExposedSample {
  std::vector<Label> labels;  // with __name__
  MetricType type = MetricType::unknown;
  std::string_view unit;
  std::optional<std::int64_t> milliseconds;  // as the exporter says; mostly it does not
  double value = 0;
};

[[nodiscard]] Status read_exposition(std::string_view text, bool open_metrics, const ExpositionLimits& limits,
                                     const std::function<void(const ExposedSample&)>& take);

// By the header content-type of the answer.
[[nodiscard]] bool is_open_metrics(std::string_view content_type);

}  // namespace mien::wire
