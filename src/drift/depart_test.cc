#include "drift/depart.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/prng.h"

namespace mien::drift {
namespace {

using model::DistributionKind;

constexpr double per_deviation = 0.7978845608028654;  // mean absolute deviation of a normal, in standard deviations

model::DeclaredMetric declared(DistributionKind kind, double a, double b) {
  model::DeclaredMetric metric;
  metric.distribution = model::DeclaredDistribution{.kind = kind, .a = a, .b = b};
  return metric;
}

TEST(Departure, WhatFollowsTheDeclarationOrVariesLessHasNotLeftIt) {
  model::DeclaredMetric normal = declared(DistributionKind::normal, 0.35, 0.1);
  EXPECT_NEAR(departure_bits(normal, 0.35, 0.1 * per_deviation), 0, 1e-6);
  EXPECT_EQ(departure_bits(normal, 0.35, 0.01), 0);
  EXPECT_EQ(departure_bits(normal, 0.40, 0.02), 0) << "elsewhere, but within";
  EXPECT_EQ(departure_bits(declared(DistributionKind::exponential, 10, 0), 5, 3), 0) << "smaller is likelier";
  EXPECT_NEAR(departure_bits(declared(DistributionKind::uniform, 0, 1), 0.5, 0.05), 0, 1e-9);
  EXPECT_EQ(departure_bits(declared(DistributionKind::constant, 4, 0), 4, 0), 0);
}

TEST(Departure, OneBitIsAboutADeviationAndAFifth) {
  model::DeclaredMetric normal = declared(DistributionKind::normal, 100, 10);
  EXPECT_NEAR(departure_bits(normal, 100 + 11.77, 10 * per_deviation), 1, 0.01);
  EXPECT_NEAR(departure_bits(normal, 100 - 11.77, 10 * per_deviation), 1, 0.01);
  EXPECT_GT(departure_bits(normal, 100, 16 * per_deviation), 1) << "wider than declared";
  EXPECT_EQ(departure_bits(normal, 1e9, 1), 16) << "at most";
}

TEST(Departure, EachDistributionIsMeasuredByItsOwn) {
  EXPECT_NEAR(departure_bits(declared(DistributionKind::exponential, 10, 0), 20, 20), 1.44, 0.01);
  EXPECT_GT(departure_bits(declared(DistributionKind::lognormal, 2, 0.5), std::exp(3.0), 1), 2);
  EXPECT_LT(departure_bits(declared(DistributionKind::lognormal, 2, 0.5), std::exp(2.0), 1), 0.2);
  EXPECT_EQ(departure_bits(declared(DistributionKind::lognormal, 2, 0.5), -1, 1), 16);
  EXPECT_NEAR(departure_bits(declared(DistributionKind::uniform, 0, 1), 1.01, 0.1), 8, 0.1) << "half of it is outside";
  EXPECT_EQ(departure_bits(declared(DistributionKind::constant, 4, 0), 5, 0), 16);
  model::DeclaredMetric peak;
  peak.peak = 50;
  EXPECT_NEAR(departure_bits(peak, 20, 1), 0, 1e-9);
  EXPECT_NEAR(departure_bits(peak, 50, 1), 8, 0.1);
}

// The same by its definition: the mean surprise of learned values less that of values that follow the declaration.
TEST(Departure, ItIsTheExtraSurpriseOfTheLearnedValues) {
  Prng random{5};
  auto surprise = [](double x) {
    double z = (x - 100) / 10;
    return (0.5 * z * z) * 1.4426950408889634;
  };
  double of_learned = 0, of_declared = 0;
  constexpr int values = 200'000;
  for (int i = 0; i < values; ++i) {
    of_learned += surprise(120 + 6 * random.normal()) / values;
    of_declared += surprise(100 + 10 * random.normal()) / values;
  }
  EXPECT_NEAR(departure_bits(declared(DistributionKind::normal, 100, 10), 120, 6 * per_deviation),
              of_learned - of_declared, 0.05);
}

TEST(Departure, OnlyWhatWasLearnedForAnHourAndIsDeclaredIsAsked) {
  model::Expectation expectation;
  expectation.persona = PersonaName{"web"};
  expectation.metrics["cpu"] = declared(DistributionKind::normal, 0.35, 0.1);
  expectation.metrics["idle"] = declared(DistributionKind::normal, 0.35, 0.1);
  expectation.metrics["idle"].ignore = true;
  std::vector<model::Series> series;
  for (const char* metric : {"cpu", "idle", "other"})
    series.push_back({.metric = MetricName{metric}, .attributes = {}, .unit = {}, .kind = {}});
  model::Behavior behavior;
  behavior.resize(3);
  for (model::Baseline& baseline : behavior.series) {
    baseline.anchor = {.location = 0.6, .scale = 0.05F, .n = 1000};
    baseline.blocks = 1000;
  }
  behavior.first = WallTime{1'700'000'000'000'000'000};
  behavior.last = behavior.first + std::chrono::minutes{30};
  EXPECT_TRUE(departures(expectation, behavior, series).empty());
  behavior.last = behavior.first + std::chrono::hours{2};
  std::vector<Departure> left = departures(expectation, behavior, series);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_GT(left[0].bits, 3);

  model::Finding finding = departure_finding(expectation, series, left);
  EXPECT_EQ(finding.kind, model::FindingKind::level);
  EXPECT_EQ(finding.first_mover, "cpu");
  EXPECT_NE(finding.summary.find("what was learned left what web declares: cpu is usually 0.6"), std::string::npos)
      << finding.summary;
  behavior.series[0].anchor = {.location = 0.35, .scale = 0.3F, .n = 1000};
  EXPECT_EQ(departure_finding(expectation, series, departures(expectation, behavior, series)).kind,
            model::FindingKind::spread);
}

}  // namespace
}  // namespace mien::drift
