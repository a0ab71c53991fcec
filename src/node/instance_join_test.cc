// A host's agent and what else tells of the same host.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "node/instance.h"
#include "node/series_table.h"

namespace mien::node {
namespace {

constexpr WallTime start{1'700'000'000'000'000'000};

struct Host {
  SeriesTable table;
  std::optional<Instance> instance;
  std::uint64_t number = 0;

  Counters tell(int at, const std::string& source, bool authenticated, std::vector<std::string> metrics) {
    model::Delivery delivery{.source = source,
                             .epoch = source.empty() ? 0U : 1U,
                             .sequence = source.empty() ? 0U : ++number,
                             .authenticated = authenticated,
                             .instances = {}};
    model::DeliveredInstance one;
    one.instance = InstanceName{"web-01"};
    one.batch.times = {start + std::chrono::seconds{at}};
    for (std::string& metric : metrics) {
      one.series.push_back({.metric = MetricName{std::move(metric)}, .attributes = {}, .unit = "1", .kind = {}});
      one.batch.values.push_back(at);
    }
    delivery.instances = {one};
    model::Frame frame = table.number(std::move(delivery));
    Instance::Step step{
        .now = start + std::chrono::seconds{at}, .position = static_cast<store::LogPosition>(at + 1), .part = 0};
    if (!instance) instance.emplace(InstanceName{"web-01"}, frame.instances[0], step.now);
    Effects effects;
    return instance->on_frame(step, frame, frame.instances[0], effects);
  }
  [[nodiscard]] bool has_condition() const { return !instance->state().conditions.empty(); }
};

TEST(InstanceJoin, AnExporterThatIsVouchedForAddsWhatTheAgentDoesNotTell) {
  Host host;
  EXPECT_EQ(host.tell(0, "web-01", true, {"system.cpu.utilization"}).samples, 1U);
  Counters joined = host.tell(1, "", true, {"system.cpu.utilization", "nginx_requests"});
  EXPECT_EQ(joined.samples, 1U);
  EXPECT_EQ(joined.samples_duplicate, 1U) << "of each metric one source teaches, the agent first";
  EXPECT_FALSE(host.has_condition());
  EXPECT_EQ(host.instance->state().source, "web-01") << "it stays the agent's";
  EXPECT_EQ(host.tell(2, "web-01", true, {"system.cpu.utilization"}).samples, 1U);
}

TEST(InstanceJoin, WhatTheAgentTellsAlreadyMakesNoRow) {
  Host host;
  host.tell(0, "web-01", true, {"system.cpu.utilization"});
  WallTime before = host.instance->state().last_seen;
  EXPECT_EQ(host.tell(1, "", true, {"system.cpu.utilization"}).samples, 0U);
  EXPECT_EQ(host.instance->state().last_seen, before);
}

TEST(InstanceJoin, AStrangerIsRefusedAndSaid) {
  Host host;
  host.tell(0, "web-01", true, {"system.cpu.utilization"});
  Counters refused = host.tell(1, "", false, {"nginx_requests"});
  EXPECT_EQ(refused.samples, 0U);
  EXPECT_EQ(refused.samples_refused, 1U);
  EXPECT_TRUE(host.has_condition());
}

TEST(InstanceJoin, AStrangersSeriesDoNotShutOutTheAgentsNextOnes) {
  Host host;
  host.tell(0, "web-01", true, {"system.cpu.utilization"});
  host.tell(1, "", false, {"nginx_requests", "nginx_errors"});
  Counters counted = host.tell(2, "web-01", true, {"system.cpu.utilization", "system.memory.usage"});
  EXPECT_EQ(counted.samples, 2U);
  EXPECT_EQ(counted.samples_refused, 0U);
}

}  // namespace
}  // namespace mien::node
