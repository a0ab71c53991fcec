// What measure() and measure_four() share: the numbers behind the experts' statistics. Private to drift.
#pragma once

#include <cstdint>

#include "model/behavior.h"

namespace mien::drift {

constexpr float far = 16;               // scales from the level at which one sample stops counting for more
constexpr double gap_in_intervals = 5;  // a longer step is a gap: what is fast starts anew
constexpr float forecast_gain = 0.02F;
constexpr float least_power = 0.1F;     // of what the predictor looks at
constexpr double largest_value = 1e30;  // larger ones are judged as this, so that nothing overflows
constexpr double largest_z = 1e6;
constexpr float silent = -1;               // the expert has nothing to say: neither judged nor learned
constexpr double next_to_nothing = 0.003;  // of the level: falling below counts for no more
constexpr float calm_jump = 0.7F;          // of the usual jump: smaller ones are calm
constexpr float always_changes = 0.95F;    // only of such a series is a calm stretch told from its steps
constexpr float calm_unit = 100;           // samples
constexpr std::uint32_t longest_run = 65'535;
constexpr float past_steps = 8192;
constexpr float level_rate = 1.0F / 8;
constexpr float volatility_rate = 1.0F / 32;
constexpr float ramp_blocks = 64;
constexpr float left_surprise = 2;  // out of the ordinary: the series has left
// Of the groups' length: healthy rows reach the alarm level as often as one expert's do.
constexpr float combined_share = 0.97F;

// The hour's level and spread: as learn keeps them at hand, else from the season itself.
struct Hour {
  bool known = false;
  double level = 0;
  float spread = 0;
};

[[nodiscard]] inline Hour hour_of(const model::Baseline& baseline, const model::Past& past, std::int32_t hour) {
  if (baseline.hour == hour && baseline.hour_weight > 0)
    return {.known = baseline.season_known, .level = baseline.season_level, .spread = baseline.season_spread};
  int cell = past.season.known(model::season_cell_of(hour));
  if (cell < 0) return {};
  auto known = static_cast<std::size_t>(cell);
  return {.known = true, .level = past.season.level_at(hour), .spread = past.season.spread(known)};
}

}  // namespace mien::drift
