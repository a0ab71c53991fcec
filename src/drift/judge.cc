#include "drift/judge.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/math.h"
#include "drift/ordinary.h"
#include "drift/statistics.h"

namespace mien::drift {
namespace {

using model::Baseline;
using model::Expert;
using model::expert_count;
using model::Past;
using model::SampleEvidence;
using stats::clip;
using stats::warm_rate;

constexpr double rare_surprise = 4;  // p < 1e-4: teaches the tails with weight 1/4
constexpr float largest_statistic = 1e9F;
constexpr double decades_of_magnitude = 8;
constexpr double clear_jump = 3.5;  // decades

using Statistics = std::array<float, stats::rung_slots>;

float& at(Statistics& u, Expert expert) { return u[static_cast<std::size_t>(expert)]; }

float clip(float x, float limit) { return x > limit ? limit : (x < -limit ? -limit : x); }
float size_of(float x) { return std::fabs(x); }

// The weight of the next of `n` values under a rate.
float warm(std::uint32_t n, float rate) {
  float next = static_cast<float>(n) + 1;
  return next * rate < 1 ? 1 / next : rate;
}

// A monotone squash of z/2 close to asinh, without a logarithm.
float squash(float z) { return z / (1 + 0.25F * size_of(z)); }

// Four at a time; the sum in a fixed order.
using Four = float __attribute__((vector_size(16)));

Four load_past(const SeriesWatch& watch) {
  using FourSteps = std::int16_t __attribute__((vector_size(8)));
  FourSteps steps;
  std::memcpy(&steps, watch.past.data(), sizeof steps);
  return __builtin_convertvector(steps, Four) * (1 / past_steps);
}
float sum_of(Four x) { return (x[0] + x[2]) + (x[1] + x[3]); }

float forecast_residual(SeriesWatch& watch, float z) {
  float y = squash(z);
  Four past = load_past(watch);
  Four weights;
  std::memcpy(&weights, watch.weights.data(), sizeof weights);
  float residual = y - sum_of(weights * past);
  float power = least_power + sum_of(past * past);
  weights += past * (forecast_gain * clip(residual, 1.0F) / power);
  std::memcpy(watch.weights.data(), &weights, sizeof weights);
  std::uint64_t steps = 0;
  std::memcpy(&steps, watch.past.data(), sizeof steps);
  steps = steps << 16 | static_cast<std::uint16_t>(static_cast<std::int16_t>(y * past_steps));  // the newest in front
  std::memcpy(watch.past.data(), &steps, sizeof steps);
  return size_of(residual);
}

// Returns the seconds since the sample before it, 0 when there is none or a gap lies between.
double advance(SeriesWatch& watch, WallTime t) {
  if (std::isnan(watch.last)) return 0;
  double step = to_seconds(t - watch.last_at);
  double interval = watch.interval;
  if (step <= 0) return interval;
  if (watch.block_age >= 0) watch.block_age += static_cast<float>(step);
  if (interval > 0 && step > gap_in_intervals * interval) {
    watch.n = 0;
    watch.run = 1;
    watch.past = {};
    return 0;
  }
  follow_interval(interval, step);
  watch.interval = static_cast<float>(interval);
  return step;
}

void season_statistics(const Baseline& baseline, SeriesWatch& watch, double x, const Hour& hour, Statistics& u) {
  at(u, Expert::off_season) = at(u, Expert::off_season_spread) = at(u, Expert::off_season_level) = silent;
  if (!hour.known || baseline.season_scale <= 0) return;
  double scale = std::max(static_cast<double>(baseline.season_scale), baseline.anchor.floor());
  auto r = static_cast<float>((x - hour.level) / scale);
  watch.season_level += warm(watch.n, level_rate) * (clip(r, far) - watch.season_level);
  at(u, Expert::off_season) = size_of(r);
  at(u, Expert::off_season_spread) = size_of(r) / std::max(hour.spread, 0.05F);
  at(u, Expert::off_season_level) = 4 * size_of(watch.season_level);
}

// What the value is against the series' own level and scales.
struct Place {
  double x = 0;
  double away = 0;  // from the smoothed value
  float ramp_rate = 0;
};

// How low the value is: in deviations, and more for what falls to a small part of its level. Deviations alone miss the
// outage of a service whose requests vary by day.
float low_outlier(const Baseline& baseline, double x, float z) {
  if (z >= 0) return 0;
  double level = baseline.anchor.location;
  if (x < 0 || x >= level) return -z;
  return -z * static_cast<float>(std::sqrt(level / (x + next_to_nothing * level)));
}

// What stands still: the run of identical values, or a stretch without a jump of the usual size.
float stillness(const Baseline& baseline, const SeriesWatch& watch) {
  float frozen = static_cast<float>(watch.run) * baseline.change_rate;
  return baseline.change_rate < always_changes ? frozen : std::max(frozen, static_cast<float>(watch.calm) / calm_unit);
}

void count(std::uint16_t& length, bool goes_on, std::uint16_t begins) {
  if (!goes_on) length = begins;
  else if (length < longest_run) ++length;
}

// Every expert's statistic, and the means they rest on.
float take_statistics(const Baseline& baseline, SeriesWatch& watch, const Place& place, const Hour& hour,
                      Statistics& u) {
  double scale = baseline.anchor.safe_scale();
  auto z = static_cast<float>(clip((place.x - baseline.anchor.location) / scale, largest_z));
  watch.z = z;
  double jump_scale = std::max(static_cast<double>(baseline.jump_scale), 0.01 * scale);
  auto jump = static_cast<float>(std::fabs(place.away) / std::max(jump_scale, baseline.anchor.floor()));
  float wide = clip(z, far);
  watch.level += warm(watch.n, level_rate) * (wide - watch.level);
  watch.ramp += warm(watch.n, place.ramp_rate) * (wide - watch.ramp);
  watch.volatility += volatility_rate * (std::min(jump, far) - watch.volatility);
  float residual = forecast_residual(watch, clip(z, 4.0F));
  season_statistics(baseline, watch, place.x, hour, u);
  at(u, Expert::low_outlier) = low_outlier(baseline, place.x, z);
  at(u, Expert::jump) = jump;
  at(u, Expert::forecast) = residual / std::max(baseline.forecast_scale, 0.01F);
  at(u, Expert::level) = 4 * size_of(watch.level);
  at(u, Expert::ramp) = 8 * size_of(watch.ramp);
  at(u, Expert::wide) = 2 * watch.volatility;
  at(u, Expert::narrow) = 2 / std::max(watch.volatility, 1e-3F);
  count(watch.calm, jump < calm_jump, 0);
  at(u, Expert::frozen) = stillness(baseline, watch);
  return residual;
}

// How large a value is, whatever was seen before: people ask about what is too much, seldom about what is too little,
// and a second flood as high as the first is no smaller. In decades, ten for each decade of usual deviations.
double magnitude(const SeriesWatch& watch, float jump) {
  double size = std::max({0.0, static_cast<double>(watch.z), 0.5 * static_cast<double>(jump)});
  return decades_of_magnitude * math::log10(1 + size);
}

bool is_jump(Expert expert) { return expert == Expert::jump || expert == Expert::forecast; }

// `smooth` follows the value by 0.8: it still lies on the side the value came from.
void note_jump(SeriesWatch& watch, const Sample& sample) {
  auto seconds = static_cast<std::uint32_t>(sample.at.ns / 1'000'000'000);
  watch.jumped = seconds << 1 | (watch.last > watch.smooth ? 1U : 0U);
}

}  // namespace

void follow_interval(double& interval, double step) {
  if (interval <= 0) {
    interval = step;
  } else {
    interval = clip(step - interval, 0.05 * interval) + interval;
  }
}

void measure(Taken& one) {
  const Baseline& baseline = *one.baseline;
  SeriesWatch& watch = *one.watch;
  const Sample& sample = one.sample;
  Measured& measured = one.measured;
  SampleEvidence& out = *one.out;
  double x = clip(sample.value, largest_value);
  double step = advance(watch, sample.at);
  bool follows = step > 0;
  double d = follows ? x - watch.smooth : 0;
  watch.smooth = follows ? watch.smooth + 0.8 * d : x;
  bool changed = follows && x != watch.last;
  count(watch.run, follows && !changed, 1);
  if (watch.block_age < 0) {
    watch.block_age = 0;
    watch.rungs = {};
    watch.block_rare = 0;
  }
  float interval = watch.interval > 0 ? watch.interval : baseline.interval;
  auto block = static_cast<float>(block_seconds(static_cast<double>(interval)));
  measured.warm = baseline.anchor.n >= stats::RobustLocation::warm_up;
  measured.block_ends = measured.warm && interval > 0 && watch.block_age >= block - 1.5F * interval;
  measured.asked = 0;
  out.forecast = 0;
  if (measured.warm) {
    std::fill(measured.u.begin() + expert_count, measured.u.end(), 0.0F);
    Place place{.x = x, .away = d, .ramp_rate = interval > 0 ? interval / (ramp_blocks * block) : 1 / ramp_blocks};
    out.forecast = take_statistics(baseline, watch, place, hour_of(baseline, *one.past, sample.hour), measured.u);
  }
  ++watch.n;
  watch.last = x;
  watch.last_at = sample.at;
  out.flags =
      static_cast<std::uint8_t>(SampleEvidence::present | (sample.gated ? 0 : SampleEvidence::teaches) |
                                (follows ? SampleEvidence::has_jump : 0) | (changed ? SampleEvidence::changed : 0));
  out.interval = interval;
  out.jump = static_cast<float>(d);
}

void ask(Taken& one) {
  Measured& measured = one.measured;
  if (!measured.warm) return;
  model::Rungs rungs = stats::rungs_of(measured.u);
  stats::raise(one.watch->rungs, rungs);
  measured.asked = stats::reached(rungs, one.baseline->marks) & all_experts;
  for (std::uint32_t asked = measured.asked; asked != 0; asked &= asked - 1)
    __builtin_prefetch(&one.past->tails[static_cast<std::size_t>(std::countr_zero(asked))]);
  if (measured.block_ends) fetch_pattern(*one.pattern);
}

void ask_tail(const Taken& one, std::size_t expert, float& group, std::uint32_t& rare) {
  double e = one.past->tails[expert].surprise(std::min(one.measured.u[expert], largest_statistic));
  if (e > rare_surprise) rare |= 1U << expert;
  if (e > clear_jump && is_jump(static_cast<Expert>(expert))) note_jump(*one.watch, one.sample);
  group = std::max(group, static_cast<float>(e));
}

void end_block(const Taken& one) {
  if (!one.measured.block_ends) return;
  SeriesWatch& watch = *one.watch;
  one.out->flags |= SampleEvidence::block_end;
  one.out->rungs = watch.rungs;
  one.out->rare = watch.block_rare;
  watch.block_age = -1;
  watch.form = follow_pattern(*one.pattern, static_cast<double>(watch.z), one.sample.gated);
}

void weigh(const Taken& one) {
  SeriesWatch& watch = *one.watch;
  std::array<float, model::group_count> groups{};
  std::uint32_t rare = rare_at_first(one.sample);
  for (std::uint32_t asked = one.measured.asked; asked != 0; asked &= asked - 1) {
    auto i = static_cast<std::size_t>(std::countr_zero(asked));
    ask_tail(one, i, groups[static_cast<std::size_t>(group_of(static_cast<Expert>(i)))], rare);
  }
  watch.block_rare = static_cast<std::uint16_t>(watch.block_rare | rare);
  float squared = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    squared += groups[g] * groups[g];
    watch.group[g] = static_cast<std::uint8_t>(std::min(groups[g] * group_steps + 0.5F, 255.0F));
  }
  end_block(one);
  watch.surprise = combined_share * std::sqrt(squared + watch.form * watch.form);
  if (watch.surprise < left_surprise) {
    watch.left_at = {};
  } else if (watch.left_at.ns == 0) {
    watch.left_at = one.sample.at;
  }
}

double stand(const Past& past, const SeriesWatch& watch, const Measured& measured) {
  if (!measured.warm) return 0;
  // The groups, where experts whose past is too short go by what is ordinary elsewhere.
  std::array<double, model::group_count> groups{};
  for (std::size_t i = 0; i < expert_count; ++i) {
    if (measured.u[i] < 0) continue;
    double& group = groups[static_cast<std::size_t>(group_of(static_cast<Expert>(i)))];
    float u = std::min(measured.u[i], largest_statistic);
    double e = 0;
    if (!past.tails[i].speaks()) e = ordinary_surprise(past.tails[i].widen(), i, static_cast<double>(u));
    else if ((measured.asked >> i & 1U) != 0) e = past.tails[i].surprise(u);
    group = std::max(group, e);
  }
  double above = magnitude(watch, measured.u[static_cast<std::size_t>(Expert::jump)]);
  double squared = above * above + static_cast<double>(watch.form) * static_cast<double>(watch.form);
  for (double group : groups) squared += group * group;
  return static_cast<double>(combined_share) * std::sqrt(squared);
}

}  // namespace mien::drift
