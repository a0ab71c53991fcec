// The seam to telemetry history: blocks of one instance and (about) two minutes, compressed, and minutes kept longer.
// Lost blocks cost resolution of the past, never of a decision: history is written after the ledger and may lag it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/quantity.h"
#include "base/result.h"
#include "base/time.h"
#include "model/telemetry.h"
#include "store/log.h"

namespace mien::store {

// What one instance did in one window. Writing the same (instance, first time) again replaces it: replay writes nothing
// twice.
struct HistoryBlock {
  InstanceName instance;
  std::vector<model::Series> series;  // one per column of batch; counters are already rates per second
  model::Batch batch;                 // batch.series is ignored: column i is series[i]
};

// One minute (or one raw sample: then min = max = mean and count = 1) of one series.
struct HistoryPoint {
  WallTime at;
  double min = 0;
  double max = 0;
  double mean = 0;
  std::uint32_t count = 0;
};

struct HistorySeries {
  model::Series series;
  std::vector<HistoryPoint> points;
};

struct HistoryQuery {
  InstanceName instance;
  std::string metric;             // empty: every metric
  WallTime from;                  // inclusive
  WallTime to;                    // exclusive
  std::size_t max_points = 3600;  // per series; a longer range is answered in minutes
};

// The security facts that one frame brought of one instance. Writing the same (instance, position, part) again replaces
// it.
struct FactBlock {
  InstanceName instance;
  LogPosition position = 0;  // of the frame in the log
  std::uint64_t part = 0;    // which instance of the frame
  std::vector<model::SecurityFact> facts;
};

struct FactQuery {
  InstanceName instance;
  std::optional<model::FactKind> kind;  // nothing: every kind
  WallTime from;                        // inclusive
  WallTime to;                          // exclusive
  std::string after;                    // the key of the last one of the page before; empty: from the newest on
  std::size_t limit = 500;
};

struct StoredFact {
  std::string key;  // ascending keys are descending times
  model::SecurityFact fact;
};
[[nodiscard]] std::string key_of(WallTime at, LogPosition position, std::uint64_t part, std::size_t index);

struct HistoryUse {
  std::uint64_t blocks = 0;
  std::uint64_t samples = 0;
  Bytes bytes;
  WallTime oldest;
};

class History {
 public:
  virtual ~History() = default;
  virtual Status append(const std::vector<HistoryBlock>& blocks) = 0;
  virtual Result<std::vector<HistorySeries>> read(const HistoryQuery& query) = 0;
  virtual Status append_facts(const std::vector<FactBlock>& blocks) = 0;
  // Newest first, at most query.limit.
  virtual Result<std::vector<StoredFact>> read_facts(const FactQuery& query) = 0;
  // Deletes what is older than its retention, then oldest 1 s blocks, then oldest minutes and facts, until it fits in
  // `limit` (the log and the ledger are not counted) and a tenth of the disk is free. Call about once a minute.
  virtual Status retain(WallTime now, Bytes limit) = 0;
  virtual Result<HistoryUse> use() = 0;
};

}  // namespace mien::store
