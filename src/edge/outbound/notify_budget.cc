#include "edge/outbound/notify_budget.h"

#include <algorithm>

namespace mien::edge {

bool NotifyBudget::tells(const model::Finding& finding, WallTime now) {
  if (!limit_) return true;
  Lock lock(mutex_);
  if (told_.contains(finding.id)) return true;
  if (finding.state == model::FindingState::resolved) return held_.erase(finding.id) == 0;
  auto lately = static_cast<std::size_t>(
      std::count_if(told_.begin(), told_.end(), [&](const auto& each) { return now - each.second < limit_->within; }));
  if (lately < limit_->findings || finding.severity == model::Severity::critical) {
    held_.erase(finding.id);
    // Ids begin with their time, so the first is the oldest.
    if (told_.size() >= most_remembered) told_.erase(told_.begin());
    told_.emplace(finding.id, now);
    return true;
  }
  if (held_.size() >= most_remembered) held_.erase(held_.begin());
  meters_->held_back += held_.insert(finding.id).second ? 1 : 0;
  return false;
}

}  // namespace mien::edge
