#include "learn/learn.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/fetch.h"

namespace mien::learn {
namespace {

using model::Baseline;
using model::Behavior;
using model::Past;
using model::SampleEvidence;
using stats::clip;
using stats::warm_rate;

constexpr double shortest_block = 10;  // seconds (drift/judge.h judges by the same blocks)
constexpr double anchor_blocks = 4000;
constexpr double anchor_least = 86400;     // seconds: the anchor remembers at least about a day
constexpr float recent_rate = 1.0F / 360;  // a block: an hour at 1 s
constexpr double hour_spread_rate = 0.03;  // a sample of five minutes
constexpr double largest_value = 1e30;     // as drift judges it: scales are floats
constexpr std::uint8_t winsorised_after = 3;
constexpr std::uint32_t refresh_band = 32;  // blocks
constexpr std::uint32_t young_blocks = 256;
constexpr std::uint32_t old_blocks = 1024;
constexpr std::uint32_t of_old_one_in = 4;  // blocks goes to the sketch of values: they are like their neighbours
constexpr double zero_share = 64;  // a value below this part of the scale is kept as 0: buckets are for what differs
constexpr double health_blocks = 360;
constexpr std::uint32_t all_experts = (1U << model::expert_count) - 1;

double block_seconds(double interval) { return interval > shortest_block ? interval : shortest_block; }

// Blocks between two summaries of the tails: what a block adds is less the more is known.
std::uint8_t summarise_after(std::uint32_t blocks) { return blocks < young_blocks ? 4 : blocks < old_blocks ? 16 : 64; }

double anchor_rate(double interval) {
  double lasting = std::max(anchor_blocks * block_seconds(interval), anchor_least);
  return interval > 0 ? interval / lasting : 1 / anchor_blocks;
}

// What a sample moves, by the seconds between samples: of nearly all series of a row they are the same.
struct Rates {
  float interval = -1;
  double anchor = 0;
  float hour_spread = 0;

  void follow(float seconds) {
    if (seconds == interval) return;
    interval = seconds;
    anchor = anchor_rate(static_cast<double>(seconds));
    hour_spread = static_cast<float>(hour_spread_rate * std::min(1.0, static_cast<double>(seconds) / 300));
  }
};

// Closes the hour that was summed: its mean moves the season's level once per visit, however many samples it had. Then
// takes out what is known of the hour that begins.
void enter_hour(Baseline& baseline, Past& past, std::int32_t hour) {
  if (baseline.hour_weight > 0) {
    std::size_t before = model::season_cell_of(baseline.hour);
    double scale = std::max(baseline.season_scale, baseline.anchor.scale);
    past.season.visit(baseline.hour, baseline.hour_sum / baseline.hour_weight, scale, baseline.coin);
    past.season.set_spread(before, baseline.season_spread, baseline.coin);
  }
  std::size_t cell = model::season_cell_of(hour);
  int known = past.season.known(cell);
  baseline.hour = hour;
  baseline.hour_sum = 0;
  baseline.hour_weight = 0;
  baseline.season_known = known >= 0;
  baseline.season_visits = past.season.visits(cell);
  baseline.season_level = known >= 0 ? past.season.level_at(hour) : 0;
  baseline.season_spread = known >= 0 ? past.season.spread(static_cast<std::size_t>(known)) : 0;
}

void learn_season(Baseline& baseline, double x, const Rates& rates) {
  double value = x;
  if (baseline.season_known) {
    double deviation = x - baseline.season_level;
    double season_scale = baseline.season_scale;
    double scale = std::max(season_scale, baseline.anchor.floor());
    double size = std::fabs(deviation);
    if (season_scale > 0) size = std::min(size, 4 * scale);
    baseline.season_scale =
        static_cast<float>(season_scale > 0 ? season_scale + rates.anchor * (size - season_scale)
                                            : std::max(size, static_cast<double>(baseline.anchor.scale)));
    if (baseline.season_visits >= winsorised_after) value = baseline.season_level + clip(deviation, 4 * scale);
    auto r = static_cast<float>(std::min(std::fabs(deviation) / scale, 4.0));
    if (baseline.season_spread <= 0) baseline.season_spread = 1;
    baseline.season_spread += rates.hour_spread * (r - baseline.season_spread);
  }
  baseline.hour_sum += value;
  ++baseline.hour_weight;
}

void learn_sample(Baseline& baseline, double x, const SampleEvidence& evidence, Rates& rates) {
  rates.follow(evidence.interval);
  double rate = rates.anchor;
  std::uint32_t n = baseline.anchor.n;
  if ((evidence.flags & SampleEvidence::has_jump) != 0) {
    double size = std::fabs(evidence.jump);
    double before = baseline.jump_scale;
    double warm = warm_rate(n, rate);
    if (before > 0) size = std::min(size, 4 * std::max(before, baseline.anchor.floor()));
    baseline.jump_scale = static_cast<float>(before + warm * (size - before));
    double changed = (evidence.flags & SampleEvidence::changed) != 0 ? 1 : 0;
    double usual = baseline.change_rate;
    baseline.change_rate = static_cast<float>(usual + warm * (changed - usual));
  }
  if (n >= stats::RobustLocation::warm_up) {
    double before = baseline.forecast_scale;
    double warm = warm_rate(n - stats::RobustLocation::warm_up, rate);
    baseline.forecast_scale = static_cast<float>(before + warm * (static_cast<double>(evidence.forecast) - before));
  }
  learn_season(baseline, x, rates);
  baseline.anchor.add(x, rate);
  baseline.interval = evidence.interval;
}

// The toss for the next block of a series: how many zeros it begins with. With fewer than these, where much is known,
// what is ordinary does not count.
constexpr int counts_ordinary = 2;
int next_toss(std::uint32_t& coin) { return std::countl_zero(stats::draw(coin)); }

// One toss for all experts: a counter of exponent e takes its value if the toss begins with e zeros, a doubtful one if
// with two more. Where much is known, what is ordinary counts four at a time, for one block in four: most blocks of old
// series touch no more tails than were asked.
void teach_tails(Baseline& baseline, Past& past, const SampleEvidence& evidence) {
  int zeros = next_toss(baseline.coin);
  bool old = baseline.blocks >= old_blocks;
  std::uint32_t counts = all_experts;
  // Four at a time begins with two zeros: else only what is not ordinary, or of a tail that is still silent, counts.
  if (old && zeros < counts_ordinary)
    counts &= stats::reached(evidence.rungs, baseline.marks) | stats::reached(baseline.marks, Baseline::all_silent);
  for (; counts != 0; counts &= counts - 1) {
    auto i = static_cast<std::size_t>(std::countr_zero(counts));
    std::uint8_t rung = evidence.rungs[i];
    if (rung == 0) continue;  // it had nothing to say
    int begins = (evidence.rare >> i & 1U) != 0 ? zeros - 2 : zeros;
    bool fourfold = old && rung < baseline.marks[i] && baseline.marks[i] != stats::SmallTail::never;
    if (!fourfold) past.tails[i].add_tossed(rung - 1, begins, baseline.coin);
    else if (begins >= counts_ordinary) past.tails[i].add_four_tossed(rung - 1, begins, baseline.coin);
  }
}

void learn_block(Baseline& baseline, Past& past, double x, const SampleEvidence& evidence, bool teaches) {
  teach_tails(baseline, past, evidence);
  auto away = static_cast<float>(clip(baseline.anchor.standardise(x), 4));
  baseline.recent += recent_rate * (away - baseline.recent);
  if (++baseline.unsummarised >= summarise_after(baseline.blocks)) summarise(baseline, past);
  if (!teaches) return;
  if (baseline.blocks < old_blocks || baseline.blocks % of_old_one_in == 0) {
    bool is_zero = std::fabs(x) * zero_share < static_cast<double>(baseline.anchor.scale);
    past.values.add(is_zero ? 0 : x, baseline.coin);
  }
  ++baseline.blocks;
  if (baseline.blocks % refresh_band == 0 || baseline.blocks == stats::Tail::silent_below) {
    baseline.band_low = static_cast<float>(past.values.quantile(0.005));
    baseline.band_high = static_cast<float>(past.values.quantile(0.995));
  }
}

// Tails are seldom at hand when a block ends: they are on their way some columns before, where the toss will count
// them.
constexpr std::size_t fetched_ahead = 24;
void fetch_tails(const Behavior& behavior, const model::Batch& batch, const model::Evidence& evidence, std::size_t row,
                 std::size_t column) {
  if (column >= batch.series.size() || batch.series[column] >= behavior.series.size()) return;
  if ((evidence.samples[row * evidence.columns + column].flags & SampleEvidence::block_end) == 0) return;
  const Baseline& baseline = behavior.series[batch.series[column]];
  std::uint32_t coin = baseline.coin;
  if (baseline.blocks >= old_blocks && next_toss(coin) < counts_ordinary) return;
  const Past& past = behavior.past[batch.series[column]];
  fetch(&past.tails, sizeof past.tails);
}

}  // namespace

void update(Behavior& behavior, const std::vector<model::Series>& series, const model::Batch& batch,
            const model::Evidence& evidence) {
  if (batch.times.empty()) return;
  if (evidence.rows.size() != batch.times.size() || evidence.columns != batch.series.size()) return;
  std::size_t known = std::min(series.size(), Behavior::max_series);
  if (behavior.series.size() < known) behavior.resize(known);
  if (behavior.first.ns == 0) behavior.first = batch.times.front();
  Rates rates;
  for (std::size_t row = 0; row < batch.times.size(); ++row) {
    WallTime t = batch.times[row];
    std::int32_t hour = model::hour_of(t);
    std::size_t taught = 0;
    for (std::size_t c = 0; c < fetched_ahead; ++c) fetch_tails(behavior, batch, evidence, row, c);
    for (std::size_t c = 0; c < batch.series.size(); ++c) {
      const SampleEvidence& sample = evidence.samples[row * evidence.columns + c];
      std::uint32_t s = batch.series[c];
      fetch_tails(behavior, batch, evidence, row, c + fetched_ahead);
      if ((sample.flags & SampleEvidence::present) == 0 || s >= behavior.series.size()) continue;
      Baseline& baseline = behavior.series[s];
      double x = clip(batch.at(c, row), largest_value);
      bool teaches = (sample.flags & SampleEvidence::teaches) != 0;
      if (teaches) {
        if (hour != baseline.hour || baseline.hour_weight == 0) enter_hour(baseline, behavior.past[s], hour);
        learn_sample(baseline, x, sample, rates);
        ++taught;
      }
      if ((sample.flags & SampleEvidence::block_end) != 0) learn_block(baseline, behavior.past[s], x, sample, teaches);
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
