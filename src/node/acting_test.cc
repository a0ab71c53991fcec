#include "node/acting.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "node/testing/small_manager.h"

namespace mien::node {
namespace {

using namespace testing;

const std::string service = "hog.service@web-01";

model::Resource limit_cpu(const std::string& mode) {
  model::Value::Map step{{"do", "limit"}, {"with", model::Value::Map{{"cpu", "50%"}}}, {"lease", "10m"}};
  return resource_of(model::ResourceKind::policy, "contain",
                     {{"mode", mode},
                      {"match", model::Value::Map{{"severity", "info"}}},
                      {"ladder", model::Value::List{model::Value{std::move(step)}}},
                      {"guards", model::Value::Map{{"settle", "20s"}, {"cooldown", "1m"}, {"dwell", "1s"}}}});
}

AgentReported may_limit() {
  return {.agent = "web-01",
          .abilities = model::Abilities{.agent = "web-01",
                                        .boot_id = "boot",
                                        .can = {"limit"},
                                        .allow = {"limit"},
                                        .never_touch = {},
                                        .held = false},
          .reports = {}};
}

AgentReported said(const ActionId& action, model::ActionState state, WallTime at,
                   model::EndReason reason = model::EndReason::none) {
  model::ActionReport report;
  report.action = action;
  report.state = state;
  report.reason = reason;
  report.at = at;
  report.expires_at = at + 10min;
  report.changes = {{.key = "cpu.max", .before = "max 100000", .after = "50000 100000", .found = {}}};
  return {.agent = "web-01", .abilities = {}, .reports = {report}};
}

struct Acted : SmallManager {
  Acted(const std::string& mode, bool allowed) {
    settle_in(service);
    if (allowed) report(may_limit());
    EXPECT_TRUE(put(limit_cpu(mode)).status.ok());
    for (int i = 0; i < 5; ++i) second(1.0, service);
  }
  std::vector<model::Decision> decisions() {
    std::vector<model::Decision> all;
    Result<std::vector<store::Entry>> entries = ledger.scan(store::Table::decision, "", "", 1000);
    for (const store::Entry& entry : *entries) all.push_back(decode<model::Decision>(entry.bytes, "decision").value());
    return all;
  }
  const model::Action* only_action() {
    const auto& actions = driver->view()->board->actions;
    return actions.size() == 1 ? &actions.begin()->second : nullptr;
  }
};

TEST(Acting, InObserveADecisionSaysWhatWouldHaveBeenDoneAndNothingIsOrdered) {
  Acted world("observe", true);
  ASSERT_EQ(world.instance(service)->findings.size(), 1U);
  ASSERT_FALSE(world.decisions().empty());
  EXPECT_EQ(world.decisions().front().outcome, model::Outcome::observed);
  EXPECT_EQ(world.decisions().front().policy.value, "contain");
  EXPECT_TRUE(world.driver->view()->board->actions.empty());
}

TEST(Acting, WhatTheMachineDoesNotAllowIsRefusedAndTheDecisionSaysSo) {
  Acted world("enforce", false);
  ASSERT_FALSE(world.decisions().empty());
  const model::Decision decision = world.decisions().front();
  EXPECT_EQ(decision.outcome, model::Outcome::refused);
  ASSERT_FALSE(decision.guards.empty());
  EXPECT_FALSE(decision.guards.back().allowed);
  EXPECT_TRUE(world.driver->view()->board->actions.empty());
}

TEST(Acting, AProposalWaitsForAPersonAndIsOrderedOnceApproved) {
  Acted world("propose", true);
  const model::Action* action = world.only_action();
  ASSERT_NE(action, nullptr);
  EXPECT_EQ(action->state, model::ActionState::proposed);
  EXPECT_EQ(action->target.value, service);
  EXPECT_EQ(world.instance(service)->findings[0].actions, std::vector<std::string>{action->id.value});
  ActionId id = action->id;
  ASSERT_TRUE(world.give(ApproveAction{.action = id}).status.ok());
  EXPECT_EQ(world.only_action()->state, model::ActionState::ordered);
  EXPECT_FALSE(world.give(ApproveAction{.action = id}).status.ok()) << "it is approved already";
}

TEST(Acting, InEnforceItIsOrderedAppliedAndTakenBackWhenItsLeaseEnds) {
  Acted world("enforce", true);
  ASSERT_NE(world.only_action(), nullptr);
  ActionId id = world.only_action()->id;
  EXPECT_EQ(world.only_action()->state, model::ActionState::ordered);
  world.report(said(id, model::ActionState::applied, world.now));
  EXPECT_EQ(world.only_action()->state, model::ActionState::applied);
  EXPECT_TRUE(world.driver->manager().find(InstanceName{service})->state().acted_on);
  world.report(said(id, model::ActionState::reverted, world.now, model::EndReason::agent_ended));
  EXPECT_EQ(world.only_action()->state, model::ActionState::reverted);
}

TEST(Acting, ARestartedManagerRemembersWhatItOrderedAndOrdersNothingTwice) {
  Acted world("enforce", true);
  ASSERT_NE(world.only_action(), nullptr);
  model::Action before = *world.only_action();
  world.restart();
  ASSERT_NE(world.only_action(), nullptr);
  EXPECT_EQ(*world.only_action(), before);
  for (int i = 0; i < 5; ++i) world.second(1.0, service);
  EXPECT_EQ(world.driver->view()->board->actions.size(), 1U);
}

TEST(Acting, AHoldStopsActingUntilItIsResumed) {
  SmallManager world;
  world.settle_in(service);
  world.report(may_limit());
  ASSERT_TRUE(world.give(PutHold{.scope = {}, .lasting = 1h}).status.ok());
  ASSERT_TRUE(world.put(limit_cpu("enforce")).status.ok());
  for (int i = 0; i < 12; ++i) world.second(1.0, service);
  EXPECT_TRUE(world.driver->view()->board->actions.empty());
  ASSERT_TRUE(world.give(EndHold{.scope = {}}).status.ok());
  for (int i = 0; i < 12; ++i) world.second(1.0, service);
  EXPECT_EQ(world.driver->view()->board->actions.size(), 1U);
}

TEST(Acting, WhatACoolDownHeldBackHappensAtTheFirstSecondAfterIt) {
  Acted world("enforce", true);
  world.report(said(world.only_action()->id, model::ActionState::applied, world.now));
  world.report(said(world.only_action()->id, model::ActionState::reverted, world.now, model::EndReason::agent_ended));
  WallTime ended = world.now;
  auto ordered = [&] {
    const auto& actions = world.driver->view()->board->actions;
    return std::any_of(actions.begin(), actions.end(),
                       [](const auto& each) { return each.second.state == model::ActionState::ordered; });
  };
  while (!ordered() && world.now < ended + 2min) {
    world.now = world.now + 1s;
    world.append(world.frame_of(service, 1.0));
    world.fold();
    if (!world.driver->time_matters(world.now)) continue;
    world.append(TickPassed{});
    world.fold();
  }
  EXPECT_EQ(world.now - ended, 1min);
}

TEST(Acting, ReleasingSaysWhatWasInForceAndWhatWasOnlyProposed) {
  Acted world("propose", true);
  EXPECT_EQ(world.give(ReleaseActions{.instance = {}}).note, "1 proposal, which never began, is rejected");
  EXPECT_EQ(world.give(ReleaseActions{.instance = {}}).note, "0 actions are being taken back");
  Acted acting("enforce", true);
  EXPECT_EQ(acting.give(ReleaseActions{.instance = {}}).note, "1 action is being taken back");
}

TEST(Acting, WhatCanNotBeTakenBackIsATroubleOfItsTargetAndItsHost) {
  Acted world("enforce", true);
  AgentReported stuck = said(world.only_action()->id, model::ActionState::reverting, world.now);
  stuck.reports[0].note = "cpu.max can not be put back yet";
  world.report(stuck);
  const ActionBoard& board = *world.driver->view()->board;
  ASSERT_EQ(board.troubles.size(), 2U);
  EXPECT_NE(board.troubles.at(InstanceName{"web-01"})[0].find("cpu.max can not be put back yet"), std::string::npos);
  EXPECT_TRUE(board.troubles.contains(InstanceName{service}));
}

TEST(Acting, APolicyThatCanNotBeUnderstoodIsRefusedAtTheDoor) {
  SmallManager world;
  model::Resource policy = limit_cpu("observe");
  (*policy.spec.map())["when"] = "load.cpu >";
  Answer answer = world.put(policy);
  ASSERT_FALSE(answer.status.ok());
  EXPECT_EQ(answer.status.error().code, Code::invalid);
}

}  // namespace
}  // namespace mien::node
