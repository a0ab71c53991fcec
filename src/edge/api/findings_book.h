// How many findings each instance opened lately: what /metrics holds against the promised false alarms. Filled from the
// ledger at the start and from notices after, so that a restart forgives nothing. From any thread; bounded per
// instance.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "base/time.h"
#include "edge/mutex.h"
#include "model/finding.h"
#include "store/ledger.h"

namespace mien::edge::api {

class FindingsBook {
 public:
  static constexpr Duration week = std::chrono::hours{7 * 24};
  static constexpr std::size_t most_kept = 256;          // of an instance; the oldest go
  static constexpr std::size_t most_instances = 20'000;  // gone ones included

  // Counts each finding once. What is declared (limits, configuration), says that nothing comes (silence) or is of old
  // evidence is no alarm of the judgement's and is left out.
  void take(const model::Finding& finding);
  // Errors: those of the ledger; what was read until then is kept.
  Status load(store::Ledger& ledger, WallTime since);
  [[nodiscard]] std::map<InstanceName, std::size_t> opened_since(WallTime since) const;

 private:
  mutable Mutex mutex_;
  std::map<InstanceName, std::set<std::pair<WallTime, FindingId>>> opened_ GUARDED_BY(mutex_);
};

}  // namespace mien::edge::api
