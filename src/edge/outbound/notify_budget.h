// How many findings people are told of in a stretch of time: the fleet's budget, `notify: {fleet: 5/day}`. A thousand
// instances that each keep their promise of one false alarm a week are still 143 a day; what people can look at is
// fewer.
//
// Who was told of a finding is told of its end. What is held back is counted, stays in `mien findings`, `/events` and
// `/metrics`, and is told later where it is still open when the budget has room. Critical findings are always told, and
// use the budget too. Nothing is stored: a restart begins the stretch anew. Thread-safe; one for all doors out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/time.h"
#include "edge/mutex.h"
#include "edge/outbound_meters.h"
#include "model/finding.h"

namespace mien::edge {

struct NotifyLimit {
  std::size_t findings = 0;
  Duration within{};
  friend bool operator==(const NotifyLimit&, const NotifyLimit&) = default;
};

class NotifyBudget {
 public:
  static constexpr std::size_t most_remembered = 100'000;  // findings; then the oldest are forgotten

  // No limit: everything is told. `meters` counts the findings that were held back, told later or not.
  NotifyBudget(std::optional<NotifyLimit> limit, std::shared_ptr<OutboundMeters> meters)
      : limit_(limit), meters_(std::move(meters)) {}

  // Whether people are told of it; asked again, the answer to what was told stays yes. The end is told of all but what
  // was held back.
  [[nodiscard]] bool tells(const model::Finding& finding, WallTime now);

 private:
  std::optional<NotifyLimit> limit_;
  std::shared_ptr<OutboundMeters> meters_;
  Mutex mutex_;
  std::map<FindingId, WallTime> told_ GUARDED_BY(mutex_);  // when
  std::set<FindingId> held_ GUARDED_BY(mutex_);
};

}  // namespace mien::edge
