// Episodes: how a surprise that lasts becomes one finding that opens, grows and closes. Private to drift.
//
// Severity, so that a person can check it (README):
//   learned  low; medium once it lasted a minute and 8 rows and is no spike; high once it lasted ten minutes and
//            stood 3 decades of probability above the alarm level.
//   declared medium; high once it lasted a minute.
//   limit    high.
#pragma once

#include <vector>

#include "drift/alarm.h"
#include "drift/watch_state.h"

namespace mien::drift {

// What the episodes of one row need to know.
struct Scene {
  const model::Behavior& behavior;
  const std::vector<model::Series>& series;
  Watch::State& state;
  WallTime now;
  std::vector<EpisodeChange>& changes;
};

// The learned episode: opens when the verdict fires, follows the surprise, closes when it stayed quiet.
void follow_learned(Scene& scene, const Verdict& verdict);
// The evidence against what is declared of a series, as it was before the row.
struct EvidenceBefore {
  double declared = 0;
  double limit = 0;
};
// The declared and limit episodes of one series, from its evidence.
void follow_declared(Scene& scene, std::uint32_t series, const EvidenceBefore& before);
void close_episode(Scene& scene, std::size_t index);
// Closes an episode as it was last reported, without looking at the world.
[[nodiscard]] EpisodeChange drop_episode(Watch::State& state, std::size_t index, WallTime now);

// Beside what was expected then; and as a person reads it.
void rank(const Scene& scene, const Blamed& blamed, Ranked& ranked);
void show(const Ranked& ranked, const model::Series& series, model::Deviation& shown);
[[nodiscard]] bool has_episode(const Watch::State& state, EpisodeSource source, std::uint32_t series);

}  // namespace mien::drift
