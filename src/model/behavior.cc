#include "model/behavior.h"

#include <algorithm>

namespace mien::model {

LearningState learning_state(const Behavior& behavior, WallTime now) {
  std::size_t known = 0;
  std::size_t ready = 0;
  std::size_t apart = 0;
  for (const Baseline& baseline : behavior.series) {
    if (baseline.anchor.n == 0) continue;
    ++known;
    if (!baseline.ready()) continue;
    ++ready;
    if (baseline.recent > apart_from_anchor || baseline.recent < -apart_from_anchor) ++apart;
  }
  bool combined = known <= 1 || behavior.combined.speaks();
  if (ready == 0 || 2 * ready < known || !combined) return LearningState::learning;
  double patience = std::max(600.0, 10 * behavior.interval);
  if (to_seconds(now - behavior.last) > patience) return LearningState::stale;
  if (behavior.health < 0.5 || 2 * apart > ready) return LearningState::suspect;
  return LearningState::ready;
}

}  // namespace mien::model
