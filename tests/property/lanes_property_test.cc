// Four series at once give the bytes of one at a time: states, evidence and statistics, through ordinary samples,
// outliers, runs of equal values, gaps, missing values, hours that begin, open episodes and seasons known or not.
// rooms: base stats model drift
#include <gtest/gtest.h>

#include <cmath>

#include "base/codec.h"
#include "base/prng.h"
#include "drift/lanes.h"

namespace mien {
namespace {

using drift::Taken;

constexpr std::size_t width = 15;  // some fours, and a rest

struct Side {
  std::vector<drift::SeriesWatch> watches{width};
  std::vector<drift::Pattern> patterns{width};
  std::vector<model::SampleEvidence> evidence{width};
};

struct Life {
  Prng random{71};
  std::vector<model::Baseline> baselines{width};
  std::vector<model::Past> pasts{width};
  std::vector<double> values = std::vector<double>(width, 0.0);
  WallTime now{1'700'000'000'000'000'000};

  Life() {
    for (std::size_t i = 0; i < width; ++i) {
      for (stats::SmallTail& tail : pasts[i].tails) {
        for (int k = 0; k < 3000; ++k)
          tail.add(stats::tail::bin_of(static_cast<float>(std::fabs(random.normal()))), stats::SmallTail::Weight::whole,
                   baselines[i].coin);
        (void)tail.summarise();
      }
    }
  }
  // What learn might have done meanwhile.
  void learn(std::size_t i) {
    model::Baseline& baseline = baselines[i];
    baseline.anchor = {.location = random.chance(0.1) ? 0 : 100 * random.normal(),
                       .scale = static_cast<float>(random.chance(0.1) ? 0 : std::exp2(8 * random.uniform() - 6)),
                       .n = random.chance(0.05) ? 7U : 5000U};
    baseline.jump_scale = static_cast<float>(random.chance(0.1) ? 0 : random.uniform());
    baseline.forecast_scale = static_cast<float>(random.uniform());
    baseline.change_rate = static_cast<float>(random.chance(0.5) ? 1 : random.uniform());
    baseline.season_known = random.chance(0.7);
    baseline.season_level = baseline.anchor.location + random.normal();
    baseline.season_scale = static_cast<float>(random.chance(0.2) ? 0 : random.uniform());
    baseline.season_spread = static_cast<float>(random.uniform());
    baseline.hour = model::hour_of(now) - (random.chance(0.05) ? 1 : 0);
    baseline.hour_weight = random.chance(0.95) ? 5 : 0;
    for (std::size_t k = 0; k < model::expert_count; ++k)
      baseline.marks[k] = static_cast<std::uint8_t>(random.chance(0.1) ? 255 : random.below(24));
  }
  void pass(std::size_t row) {
    now = now + from_seconds(row % 997 == 996 ? 900 : random.chance(0.05) ? 0.5 : row < 3000 ? 1 : 60);
    for (std::size_t i = 0; i < width; ++i) {
      if (row == 0 || random.chance(0.02) || baselines[i].hour != model::hour_of(now)) learn(i);
      if (random.chance(0.9)) {
        double far = random.chance(0.01) ? 1e5 : random.chance(0.001) ? 1e300 : 1;
        values[i] = baselines[i].anchor.location + far * random.normal();
      }
    }
  }
};

template <class Judge>
std::vector<Taken> row(Life& life, Side& side, const std::vector<bool>& missing, const std::vector<bool>& gated,
                       Judge judge) {
  std::vector<Taken> taken;
  for (std::size_t i = 0; i < width; ++i) {
    side.evidence[i] = {};
    if (missing[i]) continue;
    Taken one;
    one.baseline = &life.baselines[i];
    one.past = &life.pasts[i];
    one.pattern = &side.patterns[i];
    one.watch = &side.watches[i];
    one.out = &side.evidence[i];
    one.series = static_cast<std::uint32_t>(i);
    one.sample = {.value = life.values[i], .at = life.now, .hour = model::hour_of(life.now), .gated = gated[i]};
    taken.push_back(one);
  }
  judge(std::span(taken));
  return taken;
}

TEST(Lanes, FourSeriesAtOnceGiveTheBytesOfOneAtATime) {
  Life life;
  Side plain;
  Side fours;
  std::size_t ends = 0;
  std::size_t asked = 0;
  for (std::size_t r = 0; r < 6000; ++r) {
    life.pass(r);
    std::vector<bool> missing(width);
    std::vector<bool> gated(width);
    for (std::size_t i = 0; i < width; ++i) {
      missing[i] = life.random.chance(r % 500 < 20 ? 0.3 : 0.002);
      gated[i] = life.random.chance(r % 700 < 50 ? 0.7 : 0);
    }
    std::vector<Taken> a = row(life, plain, missing, gated, [](std::span<Taken> all) {
      for (Taken& one : all) {
        drift::measure(one);
        drift::ask(one);
      }
      for (Taken& one : all) drift::weigh(one);
    });
    std::vector<Taken> b = row(life, fours, missing, gated, [&](std::span<Taken> all) {
      drift::judge_all(all, {.baselines = life.baselines, .watches = fours.watches, .sums = {}});
    });
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].measured.asked, b[i].measured.asked) << r;
      ASSERT_EQ(a[i].measured.warm, b[i].measured.warm) << r;
      if (a[i].measured.warm) {
        ASSERT_EQ(a[i].measured.u, b[i].measured.u) << r;
      }
      const model::SampleEvidence& x = *a[i].out;
      const model::SampleEvidence& y = *b[i].out;
      ASSERT_EQ(std::tuple(x.flags, x.rare, x.interval, x.jump, x.forecast, x.rungs),
                std::tuple(y.flags, y.rare, y.interval, y.jump, y.forecast, y.rungs))
          << r;
      ends += (x.flags & model::SampleEvidence::block_end) != 0 ? 1 : 0;
      asked += a[i].measured.asked != 0 ? 1 : 0;
    }
    ASSERT_EQ(encode(plain.watches), encode(fours.watches)) << r;
    ASSERT_EQ(encode(plain.patterns), encode(fours.patterns)) << r;
  }
  EXPECT_GT(ends, 10'000U);
  EXPECT_GT(asked, 10'000U);
}

}  // namespace
}  // namespace mien
