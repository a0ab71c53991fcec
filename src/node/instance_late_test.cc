// A finding that opened on late evidence, and what live evidence makes of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "node/instance.h"
#include "node/series_table.h"

namespace mien::node {
namespace {

constexpr WallTime start{1'700'000'000'000'000'000};
const MetricName cpu{"system.cpu.utilization"};

// One instance that declares its CPU to be 0.1 give or take 0.05, and an agent that was cut off for three minutes.
class CutOff {
 public:
  // Seconds `from` to `to` after the start, as they arrive `delay` later.
  void pass(int from, int to, double value, Duration delay) {
    for (int second = from; second < to; ++second) {
      WallTime at = start + std::chrono::seconds{second};
      model::Frame frame = frame_of(at, value);
      Instance::Step step{.now = at + delay, .position = ++position_, .part = 0};
      if (!instance_) make_instance(step, frame.instances[0]);
      Effects effects;
      instance_->on_frame(step, frame, frame.instances[0], effects);
      collect(std::move(effects));
    }
  }

  [[nodiscard]] const std::vector<OpenFinding>& open() const { return instance_->state().open; }
  [[nodiscard]] std::size_t told(std::string_view type, bool late) const {
    return static_cast<std::size_t>(std::count_if(told_.begin(), told_.end(), [&](const Notice& notice) {
      return notice.type == type && notice.finding && notice.finding->late == late;
    }));
  }
  [[nodiscard]] std::size_t audited(std::string_view verb) const {
    return static_cast<std::size_t>(std::count_if(audit_.begin(), audit_.end(),
                                                  [&](const model::AuditEvent& event) { return event.verb == verb; }));
  }
  [[nodiscard]] const model::Finding& kept() const { return kept_; }

 private:
  model::Frame frame_of(WallTime at, double value) {
    model::Delivery delivery{
        .source = "web-01", .epoch = 1, .sequence = ++sequence_, .authenticated = true, .instances = {}};
    delivery.instances.push_back({.instance = InstanceName{"web-01"},
                                  .type = model::InstanceType::host,
                                  .parent = {},
                                  .identities = {},
                                  .series = {{.metric = cpu, .attributes = {}, .unit = "1", .kind = {}}},
                                  .batch = {.times = {at}, .series = {}, .values = {value}},
                                  .refused = 0});
    return series_.number(std::move(delivery));
  }

  void make_instance(const Instance::Step& step, const model::InstanceFrame& first) {
    instance_.emplace(InstanceName{"web-01"}, first, step.now);
    Assignment assignment{.persona = PersonaName{"web"}, .reason = "test", .expectation = {}, .pool = {}, .labels = {}};
    model::DeclaredMetric declared;
    declared.distribution = {.kind = model::DistributionKind::normal, .a = 0.1, .b = 0.05};
    assignment.expectation.metrics[cpu.value] = declared;
    Effects effects;
    instance_->assign(step, std::move(assignment), effects);
  }

  void collect(Effects effects) {
    for (const store::Write& write : effects.writes) {
      if (write.table == store::Table::finding) kept_ = decode<model::Finding>(*write.bytes, "finding").value();
    }
    std::move(effects.notices.begin(), effects.notices.end(), std::back_inserter(told_));
    std::move(effects.audit.begin(), effects.audit.end(), std::back_inserter(audit_));
  }

  SeriesTable series_;
  std::optional<Instance> instance_;
  std::uint64_t sequence_ = 0;
  store::LogPosition position_ = 0;
  std::vector<Notice> told_;
  std::vector<model::AuditEvent> audit_;
  model::Finding kept_;
};

constexpr Duration cut = 150s;

TEST(InstanceLate, WhatBeganUnseenAndEndedUnseenStaysForTheRecord) {
  CutOff host;
  host.pass(0, 20, 0.1, 0s);
  host.pass(20, 30, 1.0, cut);
  ASSERT_EQ(host.open().size(), 1U);
  EXPECT_TRUE(host.open()[0].finding.late);
  EXPECT_EQ(host.told("finding.opened", true), 1U);
  host.pass(30, 60, 0.1, cut);
  host.pass(60, 200, 0.1, 0s);
  EXPECT_TRUE(host.open().empty());
  EXPECT_TRUE(host.kept().late);
  EXPECT_EQ(host.told("finding.opened", false) + host.told("finding.updated", false), 0U);
  EXPECT_EQ(host.audited("finding.confirmed"), 0U);
}

TEST(InstanceLate, WhatGoesOnInLiveEvidenceIsNoLongerLateAndIsToldOnce) {
  CutOff host;
  host.pass(0, 20, 0.1, 0s);
  host.pass(20, 60, 1.0, cut);
  ASSERT_EQ(host.open().size(), 1U);
  EXPECT_TRUE(host.open()[0].finding.late);
  EXPECT_EQ(host.audited("finding.confirmed"), 0U);
  host.pass(60, 300, 1.0, 0s);
  ASSERT_EQ(host.open().size(), 1U);
  EXPECT_FALSE(host.open()[0].finding.late);
  EXPECT_FALSE(host.kept().late);
  EXPECT_EQ(host.audited("finding.opened"), 1U);
  EXPECT_EQ(host.audited("finding.confirmed"), 1U);
  EXPECT_GE(host.told("finding.updated", false), 1U);
}

// The evidence of a hog that ended the moment the network came back runs down over the next rows, and the report that
// is due a minute after the last one falls among them.
TEST(InstanceLate, AReportOnQuietLiveRowsConfirmsNothing) {
  for (int until = 24; until < 100; ++until) {
    CutOff host;
    host.pass(0, 20, 0.1, 0s);
    host.pass(20, until, 1.0, cut);
    host.pass(until, until + 60, 0.1, 0s);
    EXPECT_TRUE(host.open().empty()) << until;
    EXPECT_TRUE(host.kept().late) << until;
    EXPECT_EQ(host.told("finding.updated", false), 0U) << until;
  }
}

}  // namespace
}  // namespace mien::node
