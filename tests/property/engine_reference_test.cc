// The engine's fast path against plain arithmetic in doubles: the statistics of every expert, and the season, written
// down as the recipe says them, without floats, steps or bytes.
// rooms: base stats model learn drift
#include <gtest/gtest.h>

#include <cmath>

#include "base/prng.h"
#include "drift/judge.h"
#include "model/season.h"

namespace mien {
namespace {

using model::Expert;

constexpr double anchor = 1e6;  // far from zero, so that a float in the wrong place shows
constexpr double scale = 3;
constexpr double interval = 10;

double bounded(double x, double limit) { return std::min(std::max(x, -limit), limit); }

struct Reference {
  double last = 0, smooth = 0, level = 0, ramp = 0, volatility = 1, run = 1, calm = 0;
  std::array<double, 4> past{}, weights{};
  int n = 0;
  std::array<double, model::expert_count> u{};

  double warm(double rate) const { return std::max(1.0 / (n + 1), rate); }
  void step(double x) {
    double z = (x - anchor) / scale;
    double d = n > 0 ? x - smooth : 0;
    smooth = n > 0 ? smooth + 0.8 * d : x;
    run = n > 0 && x == last ? run + 1 : 1;
    double jump = std::fabs(d) / 2;
    level += warm(1.0 / 8) * (bounded(z, 16) - level);
    ramp += warm(1.0 / 64) * (bounded(z, 16) - ramp);
    volatility += 1.0 / 32 * (std::min(jump, 16.0) - volatility);
    double clipped = bounded(z, 4);
    double y = clipped / (1 + 0.25 * std::fabs(clipped));
    double predicted = 0, power = 0.1;
    for (std::size_t i = 0; i < 4; ++i) {
      predicted += weights[i] * past[i];
      power += past[i] * past[i];
    }
    for (std::size_t i = 0; i < 4; ++i) weights[i] += 0.02 * bounded(y - predicted, 1) / power * past[i];
    for (std::size_t i = 3; i > 0; --i) past[i] = past[i - 1];
    past[0] = y;
    auto set = [&](Expert expert, double value) { u[static_cast<std::size_t>(expert)] = value; };
    calm = jump < 0.7 ? calm + 1 : 0;
    double towards_nothing = x >= 0 && x < anchor ? std::sqrt(anchor / (x + 0.003 * anchor)) : 1;
    set(Expert::low_outlier, z < 0 ? -z * towards_nothing : 0);
    set(Expert::jump, jump);
    set(Expert::forecast, std::fabs(y - predicted) / 0.5);
    set(Expert::level, 4 * std::fabs(level));
    set(Expert::ramp, 8 * std::fabs(ramp));
    set(Expert::wide, 2 * volatility);
    set(Expert::narrow, 2 / volatility);
    set(Expert::frozen, std::max(0.96 * run, calm / 100));
    last = x;
    ++n;
  }
};

TEST(EngineReference, EveryStatisticIsThatOfThePlainRecipe) {
  Prng random(31);
  model::Baseline baseline;
  baseline.anchor = {.location = anchor, .scale = static_cast<float>(scale), .n = 1000};
  baseline.jump_scale = 2;
  baseline.forecast_scale = 0.5;
  baseline.change_rate = 0.96F;
  model::Past past;
  drift::Pattern pattern;
  drift::SeriesWatch watch;
  Reference reference;
  drift::Taken one;
  one.baseline = &baseline;
  one.past = &past;
  one.pattern = &pattern;
  one.watch = &watch;
  const drift::Measured& measured = one.measured;
  WallTime now{1'700'000'000'000'000'000};
  double x = anchor;
  for (int i = 0; i < 5000; ++i) {
    if (random.chance(0.9)) x = anchor + scale * random.normal() * (random.chance(0.01) ? 40 : 1);
    model::SampleEvidence evidence;
    one.out = &evidence;
    one.sample = {.value = x, .at = now, .hour = model::hour_of(now)};
    drift::measure(one);
    drift::ask(one);
    drift::weigh(one);
    reference.step(x);
    for (std::size_t k = 0; k < model::expert_count; ++k) {
      if (model::is_seasonal(static_cast<Expert>(k))) {
        EXPECT_LT(measured.u[k], 0);  // nothing is known of the hour
        continue;
      }
      double expected = reference.u[k];
      // Floats, and past values in steps of 1/8192.
      ASSERT_NEAR(static_cast<double>(measured.u[k]), expected, 1e-3 + 1e-3 * expected)
          << "expert " << k << ", sample " << i;
      bool ends = (evidence.flags & model::SampleEvidence::block_end) != 0;  // a block is a sample here
      EXPECT_EQ(ends, i > 0);
      if (ends) {
        EXPECT_EQ(evidence.rungs[k], stats::tail::bin_of(measured.u[k]) + 1);
      }
    }
    now = now + from_seconds(interval);
  }
}

TEST(EngineReference, SixteenRungsAreThoseOfEachByItself) {
  Prng random(33);
  stats::Rungs16 largest{};
  for (int i = 0; i < 20'000; ++i) {
    std::array<float, stats::rung_slots> u{};
    stats::Rungs16 marks{};
    stats::Rungs16 before = largest;
    for (float& x : u) x = static_cast<float>(random.chance(0.1) ? -1 : std::exp2(30 * random.uniform() - 15));
    if (i % 100 == 0) u[3] = stats::tail::edge(i / 100 % 25);
    for (std::uint8_t& mark : marks) mark = static_cast<std::uint8_t>(random.below(26));
    stats::Rungs16 rungs = stats::rungs_of(u);
    std::uint32_t reached = stats::reached(rungs, marks);
    stats::raise(largest, rungs);
    for (std::size_t k = 0; k < u.size(); ++k) {
      ASSERT_EQ(rungs[k], u[k] < 0 ? 0 : stats::tail::bin_of(u[k]) + 1) << u[k];
      ASSERT_EQ((reached >> k & 1U) != 0, rungs[k] >= marks[k]);
      ASSERT_EQ(largest[k], std::max(before[k], rungs[k]));
    }
    if (i % 50 == 0) largest = {};
  }
}

TEST(EngineReference, ASeasonFollowsThePlainMeanOfItsVisits) {
  Prng random(32);
  model::Season season;
  std::array<double, model::season_cells> level{};
  std::array<int, model::season_cells> visits{};
  std::uint32_t coin = 5;
  double worst = 0;
  for (int visit = 0; visit < 20'000; ++visit) {
    auto cell = static_cast<std::size_t>(random.below(model::season_cells));
    double mean = 1e5 + 50.0 * static_cast<double>(cell) + scale * random.normal();
    std::int32_t monday = 4 * 24;  // 1970-01-05
    std::int32_t saturday = monday + 5 * 24;
    auto hour = static_cast<std::int32_t>(cell % 24);
    season.visit(hour + (cell < 24 ? monday : saturday), mean, scale, coin);
    level[cell] += std::max(1.0 / (visits[cell] + 1), 0.1) * (mean - level[cell]);
    ++visits[cell];
    worst = std::max(worst, std::fabs(season.level(cell) - level[cell]));
  }
  EXPECT_LT(worst, 0.1 * scale);  // steps of a 32,000th of all levels' range, and what rounding them walks
}

}  // namespace
}  // namespace mien
