// One sample of one series against its baseline: the experts' statistics, their surprise, and what learn needs of it.
// DETECTION section 1 and 2. Cost: about 200 ns, no allocation.
#pragma once

#include "drift/watch_state.h"
#include "model/behavior.h"

namespace mien::drift {

constexpr double shortest_block = 10;  // seconds
[[nodiscard]] constexpr double block_seconds(double interval) {
  return interval > shortest_block ? interval : shortest_block;
}

// Follows the median of the steps between samples: each step pulls by at most 5 %.
void follow_interval(double& interval, double step);

struct Sample {
  double value = 0;  // finite
  WallTime at;
  bool gated = false;  // an episode is open, so nothing but the tails may learn
  bool alone = false;  // of the only series of its instance, whose score is the instance's
};

// Judges a sample, moves the series' fast state and fills `out`. Afterwards watch.group, watch.surprise, watch.z and
// watch.left_at tell the result. Returns, of a series that is alone, how odd the sample stands: as watch.surprise, and
// by what speaks for the score only (the excess, and built-in shapes while a tail is young); else 0.
double judge(const model::Baseline& baseline, SeriesWatch& watch, Habit& habit, const Sample& sample,
             model::SampleEvidence& out);

}  // namespace mien::drift
