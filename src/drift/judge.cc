#include "drift/judge.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "drift/ordinary.h"

namespace mien::drift {
namespace {

using model::Baseline;
using model::Expert;
using model::expert_count;
using model::SampleEvidence;
using stats::clip;
using stats::warm_rate;

constexpr double far = 16;              // scales from the level at which one sample stops counting for more
constexpr double gap_in_intervals = 5;  // a longer step is a gap: what is fast starts anew
constexpr double rare_surprise = 4;     // p < 1e-4: teaches the tails with weight 1/4
constexpr double left_surprise = 2;     // out of the ordinary: the series has left
constexpr double forecast_gain = 0.02;
constexpr double largest_value = 1e100;  // larger ones are judged as this, so that no sum overflows
constexpr float largest_statistic = 1e9F;
constexpr float silent = -1;             // the expert has nothing to say: neither judged nor learned
constexpr double season_speaks = 86400;  // seconds of its own past that an expert on the season needs
// Of the groups' length: healthy rows reach the alarm level as often as one expert's do.
constexpr double combined_share = 0.97;
// Large values weigh twice for the score: people ask about what is too much, seldom about what is too little.
constexpr double excess_weight = 2;

using Statistics = std::array<float, expert_count>;

float& at(Statistics& u, Expert expert) { return u[static_cast<std::size_t>(expert)]; }

// A monotone squash of z/2 close to asinh, without a logarithm.
double squash(double z) { return z / (1 + 0.25 * std::fabs(z)); }

double forecast_residual(SeriesWatch& watch, double z) {
  double y = squash(z);
  double predicted = 0;
  double power = 0.1;
  for (std::size_t i = 0; i < forecast_order; ++i) {
    predicted += watch.weights[i] * watch.past[i];
    power += watch.past[i] * watch.past[i];
  }
  double residual = y - predicted;
  double step = forecast_gain * clip(residual, 1.0) / power;
  for (std::size_t i = 0; i < forecast_order; ++i) watch.weights[i] += step * watch.past[i];
  for (std::size_t i = forecast_order - 1; i > 0; --i) watch.past[i] = watch.past[i - 1];
  watch.past[0] = y;
  return std::fabs(residual);
}

// Returns the seconds since the sample before it, 0 when there is none or a gap lies between.
double advance(SeriesWatch& watch, WallTime t) {
  if (std::isnan(watch.last)) return 0;
  double step = to_seconds(t - watch.last_at);
  if (step <= 0) return watch.interval;
  bool gap = watch.interval > 0 && step > gap_in_intervals * watch.interval;
  if (!gap) follow_interval(watch.interval, step);
  if (gap) {
    watch.n = 0;
    watch.run = 1;
    watch.past = {};
    return 0;
  }
  return step;
}

void season_statistics(const Baseline& baseline, SeriesWatch& watch, double x, std::size_t cell, Statistics& u) {
  at(u, Expert::off_season) = at(u, Expert::off_season_spread) = at(u, Expert::off_season_level) = silent;
  const model::SeasonCell* season = baseline.season_at(cell);
  if (season == nullptr || baseline.season_scale <= 0) return;
  double scale = std::max(baseline.season_scale, baseline.anchor.floor());
  double r = (x - static_cast<double>(season->level)) / scale;
  watch.season_level += warm_rate(watch.n, 1.0 / 8) * (clip(r, far) - watch.season_level);
  at(u, Expert::off_season) = static_cast<float>(std::fabs(r));
  at(u, Expert::off_season_spread) =
      static_cast<float>(std::fabs(r) / std::max(static_cast<double>(season->spread), 0.05));
  at(u, Expert::off_season_level) = static_cast<float>(4 * std::fabs(watch.season_level));
}

Statistics silence() {
  Statistics u;
  u.fill(silent);
  return u;
}

bool is_seasonal(Expert expert) {
  return expert == Expert::off_season || expert == Expert::off_season_spread || expert == Expert::off_season_level;
}

using Surprises = std::array<double, expert_count>;

// Sets the surprise of each group and of all together; returns that of each expert.
Surprises add_surprise(const Baseline& baseline, SeriesWatch& watch, const Statistics& u, bool gated) {
  double block = block_seconds(baseline.interval);
  watch.group = {};
  Surprises surprises{};
  double total = 0;
  for (std::size_t i = 0; i < expert_count; ++i) {
    float statistic = std::min(u[i], largest_statistic);
    auto expert = static_cast<Expert>(i);
    bool young = is_seasonal(expert) && baseline.tails[i].values() * block < season_speaks;
    double e = young ? 0 : baseline.tails[i].surprise(static_cast<double>(statistic));
    if (gated || e > rare_surprise) watch.block_rare = static_cast<std::uint16_t>(watch.block_rare | (1U << i));
    float& group = watch.group[static_cast<std::size_t>(group_of(expert))];
    group = std::max(group, static_cast<float>(e));
    watch.block_u[i] = std::max(watch.block_u[i], statistic);
    surprises[i] = e;
  }
  for (float group : watch.group) total += static_cast<double>(group) * static_cast<double>(group);
  watch.surprise = static_cast<float>(combined_share * std::sqrt(total));
  return surprises;
}

// Squared length of the groups, where experts whose past is too short go by what is ordinary elsewhere.
double squared_standing(const Baseline& baseline, const Statistics& u, const Surprises& surprises) {
  std::array<double, model::group_count> groups{};
  for (std::size_t i = 0; i < expert_count; ++i) {
    if (u[i] < 0) continue;
    double statistic = std::min(u[i], largest_statistic);
    double& group = groups[static_cast<std::size_t>(group_of(static_cast<Expert>(i)))];
    bool speaks = baseline.tails[i].speaks();
    group = std::max(group, speaks ? surprises[i] : ordinary_surprise(baseline.tails[i], i, statistic));
  }
  double squared = 0;
  for (double group : groups) squared += group * group;
  return squared;
}

// Surprise of a value far above the level. Learned here, as nothing but the score goes by it.
double exceed(Excess& excess, double z, bool gated, bool block_ends) {
  auto u = static_cast<float>(std::clamp(z, 0.0, static_cast<double>(largest_statistic)));
  excess.block = std::max(excess.block, u);
  double e = ordinary_surprise(excess.past, excess_statistic, static_cast<double>(u));
  excess.rare = excess.rare || gated || e > rare_surprise;
  if (block_ends) {
    excess.past.add(static_cast<double>(excess.block), excess.rare ? stats::Tail::quarter : stats::Tail::whole);
    excess.block = 0;
    excess.rare = false;
  }
  return excess_weight * e;
}

}  // namespace

void follow_interval(double& interval, double step) {
  if (interval <= 0) {
    interval = step;
  } else {
    interval = clip(step - interval, 0.05 * interval) + interval;
  }
}

double judge(const Baseline& baseline, SeriesWatch& watch, Habit& habit, const Sample& sample, SampleEvidence& out) {
  double x = clip(sample.value, largest_value);
  WallTime t = sample.at;
  bool gated = sample.gated;
  double step = advance(watch, t);
  bool follows = step > 0;
  double d = follows ? x - watch.smooth : 0;
  watch.smooth = follows ? watch.smooth + 0.8 * d : x;
  bool changed = follows && x != watch.last;
  watch.run = follows && !changed ? watch.run + 1 : 1;

  double interval = watch.interval > 0 ? watch.interval : baseline.interval;
  std::size_t cell = model::season_cell_of(t);
  Statistics u{};
  double residual = 0;
  if (baseline.anchor.n >= stats::RobustLocation::warm_up) {
    double floor = baseline.anchor.floor();
    double scale = baseline.anchor.safe_scale();
    double z = (x - baseline.anchor.location) / scale;
    double clipped = clip(z, 4);
    watch.z = static_cast<float>(clip(z, 1e6));
    double jump_scale = std::max({baseline.jump_scale, 0.01 * scale, floor});
    double jump = std::fabs(d) / jump_scale;
    double ramp_rate = interval > 0 ? interval / (64 * block_seconds(interval)) : 1.0 / 64;
    double wide = clip(z, far);
    watch.level += warm_rate(watch.n, 1.0 / 8) * (wide - watch.level);
    watch.ramp += warm_rate(watch.n, ramp_rate) * (wide - watch.ramp);
    watch.volatility += 1.0 / 32 * (std::min(jump, far) - watch.volatility);
    residual = forecast_residual(watch, clipped);
    season_statistics(baseline, watch, x, cell, u);
    at(u, Expert::low_outlier) = static_cast<float>(std::max(0.0, -z));
    at(u, Expert::jump) = static_cast<float>(jump);
    at(u, Expert::forecast) = static_cast<float>(residual / std::max(baseline.forecast_scale, 0.01));
    at(u, Expert::level) = static_cast<float>(4 * std::fabs(watch.level));
    at(u, Expert::ramp) = static_cast<float>(8 * std::fabs(watch.ramp));
    at(u, Expert::wide) = static_cast<float>(2 * watch.volatility);
    at(u, Expert::narrow) = static_cast<float>(2 / std::max(watch.volatility, 1e-3));
    at(u, Expert::frozen) = static_cast<float>(watch.run * baseline.change_rate);
  }
  ++watch.n;
  watch.last = x;
  watch.last_at = t;

  if (!watch.block_open) {
    watch.block_open = true;
    watch.block_started = t;
    watch.block_u.fill(silent);
    watch.block_rare = 0;
  }
  bool warm = baseline.anchor.n >= stats::RobustLocation::warm_up;
  Surprises surprises = add_surprise(baseline, watch, warm ? u : silence(), gated);
  out.flags =
      static_cast<std::uint8_t>(SampleEvidence::present | (gated ? 0 : SampleEvidence::teaches) |
                                (follows ? SampleEvidence::has_jump : 0) | (changed ? SampleEvidence::changed : 0));
  out.season_cell = static_cast<std::uint8_t>(cell);
  out.interval = static_cast<float>(interval);
  out.jump = d;
  out.forecast = residual;
  bool ends = warm && interval > 0 && to_seconds(t - watch.block_started) >= block_seconds(interval) - 1.5 * interval;
  if (ends) {
    out.flags |= SampleEvidence::block_end;
    out.u = watch.block_u;
    out.rare = watch.block_rare;
    watch.block_open = false;
    follow_pattern(habit.pattern, static_cast<double>(watch.z), gated);
  }
  double form = combined_share * static_cast<double>(habit.pattern.surprise);
  watch.surprise = static_cast<float>(
      std::sqrt(static_cast<double>(watch.surprise) * static_cast<double>(watch.surprise) + form * form));
  if (static_cast<double>(watch.surprise) < left_surprise) {
    watch.left_at = {};
  } else if (watch.left_at.ns == 0) {
    watch.left_at = t;
  }
  if (!warm || !sample.alone) return 0;
  double above = exceed(habit.excess, static_cast<double>(watch.z), gated, ends);
  double standing = squared_standing(baseline, u, surprises);
  return std::sqrt(combined_share * combined_share * (standing + above * above) + form * form);
}

}  // namespace mien::drift
