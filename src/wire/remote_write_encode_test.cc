#include "wire/remote_write_encode.h"

#include <gtest/gtest.h>

#include "wire/remote_write.h"

namespace mien::wire {
namespace {

TEST(RemoteWriteEncode, WhatItWritesTheDoorReads) {
  std::string body = encode_remote_write({{.labels = {{"__name__", "queue_length"}, {"instance", "web-01"}, {"a", "b"}},
                                           .samples = {{.milliseconds = 1'800'000'000'000, .value = -2.5},
                                                       {.milliseconds = 1'800'000'001'000, .value = 3e300}}}});
  PrometheusMemory memory;
  auto taken = decode_remote_write(RemoteWriteVersion::v1, body, {}, WallTime{1'800'000'001'000'000'000}, memory);
  ASSERT_TRUE(taken.ok());
  ASSERT_EQ(taken->delivery.instances.size(), 1U);
  const model::DeliveredInstance& one = taken->delivery.instances[0];
  EXPECT_EQ(one.instance.value, "web-01");
  EXPECT_EQ(one.batch.times.size(), 2U);
  EXPECT_EQ(one.batch.values, (std::vector<double>{-2.5, 3e300}));
  EXPECT_EQ(one.series.at(0).attributes.at("a"), "b");
}

TEST(RemoteWriteEncode, LabelsAreInOrderAndStandOnce) {
  std::string body = encode_remote_write(
      {{.labels = {{"b", "1"}, {"a", "2"}, {"b", "3"}, {"empty", ""}}, .samples = {{.milliseconds = 1, .value = 1}}}});
  EXPECT_LT(body.find('a'), body.find('b'));
  EXPECT_EQ(body.find('3'), std::string::npos);
  EXPECT_EQ(body.find("empty"), std::string::npos);
}

TEST(RemoteWriteEncode, OurNamesBecomeThoseOfPrometheus) {
  model::Series series{.metric = MetricName("system.disk.io"),
                       .attributes = {{"disk.io.direction", "read"}, {"instance", "x"}},
                       .unit = "By/s",
                       .kind = model::SeriesKind::counter};
  auto labels = prometheus_labels(series, InstanceName("web-01"));
  std::map<std::string, std::string> all(labels.begin(), labels.end());
  EXPECT_EQ(all.at("__name__"), "system_disk_io_bytes_per_second");
  EXPECT_EQ(all.at("instance"), "web-01");
  EXPECT_EQ(all.at("disk_io_direction"), "read");
  EXPECT_EQ(all.at("exported_instance"), "x");
  series.metric = MetricName("9lives.ratio");
  series.unit = "1";
  EXPECT_EQ(prometheus_labels(series, InstanceName("a"))[0].second, "_9lives_ratio");
}

}  // namespace
}  // namespace mien::wire
