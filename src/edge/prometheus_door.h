// What the doors share: remote-write, which is told, the scraper, which asks, and, of cardinality, OTLP too.
#pragma once

#include "edge/cardinality_board.h"
#include "edge/mutex.h"
#include "wire/prometheus.h"

namespace mien::edge {

struct PrometheusDoor {
  PrometheusDoor() { memory.remember_series(1); }
  CardinalityBoard cardinality;
  Mutex mutex;
  wire::PrometheusMemory memory GUARDED_BY(mutex);
  wire::PrometheusCounts counts GUARDED_BY(mutex);
  std::uint64_t scrapes_answered GUARDED_BY(mutex) = 0;
  std::uint64_t scrapes_failed GUARDED_BY(mutex) = 0;
};

}  // namespace mien::edge
