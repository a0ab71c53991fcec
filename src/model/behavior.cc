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
