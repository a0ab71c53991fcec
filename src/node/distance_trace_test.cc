#include "node/distance_trace.h"

#include <gtest/gtest.h>

namespace mien::node {
namespace {

WallTime at(std::int64_t second) { return WallTime{second * 1'000'000'000}; }

DistanceTrace high_until_then_low(std::int64_t change, std::int64_t end) {
  DistanceTrace trace;
  for (std::int64_t second = 0; second < end; ++second) trace.add(at(second), second < change ? 0.9 : 0.1);
  return trace;
}

model::DriftScore score_of(double observed, double low, double high) {
  model::Deviation metric;
  metric.observed = observed;
  metric.expected = (low + high) / 2;
  metric.low = low;
  metric.high = high;
  metric.bits = Bits{20};
  model::DriftScore score;
  score.metrics = {metric};
  return score;
}

TEST(Distance, CountsDoublingsOfHalfABandAndIsNothingWithinIt) {
  EXPECT_EQ(distance(score_of(0.29, 0.1, 0.3)), 0);
  EXPECT_NEAR(distance(score_of(0.4, 0.1, 0.3)), 1, 1e-9);
  EXPECT_NEAR(distance(score_of(1.0, 0.1, 0.3)), 3, 1e-9);
  EXPECT_EQ(distance(model::DriftScore{}), 0);
}

TEST(Distance, GivesALimitWithoutWidthOnePercent) { EXPECT_NEAR(distance(score_of(0.936, 0.9, 0.9)), 2, 1e-9); }

TEST(Distance, LeavesOutWhatSurprisesNobodyAndWhatALimitItselfMakes) {
  model::DriftScore score = score_of(1.0, 0, 1e-9);
  score.metrics.front().name = MetricName{"system.cpu.throttled_time"};
  EXPECT_EQ(distance(score), 0);
  score.metrics.front().name = MetricName{"system.linux.pressure.cpu.some"};
  EXPECT_EQ(distance(score), 0);
  score.metrics.front().name = MetricName{"system.process.count"};
  EXPECT_GT(distance(score), 20);
  score.metrics.front().bits = Bits{0};
  EXPECT_EQ(distance(score), 0);
}

TEST(DistanceTrace, TellsOfAWhileByTheMeansThatBeganInIt) {
  DistanceTrace trace = high_until_then_low(40, 80);
  auto after = trace.over(at(41), at(61));
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->count, 1U);
  EXPECT_DOUBLE_EQ(after->mean, 0.1);
  auto whole = trace.over(at(20), at(60));
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(whole->count, 4U);
  EXPECT_DOUBLE_EQ(whole->mean, 0.5);
}

// An action at second 8 of a mean, and nothing heard from second 9 on: what the mean holds is mostly of before.
TEST(DistanceTrace, SaysNothingOfAWhileInWhichNothingWasHeardThoughAMeanHadBegunBefore) {
  DistanceTrace trace = high_until_then_low(2, 9);
  EXPECT_FALSE(trace.over(at(8), at(28)).has_value());
}

TEST(DistanceTrace, HoldsOneWholeMeanInTwentySecondsWhereverTheyBegin) {
  for (std::int64_t begin = 100; begin < 120; ++begin) {
    DistanceTrace trace = high_until_then_low(begin, begin + 20);
    auto after = trace.over(at(begin), at(begin + 20));
    ASSERT_TRUE(after.has_value()) << begin;
    EXPECT_DOUBLE_EQ(after->mean, 0.1) << begin;
  }
}

TEST(DistanceTrace, BeginsAnewWhereTheClockWasSetBack) {
  DistanceTrace trace = high_until_then_low(40, 80);
  trace.add(at(30), 0.5);
  auto now = trace.over(at(30), at(50));
  ASSERT_TRUE(now.has_value());
  EXPECT_EQ(now->count, 1U);
  EXPECT_GT(now->mean, 0.1);
}

}  // namespace
}  // namespace mien::node
