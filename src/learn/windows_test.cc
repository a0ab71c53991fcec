#include "learn/windows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/codec.h"
#include "base/prng.h"

namespace mien::learn {
namespace {

constexpr WallTime start{1'699'833'600'000'000'000};  // midnight UTC

// One series, a value a minute, counted two minutes at a time as the history's window brings them.
struct Life {
  Windows windows;
  model::Behavior behavior;
  WallTime now = start;

  Life() {
    behavior.resize(1);
    set_anchor(100, 4);
  }
  void set_anchor(double location, float scale) {
    behavior.series[0].anchor = {.location = location, .scale = scale, .n = 5000};
    behavior.series[0].blocks = 1000;
  }
  void hours(int count, const std::function<double()>& value, bool healthy = true) {
    for (int i = 0; i < 30 * count; ++i) {
      model::Batch rows{.times = {now, now + std::chrono::minutes{1}}, .series = {}, .values = {value(), value()}};
      count_rows(windows, behavior, rows, healthy);
      now = now + std::chrono::minutes{2};
    }
  }
  SlowSeries slow() { return slowest(windows, behavior, 1).at(0); }
};

double normal(Prng& random, double mean) { return mean + 5 * random.normal(); }

TEST(Windows, HoursThatAreAlikeAreCloseAndOneOfAnotherShapeIsNot) {
  Life life;
  Prng random{3};
  life.hours(72, [&] { return normal(random, 100); });
  EXPECT_LT(life.slow().hour_bits, 0.1);
  EXPECT_LT(life.slow().day_bits, 0.02) << "a day has more values, and is closer";
  EXPECT_LT(life.slow().usual_bits, 0.06);
  EXPECT_FALSE(life.slow().is_unlike());
  // The same mean and the same deviation, but never in the middle: no value is odd by itself.
  bool up = false;
  life.hours(2, [&] { return (up = !up) ? 105 : 95; });
  EXPECT_GT(life.slow().hour_bits, 0.3);
  EXPECT_TRUE(life.slow().is_unlike());
}

TEST(Windows, NothingIsSaidBeforeTwelveHealthyHoursNorByFewValues) {
  Life life;
  Prng random{3};
  life.hours(12, [&] { return normal(random, 100); });
  EXPECT_TRUE(std::isnan(life.slow().hour_bits));
  life.hours(3, [&] { return normal(random, 100); });
  EXPECT_FALSE(std::isnan(life.slow().hour_bits));

  SeriesWindow::Counts known{0, 10, 100, 200, 400, 400, 200, 100, 10, 0};
  SeriesWindow::Counts few{0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  SeriesWindow::Counts many{0, 0, 0, 0, 0, 0, 0, 0, 0, 1000};
  EXPECT_LT(shape_bits(few, known), 0.1);
  EXPECT_GT(shape_bits(many, known), 0.95);
  EXPECT_EQ(shape_bits(known, {}), 0);
}

// The formula again, as it stands in the paper.
double plain_bits(const SeriesWindow::Counts& window, const SeriesWindow::Counts& known) {
  double n = 0, m = 0;
  for (std::size_t i = 0; i < window.size(); ++i) n += window[i], m += known[i];
  auto entropy = [](const std::vector<double>& p) {
    double bits = 0;
    for (double each : p) bits -= each > 0 ? each * std::log2(each) : 0;
    return bits;
  };
  std::vector<double> p, q, middle;
  for (std::size_t i = 0; i < window.size(); ++i) {
    q.push_back(known[i] / m);
    p.push_back((window[i] + 8 * q.back()) / (n + 8));
    middle.push_back((p.back() + q.back()) / 2);
  }
  return entropy(middle) - (entropy(p) + entropy(q)) / 2;
}

TEST(Windows, TheDivergenceIsJensensAndShannonsAndStaysWithinOneBit) {
  Prng random{11};
  for (int i = 0; i < 200; ++i) {
    SeriesWindow::Counts window{}, known{};
    for (std::size_t b = 0; b < window.size(); ++b) {
      window[b] = static_cast<std::uint16_t>(random.below(50) * random.below(2));
      known[b] = static_cast<std::uint16_t>(random.below(2000) * random.below(2));
    }
    window[0] = known[1] = 1;
    double bits = shape_bits(window, known);
    EXPECT_NEAR(bits, plain_bits(window, known), 1e-9);
    EXPECT_GE(bits, 0);
    EXPECT_LE(bits, 1);
  }
}

TEST(Windows, WhatIsNotHealthyTeachesNoShape) {
  Life life;
  Prng random{3};
  life.hours(48, [&] { return normal(random, 100); });
  bool up = false;
  auto odd = [&] { return (up = !up) ? 110 : 90; };
  life.hours(48, odd, false);
  EXPECT_GT(life.slow().hour_bits, 0.3) << "two days of it are no habit";
  Life taught;
  taught.hours(48, [&] { return normal(random, 100); });
  taught.hours(48, odd, true);
  EXPECT_LT(taught.slow().hour_bits, 0.3);
}

TEST(Windows, OnePercentADayShowsWithItsSpeedAndNoiseDoesNot) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Life ramp;
    Life calm;
    Prng random{seed};
    double level = 100;
    for (int day = 0; day < 8; ++day, level += 1) {
      auto at = [&] { return normal(random, level); };
      ramp.hours(24, at);
      calm.hours(24, [&] { return normal(random, 100); });
    }
    EXPECT_NEAR(ramp.slow().per_day_ratio, 0.01, 0.002);
    EXPECT_TRUE(ramp.slow().is_moving()) << "+7 %";
    EXPECT_FALSE(calm.slow().is_moving());
  }
}

TEST(Windows, DaysWithoutAnythingAreNoDays) {
  Life life;
  life.hours(24, [] { return 100.0; });
  life.now = life.now + std::chrono::hours{48};
  life.hours(24, [] { return 130.0; });
  life.hours(24, [] { return 140.0; });
  life.hours(1, [] { return 140.0; });
  EXPECT_EQ(life.slow().days, 3U);
  EXPECT_NEAR(life.slow().per_day, 10, 0.01) << "30 in three days, 10 in one";
}

TEST(Windows, AClockThatWasSetBackBeginsAnewFromThere) {
  Life life;
  Prng random{3};
  life.hours(30, [&] { return normal(random, 100); });
  life.now = life.now + std::chrono::hours{24 * 400};
  life.hours(1, [&] { return normal(random, 100); });
  life.now = life.now - std::chrono::hours{24 * 400};
  life.hours(3, [&] { return normal(random, 100); });
  EXPECT_FALSE(std::isnan(life.slow().hour_bits)) << "hours end again";
}

TEST(Windows, ANewLifeForgetsShapesAndKeepsTheDays) {
  Life life;
  Prng random{3};
  life.hours(96, [&] { return normal(random, 100); });
  forget_shapes(life.windows);
  EXPECT_TRUE(std::isnan(life.slow().hour_bits));
  EXPECT_EQ(life.slow().days, 3U);
}

TEST(Windows, SavedAndRestoredAtAnyRowTheyCountAlike) {
  Life whole;
  Life cut;
  Prng random{7};
  for (int i = 0; i < 3000; ++i) {
    double value = normal(random, 100 + 0.01 * i);
    model::Batch rows{.times = {start + std::chrono::minutes{3 * i}}, .series = {}, .values = {value}};
    count_rows(whole.windows, whole.behavior, rows, i % 500 > 20);
    count_rows(cut.windows, cut.behavior, rows, i % 500 > 20);
    if (i % 13 == 0) cut.windows = *decode<Windows>(encode(cut.windows), "windows");
  }
  EXPECT_EQ(encode(whole.windows), encode(cut.windows));
}

}  // namespace
}  // namespace mien::learn
