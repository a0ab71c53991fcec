#include "learn/learn.h"

#include <algorithm>
#include <cmath>

namespace mien::learn {
namespace {

using model::Baseline;
using model::Behavior;
using model::SampleEvidence;
using stats::clip;
using stats::warm_rate;

constexpr double shortest_block = 10;  // seconds (drift/judge.h judges by the same blocks)
constexpr double anchor_blocks = 4000;
constexpr double anchor_least = 86400;     // seconds: the anchor remembers at least about a day
constexpr double recent_blocks = 360;      // an hour at 1 s
constexpr double hour_spread_rate = 0.03;  // a sample of five minutes
constexpr double season_least_rate = 0.1;  // a visit of an hour
constexpr std::uint8_t winsorised_after = 3;
constexpr std::uint32_t refresh_band = 32;  // blocks
constexpr std::uint64_t halve_sketch = 60'000;
constexpr double health_blocks = 360;

double block_seconds(double interval) { return interval > shortest_block ? interval : shortest_block; }

double anchor_rate(double interval) {
  double lasting = std::max(anchor_blocks * block_seconds(interval), anchor_least);
  return interval > 0 ? interval / lasting : 1 / anchor_blocks;
}

// Closes the hour that was summed: its mean moves the season's level once per visit, however many samples it had.
void close_hour(Baseline& baseline) {
  if (baseline.hour_weight <= 0) return;
  std::size_t cell = model::season_cell_of(WallTime{baseline.hour * 3'600'000'000'000});
  model::SeasonCell& season = baseline.season[cell];
  auto mean = static_cast<float>(baseline.hour_sum / baseline.hour_weight);
  auto rate = static_cast<float>(warm_rate(season.visits, season_least_rate));
  season.level += rate * (mean - season.level);
  if (season.visits < 255) ++season.visits;
  baseline.hour_sum = 0;
  baseline.hour_weight = 0;
}

void learn_season(Baseline& baseline, double x, WallTime t, const SampleEvidence& evidence, double rate) {
  std::int64_t hour = t.ns >= 0 ? t.ns / 3'600'000'000'000 : (t.ns - 3'599'999'999'999) / 3'600'000'000'000;
  if (hour != baseline.hour) {
    close_hour(baseline);
    baseline.hour = hour;
  }
  const model::SeasonCell* known = baseline.season_at(evidence.season_cell);
  double value = x;
  if (known != nullptr) {
    double level = known->level;
    double deviation = x - level;
    double scale = std::max(baseline.season_scale, baseline.anchor.floor());
    double size = std::fabs(deviation);
    if (baseline.season_scale > 0) size = std::min(size, 4 * scale);
    baseline.season_scale = baseline.season_scale > 0 ? baseline.season_scale + rate * (size - baseline.season_scale)
                                                      : std::max(size, baseline.anchor.scale);
    model::SeasonCell& own = baseline.season[evidence.season_cell];
    if (own.visits >= winsorised_after) value = level + clip(deviation, 4 * scale);
    double spread_rate = hour_spread_rate * std::min(1.0, static_cast<double>(evidence.interval) / 300);
    double r = std::min(std::fabs(deviation) / scale, 4.0);
    if (own.spread <= 0) own.spread = 1;
    own.spread += static_cast<float>(spread_rate) * (static_cast<float>(r) - own.spread);
  }
  baseline.hour_sum += value;
  baseline.hour_weight += 1;
}

void learn_sample(Baseline& baseline, double x, WallTime t, const SampleEvidence& evidence) {
  double interval = evidence.interval;
  double rate = anchor_rate(interval);
  bool jumps = (evidence.flags & SampleEvidence::has_jump) != 0;
  if (jumps) {
    double size = std::fabs(evidence.jump);
    if (baseline.jump_scale > 0) size = std::min(size, 4 * std::max(baseline.jump_scale, baseline.anchor.floor()));
    baseline.jump_scale += warm_rate(baseline.anchor.n, rate) * (size - baseline.jump_scale);
    double changed = (evidence.flags & SampleEvidence::changed) != 0 ? 1 : 0;
    baseline.change_rate += warm_rate(baseline.anchor.n, rate) * (changed - baseline.change_rate);
  }
  if (baseline.anchor.n >= stats::RobustLocation::warm_up) {
    baseline.forecast_scale += warm_rate(baseline.anchor.n - stats::RobustLocation::warm_up, rate) *
                               (evidence.forecast - baseline.forecast_scale);
  }
  learn_season(baseline, x, t, evidence, rate);
  baseline.anchor.add(x, rate);
  baseline.interval = interval;
}

void learn_block(Baseline& baseline, double x, const SampleEvidence& evidence, bool teaches) {
  for (std::size_t i = 0; i < model::expert_count; ++i) {
    if (evidence.u[i] < 0) continue;  // it had nothing to say
    bool rare = (evidence.rare >> i & 1U) != 0;
    baseline.tails[i].add(static_cast<double>(evidence.u[i]), rare ? stats::Tail::quarter : stats::Tail::whole);
  }
  baseline.recent += 1 / recent_blocks * (clip(baseline.anchor.standardise(x), 4) - baseline.recent);
  if (!teaches) return;
  baseline.values.add(x);
  if (baseline.values.count() >= halve_sketch) baseline.values.halve();
  ++baseline.blocks;
  if (baseline.blocks % refresh_band == 0 || baseline.blocks == stats::Tail::silent_below) {
    baseline.band_low = baseline.values.quantile(0.005);
    baseline.band_high = baseline.values.quantile(0.995);
  }
}

}  // namespace

void update(Behavior& behavior, const std::vector<model::Series>& series, const model::Batch& batch,
            const model::Evidence& evidence) {
  if (batch.times.empty()) return;
  if (evidence.rows.size() != batch.times.size() || evidence.columns != batch.series.size()) return;
  behavior.series.resize(std::max(behavior.series.size(), std::min(series.size(), Behavior::max_series)));
  if (behavior.first.ns == 0) behavior.first = batch.times.front();
  for (std::size_t row = 0; row < batch.times.size(); ++row) {
    WallTime t = batch.times[row];
    std::size_t taught = 0;
    for (std::size_t c = 0; c < batch.series.size(); ++c) {
      const SampleEvidence& sample = evidence.samples[row * evidence.columns + c];
      std::uint32_t s = batch.series[c];
      if ((sample.flags & SampleEvidence::present) == 0 || s >= behavior.series.size()) continue;
      Baseline& baseline = behavior.series[s];
      double x = clip(batch.at(c, row), 1e100);
      bool teaches = (sample.flags & SampleEvidence::teaches) != 0;
      if (teaches) {
        learn_sample(baseline, x, t, sample);
        ++taught;
      }
      if ((sample.flags & SampleEvidence::block_end) != 0) learn_block(baseline, x, sample, teaches);
      baseline.last = t;
    }
    behavior.samples += taught;
    const model::RowEvidence& whole = evidence.rows[row];
    if (whole.combined)
      behavior.combined.add(static_cast<double>(whole.u),
                            whole.combined_rare ? stats::Tail::quarter : stats::Tail::whole);
    double step = behavior.last.ns == 0 ? 0 : to_seconds(t - behavior.last);
    if (step > 0)
      behavior.interval =
          behavior.interval <= 0 ? step : behavior.interval + clip(step - behavior.interval, 0.05 * behavior.interval);
    double rate = std::min(1.0, behavior.interval / (health_blocks * block_seconds(behavior.interval)));
    behavior.health += rate * ((taught > 0 ? 1 : 0) - behavior.health);
    behavior.last = t;
  }
}

model::LearningState state_of(const Behavior& behavior, WallTime now) { return model::learning_state(behavior, now); }

}  // namespace mien::learn
