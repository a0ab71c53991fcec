#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "base/math.h"
#include "base/prng.h"
#include "stats/counter.h"
#include "stats/distribution.h"
#include "stats/robust.h"
#include "stats/sketch.h"
#include "stats/tail.h"

namespace mien::stats {
namespace {

TEST(Distribution, ErfcAgreesWithTheSystemsAllTheWayOut) {
  for (double x = -5; x < 26; x += 0.0137) {
    double exact = static_cast<double>(std::erfc(static_cast<long double>(x)));
    EXPECT_NEAR(erfc(x) / exact, 1.0, 1e-12) << x;
  }
}

TEST(Distribution, KnownTailsComeOut) {
  EXPECT_NEAR(normal_upper_tail(normal_99_band), 0.005, 1e-12);
  EXPECT_NEAR(normal_two_sided(-1.959963984540054), 0.05, 1e-12);
  EXPECT_NEAR(exponential_upper_tail(3, 1), 0.049787068367863944, 1e-15);
  EXPECT_EQ(exponential_upper_tail(-1, 1), 1);
}

TEST(RobustLocation, OneOutlierMovesItByAtMostFourScalesTimesTheRate) {
  RobustLocation location;
  Prng random(1);
  for (int i = 0; i < 5000; ++i) location.add(10 + random.normal(), 1.0 / 4000);
  RobustLocation before = location;
  location.add(1e9, 1.0 / 4000);
  EXPECT_LE(location.location - before.location, 4 * before.scale / 4000 * 1.0001);
  EXPECT_NEAR(before.location, 10, 0.1);
  EXPECT_NEAR(before.scale, 0.798, 0.05);  // mean absolute deviation of a standard normal
}

TEST(RobustLocation, AFifthOfTheSamplesGoneWildStillLeavesTheMiddle) {
  RobustLocation location;
  Prng random(2);
  for (int i = 0; i < 8000; ++i) location.add(i > 100 && i % 5 == 0 ? 1e6 : 10 + random.normal(), 1.0 / 4000);
  EXPECT_LT(std::fabs(location.location - 10), 20);
}

TEST(Tail, SaysNothingBeforeAHundredValues) {
  Tail tail;
  for (int i = 0; i < 99; ++i) tail.add(1, Tail::whole);
  EXPECT_EQ(tail.surprise(1e9), 0);
  tail.add(1, Tail::whole);
  EXPECT_GT(tail.surprise(1e9), 2);
}

TEST(Tail, OldLifeFades) {
  Tail tail;
  for (int i = 0; i < 2000; ++i) tail.add(100, Tail::whole);
  double once = tail.surprise(100);
  for (int i = 0; i < 400'000; ++i) tail.add(1, Tail::whole);
  EXPECT_LT(once, 0.5);
  EXPECT_GT(tail.surprise(100), 1.5);
  EXPECT_LE(tail.values(), 60'000);
}

TEST(QuantileSketch, AnEmptyOneAnswersZero) {
  EXPECT_EQ(QuantileSketch{}.quantile(0.5), 0);
  EXPECT_NEAR(QuantileSketch{}.relative_error(), 0.01, 1e-12);
}

TEST(Counter, IsRightOnAverageOneAtATimeOrFourOnOneToss) {
  std::uint32_t coin = 7;
  for (std::uint32_t count : {10U, 40U, 200U, 3000U}) {
    double singles = 0;
    double fours = 0;
    constexpr int counters = 4000;
    for (int c = 0; c < counters; ++c) {
      std::uint8_t one = 0;
      std::uint8_t four = 0;
      for (std::uint32_t i = 0; i < count; ++i) {
        int zeros = std::countl_zero(draw(coin));
        (void)counter::add_tossed(one, zeros);
        if (zeros >= 2) (void)counter::add_four_tossed(four, zeros);
      }
      singles += counter::decode(one);
      fours += counter::decode(four);
    }
    EXPECT_NEAR(singles / counters, count, 0.03 * count);
    EXPECT_NEAR(fours / counters, count, 0.05 * count);
  }
}

TEST(Counter, ADoubtfulValueCountsAQuarter) {
  std::uint32_t coin = 9;
  double sum = 0;
  for (int c = 0; c < 4000; ++c) {
    std::uint8_t code = 0;
    for (int i = 0; i < 400; ++i) (void)counter::add_tossed(code, std::countl_zero(draw(coin)) - 2);
    sum += counter::decode(code);
  }
  EXPECT_NEAR(sum / 4000, 100, 4);
}

}  // namespace
}  // namespace mien::stats
