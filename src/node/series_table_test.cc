#include "node/series_table.h"

#include <gtest/gtest.h>

namespace mien::node {
namespace {

model::Delivery delivery(int from, int to) {
  model::DeliveredInstance one;
  one.instance = InstanceName("web-01");
  one.batch.times = {WallTime{1}};
  for (int i = from; i < to; ++i) {
    one.series.push_back({.metric = MetricName("jobs"), .attributes = {{"job_id", std::to_string(i)}}, .unit = {}});
    one.batch.values.push_back(i);
  }
  model::Delivery made;
  made.instances = {one};
  return made;
}

TEST(SeriesTable, WhatIsOverTheLimitIsCountedAndItsLabelsRemembered) {
  SeriesTable table;
  EXPECT_EQ(table.number(delivery(0, 1'000)).instances[0].refused, 0U);
  EXPECT_TRUE(table.take_overflow().empty());
  EXPECT_EQ(table.number(delivery(900, 1'200)).instances[0].refused, 176U);
  auto overflow = table.take_overflow();
  ASSERT_EQ(overflow.size(), 1U);
  EXPECT_EQ(overflow.begin()->second.widest().label, "job_id");
  EXPECT_EQ(overflow.begin()->second.widest().values, 176U);
  EXPECT_TRUE(table.take_overflow().empty());
}

}  // namespace
}  // namespace mien::node
