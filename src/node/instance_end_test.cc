// What becomes of an instance whose sender says that its series ended.
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "node/instance.h"
#include "node/series_table.h"

namespace mien::node {
namespace {

constexpr WallTime start{1'700'000'000'000'000'000};

// Two series of a machine that somebody else scrapes; nothing is numbered.
struct Scraped {
  SeriesTable table;
  std::optional<Instance> instance;
  store::LogPosition position = 0;
  std::vector<Notice> told;

  void second(int at, double load, double requests, model::InstanceType type = model::InstanceType::external) {
    model::Delivery delivery;
    delivery.instances.push_back(
        {.instance = InstanceName{"web-01"},
         .type = type,
         .parent = {},
         .identities = {},
         .series =
             {{.metric = MetricName{"load"}, .attributes = {}, .unit = "1", .kind = {}},
              {.metric = MetricName{"requests"}, .attributes = {}, .unit = "1", .kind = model::SeriesKind::counter}},
         .batch = {.times = {start + std::chrono::seconds{at}}, .series = {}, .values = {load, requests}},
         .refused = 0});
    model::Frame frame = table.number(std::move(delivery));
    Instance::Step step{.now = start + std::chrono::seconds{at}, .position = ++position, .part = 0};
    if (!instance) instance.emplace(InstanceName{"web-01"}, frame.instances[0], step.now);
    Effects effects;
    instance->on_frame(step, frame, frame.instances[0], effects);
    told.insert(told.end(), effects.notices.begin(), effects.notices.end());
  }
  [[nodiscard]] std::size_t open() const { return instance->state().open.size(); }
};

TEST(InstanceEnd, WhenEverySeriesHasEndedItIsSilentAtOnce) {
  Scraped host;
  for (int i = 0; i < 20; ++i) host.second(i, 1, i * 5);
  host.second(20, model::ended, 100);
  EXPECT_EQ(host.open(), 0U) << "one of two is no silence";
  host.second(21, model::missing, model::ended);
  ASSERT_EQ(host.open(), 1U);
  const model::Finding& finding = host.instance->state().open[0].finding;
  EXPECT_EQ(finding.kind, model::FindingKind::silence);
  EXPECT_NE(finding.summary.find("ended"), std::string::npos);
  host.second(22, model::ended, model::ended);
  EXPECT_EQ(host.open(), 1U) << "said once";
}

TEST(InstanceEnd, WhatComesBackEndsTheSilenceAndItsCountersStartAnew) {
  Scraped host;
  for (int i = 0; i < 20; ++i) host.second(i, 1, i * 5);
  host.second(20, model::ended, model::ended);
  ASSERT_EQ(host.open(), 1U);
  host.second(30, 1, 1'000'000);
  EXPECT_EQ(host.open(), 0U);
  // No rate over the gap: the counter may have been another one.
  EXPECT_TRUE(std::isnan(host.instance->state().pending.values.back()));
  host.second(31, 1, 1'000'007);
  EXPECT_EQ(host.instance->state().pending.values.back(), 7);
}

TEST(InstanceEnd, AlertsOfOthersAreNoSignOfLife) {
  Scraped host;
  for (int i = 0; i < 20; ++i) host.second(i, 1, i * 5);
  model::Delivery alert;
  alert.instances.push_back(
      {.instance = InstanceName{"web-01"},
       .type = {},
       .parent = {},
       .identities = {},
       .series = {{.metric = MetricName{"alert.firing"}, .attributes = {}, .unit = "1", .kind = {}}},
       .batch = {.times = {start + 20s}, .series = {}, .values = {1}},
       .refused = 0});
  model::Frame frame = host.table.number(std::move(alert));
  Effects effects;
  host.instance->on_frame({.now = start + 20s, .position = ++host.position}, frame, frame.instances[0], effects);
  host.second(21, model::ended, model::ended);
  EXPECT_EQ(host.open(), 1U);
}

TEST(InstanceEnd, TheEndOfAServiceIsNoFault) {
  Scraped host;
  for (int i = 0; i < 20; ++i) host.second(i, 1, i * 5, model::InstanceType::service);
  host.second(20, model::ended, model::ended, model::InstanceType::service);
  EXPECT_EQ(host.open(), 0U);
}

TEST(InstanceEnd, IsRememberedAcrossARestart) {
  Scraped host;
  for (int i = 0; i < 20; ++i) host.second(i, 1, i * 5);
  host.second(20, model::ended, 100);
  auto restored = Instance::decode(host.instance->encode(7));
  ASSERT_TRUE(restored.ok());
  host.instance = std::move(restored->instance);
  host.second(21, model::missing, model::ended);
  EXPECT_EQ(host.open(), 1U);
}

}  // namespace
}  // namespace mien::node
