#include "edge/outbound/alerts.h"

#include <gtest/gtest.h>

#include "edge/api/testing/fake_manager.h"

namespace mien::edge {
namespace {

struct Alerts : ::testing::Test {
  testing::FakeManager manager;
  WallTime now{1'800'000'000'000'000'000};
  AlertRules rules{.manager = "mien-1", .url = "http://127.0.0.1:7070", .labels = {{"site", "hall-2"}}};

  node::InstanceView& with_finding(const std::string& id) {
    node::InstanceView& seen = manager.add_instance("web-01", model::InstanceType::host, 0.9);
    model::Finding finding;
    finding.id = FindingId(id);
    finding.instance = seen.name;
    finding.persona = seen.persona;
    finding.kind = model::FindingKind::level;
    finding.severity = model::Severity::high;
    finding.opened_at = now - std::chrono::minutes{3};
    finding.summary = "system.cpu.utilization stays high";
    seen.findings = {finding};
    return seen;
  }
  NotifyBudget budget{std::nullopt, std::make_shared<OutboundMeters>()};

  std::vector<Alert> firing() { return alerts_of(*manager.shown, rules, budget, now); }
};

TEST_F(Alerts, AFindingIsAnAlertWithLabelsThatStayTheSame) {
  node::InstanceView& seen = with_finding("f-1");
  std::vector<Alert> first = firing();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].labels, (Alert::Labels{{"alertname", "MienFinding"},
                                            {"finding", "f-1"},
                                            {"instance", "web-01"},
                                            {"kind", "level"},
                                            {"mien", "mien-1"},
                                            {"persona", "linux-server"},
                                            {"severity", "high"},
                                            {"site", "hall-2"},
                                            {"type", "host"}}));
  EXPECT_EQ(first[0].starts_at, now - std::chrono::minutes{3});
  EXPECT_EQ(first[0].ends_at, now + std::chrono::minutes{4});
  EXPECT_EQ(first[0].annotations["summary"], "system.cpu.utilization stays high");
  now = now + std::chrono::minutes{1};
  seen.drift.score = 0.99;
  seen.findings[0].score = 0.99;
  seen.findings[0].updated_at = now;
  seen.findings[0].state = model::FindingState::acknowledged;
  std::vector<Alert> second = firing();
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].labels, first[0].labels);
  EXPECT_EQ(second[0].starts_at, first[0].starts_at);
}

TEST_F(Alerts, TheMostSevereAreTheFleetsBudgetsFirst) {
  node::InstanceView& seen = with_finding("f-1");
  seen.findings.push_back(seen.findings[0]);
  seen.findings[0].severity = model::Severity::low;
  seen.findings[1].id = FindingId("f-2");
  NotifyBudget one{NotifyLimit{.findings = 1, .within = std::chrono::hours{24}}, std::make_shared<OutboundMeters>()};
  std::vector<Alert> told = alerts_of(*manager.shown, rules, one, now);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].labels["finding"], "f-2");
}

TEST_F(Alerts, EvidenceThatWasOldOnArrivalNotifiesNobody) {
  with_finding("f-1").findings[0].late = true;
  EXPECT_TRUE(firing().empty());
}

TEST_F(Alerts, WhatEndedIsToldForAWhileWithItsEnd) {
  node::InstanceView& seen = with_finding("f-1");
  AlertMemory memory;
  EXPECT_EQ(memory.tell(firing(), now).size(), 1U);
  seen.findings.clear();
  now = now + std::chrono::minutes{1};
  WallTime ended = now;
  for (int minute = 0; minute <= 15; ++minute) {
    std::vector<Alert> told = memory.tell(firing(), now);
    ASSERT_EQ(told.size(), 1U) << minute;
    EXPECT_EQ(told[0].ends_at, ended);
    now = now + std::chrono::minutes{1};
  }
  EXPECT_TRUE(memory.tell(firing(), now).empty());
}

TEST_F(Alerts, AFindingThatGetsWorseEndsTheMilderAlert) {
  node::InstanceView& seen = with_finding("f-1");
  AlertMemory memory;
  (void)memory.tell(firing(), now);
  seen.findings[0].severity = model::Severity::critical;
  std::vector<Alert> told = memory.tell(firing(), now);
  ASSERT_EQ(told.size(), 2U);
  for (const Alert& alert : told)
    EXPECT_EQ(alert.ends_at > now, alert.labels.at("severity") == "critical") << alert.labels.at("severity");
}

TEST_F(Alerts, MienAliveAlwaysFires) {
  Alert alive = alive_alert(rules, now, now + std::chrono::hours{5});
  EXPECT_EQ(alive.labels.at("alertname"), "MienAlive");
  EXPECT_EQ(alive.starts_at, now);
  EXPECT_GT(alive.ends_at, now + std::chrono::hours{5});
}

TEST_F(Alerts, AreAListOfJsonAsAlertmanagerReadsIt) {
  with_finding("f-1").findings[0].summary = "a \"quoted\" \xff word";
  auto body = wire::parse_document(alerts_body(firing()));
  ASSERT_TRUE(body.ok());
  ASSERT_TRUE(body->is_array());
  EXPECT_EQ((*body)[0]["labels"]["alertname"], "MienFinding");
  EXPECT_EQ((*body)[0]["startsAt"], to_rfc3339(now - std::chrono::minutes{3}));
  EXPECT_EQ((*body)[0]["generatorURL"], "http://127.0.0.1:7070/api/v1/findings/f-1");
}

}  // namespace
}  // namespace mien::edge
