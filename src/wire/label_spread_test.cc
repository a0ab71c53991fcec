#include "wire/label_spread.h"

#include <gtest/gtest.h>

#include "wire/prometheus.h"

namespace mien::wire {
namespace {

TEST(LabelSpread, NamesTheLabelWithMostValues) {
  LabelSpread spread;
  EXPECT_EQ(spread.widest().values, 0U);
  for (int i = 0; i < 100; ++i)
    spread.add("http_requests", {{"path", std::to_string(i % 7)}, {"request_id", std::to_string(i)}});
  EXPECT_EQ(spread.widest().label, "request_id");
  EXPECT_EQ(spread.widest().values, 100U);
  EXPECT_EQ(spread.refused(), 100U);
}

TEST(LabelSpread, IsBoundedInLabelsAndValues) {
  LabelSpread spread;
  for (std::size_t i = 0; i < 3 * LabelSpread::most_values; ++i)
    spread.add("m", {{"id", std::to_string(i)}, {"label-" + std::to_string(i), "x"}});
  EXPECT_EQ(spread.widest().label, "id");
  EXPECT_EQ(spread.widest().values, LabelSpread::most_values);
}

TEST(LabelSpread, TwoAreOneWhenTheyAreMerged) {
  LabelSpread a, b;
  a.add("m", {{"id", "1"}});
  b.add("m", {{"id", "2"}});
  a.merge(b);
  EXPECT_EQ(a.widest().label, "id");
  EXPECT_EQ(a.widest().values, 2U);
}

TEST(PrometheusIntake, SaysWhichLabelMadeMoreSeriesThanThereIsRoomFor) {
  PrometheusMemory memory;
  IngestLimits limits;
  limits.series = 10;
  PrometheusIntake intake({}, WallTime{1'800'000'000'000'000'000}, memory, limits);
  for (int i = 0; i < 60; ++i) {
    std::string id = std::to_string(i);
    std::vector<Label> labels{{"__name__", "jobs"}, {"instance", "web-01"}, {"job_id", id}, {"queue", "a"}};
    intake.begin_series(labels, MetricType::gauge);
    intake.sample(1'800'000'000'000, 1);
  }
  PrometheusIngested taken = intake.finish();
  ASSERT_EQ(taken.overflow.size(), 1U);
  const auto& [instance, spread] = *taken.overflow.begin();
  EXPECT_EQ(instance.value, "web-01");
  EXPECT_EQ(spread.widest().label, "job_id");
  EXPECT_EQ(spread.widest().values, 50U);
}

}  // namespace
}  // namespace mien::wire
