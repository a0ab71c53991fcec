// What the doors for Prometheus share: remote-write, which is told, and the scraper, which asks.
#pragma once

#include "edge/mutex.h"
#include "wire/prometheus.h"

namespace mien::edge {

struct PrometheusDoor {
  Mutex mutex;
  wire::PrometheusMemory memory GUARDED_BY(mutex);
  wire::PrometheusCounts counts GUARDED_BY(mutex);
  std::uint64_t scrapes_answered GUARDED_BY(mutex) = 0;
  std::uint64_t scrapes_failed GUARDED_BY(mutex) = 0;
};

}  // namespace mien::edge
