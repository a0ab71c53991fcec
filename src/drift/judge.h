// One sample of one series against its baseline: the experts' statistics, their surprise, and what learn needs of it.
// DETECTION section 1 and 2. Cost: 20 to 40 ns, no allocation.
//
// To add an expert: name it in model::Expert with its group, and set its statistic in take_statistics (judge.cc) and
// where lanes.cc does the same. Its tail, its mark, its place in the evidence and in stored formats follow from the
// count.
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
  std::int32_t hour = 0;  // of `at` (model::hour_of)
  bool gated = false;     // an episode is open, so nothing but the tails may learn
  bool alone = false;     // of the only series of its instance, whose score is the instance's
};

// What the experts see of one sample. No values to begin with here and in Taken: each assessment has a few dozen of
// them, all written before they are read.
struct Measured {
  std::array<float, stats::rung_slots> u;  // while warm: statistics; below 0 the expert is silent
  std::uint32_t asked;                     // bit per expert: the statistic reached its mark, the tail has to be asked
  bool warm;
  bool block_ends;
};

// A sample on its way through the three steps below, with all that they move.
struct Taken {
  const model::Baseline* baseline;
  const model::Past* past;
  Pattern* pattern;
  SeriesWatch* watch;
  model::SampleEvidence* out;
  std::uint32_t series;
  bool expected;  // declared as ordinary: what was learned does not speak against it
  Sample sample;
  Measured measured;
};

// A sample is judged in three steps, each for a few dozen series before the next, so that no step waits for what the
// one before it just wrote, and seldom-touched memory is on its way when the last one reads it.
//
// First: moves the series' fast state and takes the experts' statistics. Touches the baseline and the watch alone; the
// past only where the hour is new.
void measure(Taken& one);
// Second: which statistics have reached their mark; fetches what weigh() will read.
void ask(Taken& one);
// Third: asks the tails. Afterwards watch.group, watch.surprise, watch.z and watch.left_at tell the result, and `out`
// is complete.
void weigh(const Taken& one);
// The parts of weigh(): what one statistic that was asked about says, which `rare` and the groups take; and the end of
// a block, if it is one.
void ask_tail(const Taken& one, std::size_t expert, float& group, std::uint32_t& rare);
void end_block(const Taken& one);
constexpr std::uint32_t all_experts = (1U << model::expert_count) - 1;
[[nodiscard]] inline std::uint32_t rare_at_first(const Sample& sample) { return sample.gated ? all_experts : 0; }

// Of a series that is alone, after weigh(): how odd the sample stands, by what it showed and by what speaks for the
// score only (its magnitude, and built-in shapes while a tail is young).
double stand(const model::Past& past, const SeriesWatch& watch, const Measured& measured);

}  // namespace mien::drift
