#include "model/behavior.h"

#include <algorithm>

namespace mien::model {

void Behavior::resize(std::size_t count) {
  std::size_t known = series.size();
  series.resize(count);
  past.resize(count);
  // Coins differ, so that neighbours do not round alike.
  for (std::size_t i = known; i < count; ++i) series[i].coin = static_cast<std::uint32_t>(i) * 2654435769U + 1;
}

void summarise(Baseline& baseline, Past& past) {
  constexpr double season_speaks = 86400;  // seconds of its own past that an expert on the season needs
  double block = std::max(10.0, static_cast<double>(baseline.interval));
  for (std::size_t i = 0; i < expert_count; ++i) {
    std::uint8_t mark = past.tails[i].summarise();
    bool young = is_seasonal(static_cast<Expert>(i)) && past.tails[i].values() * block < season_speaks;
    baseline.marks[i] = young || mark == stats::SmallTail::never ? 255 : static_cast<std::uint8_t>(mark + 1);
  }
  baseline.unsummarised = 0;
}

Readiness readiness_of(const Behavior& behavior) {
  Readiness counts;
  for (const Baseline& baseline : behavior.series) {
    bool known = baseline.anchor.n > 0;
    bool ready = known && baseline.ready();
    bool apart = baseline.recent > apart_from_anchor || baseline.recent < -apart_from_anchor;
    counts.known += known ? 1 : 0;
    counts.ready += ready ? 1 : 0;
    counts.apart += ready && apart ? 1 : 0;
  }
  return counts;
}

LearningState learning_state(const Behavior& behavior, const Readiness& of_it, WallTime now) {
  bool combined = of_it.known <= 1 || behavior.combined.speaks();
  if (of_it.ready == 0 || 2 * of_it.ready < of_it.known || !combined) return LearningState::learning;
  double patience = std::max(600.0, 10 * behavior.interval);
  if (to_seconds(now - behavior.last) > patience) return LearningState::stale;
  if (behavior.health < 0.5 || 2 * of_it.apart > of_it.ready) return LearningState::suspect;
  return LearningState::ready;
}

LearningState learning_state(const Behavior& behavior, WallTime now) {
  return learning_state(behavior, readiness_of(behavior), now);
}

}  // namespace mien::model
