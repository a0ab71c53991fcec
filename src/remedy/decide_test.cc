#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remedy/testing/stage.h"

namespace mien::remedy {
namespace {

using model::ActionState;
using model::EndReason;
using model::Mode;
using model::Outcome;
using model::Verb;
using testing::alert;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::limit_cpu;
using ::testing::Not;
using testing::said_by;
using testing::Stage;

TEST(DecideTest, EnforcesWithItsDecisionAsTheCause) {
  Stage stage;
  auto [decision, written] = stage.decide();
  EXPECT_TRUE(written);
  EXPECT_EQ(decision.outcome, Outcome::acted);
  EXPECT_EQ(decision.action.value, "a-7-1");
  EXPECT_EQ(decision.summary, "contain acts: limit cpu of nginx.service@web-01 to 50% for 30m");
  ASSERT_EQ(stage.out.audit.size(), 1U);
  EXPECT_EQ(stage.out.audit[0].verb, "action.ordered");
  EXPECT_EQ(stage.out.audit[0].cause, "Decision/d-1");
  EXPECT_EQ(stage.out.audit[0].subject, "Action/a-7-1");
  EXPECT_THAT(stage.out.hold_learning, ElementsAre(InstanceName{"nginx.service@web-01"}, InstanceName{"web-01"}));
  auto orders = stage.remedy.orders_for(InstanceName{"web-01"});
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].version, 1U);
  EXPECT_EQ(orders[0].lease, 30min);
  EXPECT_EQ(orders[0].valid_until, stage.at.now + 2min);
  EXPECT_FALSE(orders[0].revert);
  EXPECT_TRUE(stage.remedy.orders_for(InstanceName{"db-01"}).empty());
}

TEST(DecideTest, EveryGuardSaysItsAnswerInOrder) {
  Stage stage;
  std::vector<std::string> asked;
  for (const auto& verdict : stage.decide().decision.guards) {
    EXPECT_TRUE(verdict.allowed) << verdict.guard << ": " << verdict.why;
    EXPECT_FALSE(verdict.why.empty()) << verdict.guard;
    asked.push_back(verdict.guard);
  }
  EXPECT_THAT(asked, ElementsAre("protect", "mode", "hold", "ladder", "target", "authenticated", "telemetry", "late",
                                 "never_touch", "allow", "can", "busy", "owner", "cooldown", "repeats",
                                 "max_unavailable", "budget", "approval"));
}

TEST(DecideTest, ObservingTouchesNothingAndSaysWhatItWouldHaveDone) {
  Stage stage;
  stage.policy.mode = Mode::observe;
  auto [decision, written] = stage.decide();
  EXPECT_TRUE(written);
  EXPECT_EQ(decision.outcome, Outcome::observed);
  EXPECT_EQ(decision.summary, "contain would limit cpu of nginx.service@web-01 to 50% for 30m, but it only observes");
  EXPECT_EQ(said_by(decision, "budget"), "yes: 0 of 3 actions per 1h are spent");
  EXPECT_TRUE(stage.remedy.unfinished().empty());
  EXPECT_TRUE(stage.out.changed.empty());
  EXPECT_FALSE(stage.decide().written) << "the same again is not written again";
}

TEST(DecideTest, ObservingSaysWhenAGuardWouldHaveRefusedAnyway) {
  Stage stage;
  stage.policy.mode = Mode::observe;
  stage.target.telemetry_lost = true;
  auto decision = stage.decide().decision;
  EXPECT_EQ(decision.outcome, Outcome::refused);
  EXPECT_THAT(decision.summary, HasSubstr("(telemetry): nothing is heard of nginx.service@web-01"));
}

TEST(DecideTest, AProtectingPolicyBeatsAnActingOne) {
  Stage stage;
  model::Policy shield;
  shield.name = PolicyName{"shield"};
  shield.protect = true;
  stage.protector = &shield;
  auto decision = stage.decide().decision;
  EXPECT_EQ(decision.outcome, Outcome::protected_);
  EXPECT_EQ(decision.summary, "shield protects web-01: nothing may be done to it");
  EXPECT_TRUE(stage.remedy.unfinished().empty());
}

TEST(DecideTest, NoPolicyIsSaidOnce) {
  Stage stage;
  Wish wish{.finding = &stage.finding, .matched = {}, .protector = nullptr, .resolve = {}};
  model::Decision decision;
  EXPECT_TRUE(stage.remedy.decide(stage.at, wish, decision, stage.out));
  EXPECT_EQ(decision.outcome, Outcome::no_rule);
  EXPECT_FALSE(stage.remedy.decide(stage.at, wish, decision, stage.out));
}

TEST(DecideTest, TheFirstPolicyWhoseGuardsAllowWinsAndTheOthersWait) {
  Stage stage;
  stage.policy.mode = Mode::observe;
  model::Policy second = stage.policy;
  second.name = PolicyName{"second"};
  second.mode = Mode::enforce;
  model::Policy third = second;
  third.name = PolicyName{"third"};
  stage.others = {&second, &third};
  auto decision = stage.decide().decision;
  EXPECT_EQ(decision.outcome, Outcome::acted);
  EXPECT_EQ(decision.policy.value, "second");
  EXPECT_EQ(decision.guards.back().policy.value, "third");
  EXPECT_EQ(decision.guards.back().why, "second acts first");
  EXPECT_EQ(stage.remedy.unfinished().size(), 1U);
}

TEST(DecideTest, AHoldOfEverythingInstanceOrPoolRefuses) {
  for (HoldScope scope : {HoldScope{}, HoldScope{.instance = InstanceName{"web-01"}, .pool = {}, .learning = false},
                          HoldScope{.instance = {}, .pool = PoolName{"web"}, .learning = false}}) {
    Stage stage;
    stage.remedy.hold(stage.at, scope, stage.at.now + 1h, "admin", stage.out);
    EXPECT_EQ(said_by(stage.decide().decision, "hold"), "no: admin holds " + to_text(scope) + " until 14:00 UTC");
    stage.live(1h);
    EXPECT_THAT(stage.audited(), Contains("hold.ended"));
    EXPECT_EQ(stage.decide().decision.outcome, Outcome::acted);
  }
}

TEST(DecideTest, AHoldOfSomebodyElseOrOfLearningDoesNot) {
  Stage stage;
  stage.remedy.hold(stage.at, {.instance = InstanceName{"db-01"}, .pool = {}, .learning = false}, {}, "admin",
                    stage.out);
  stage.remedy.hold(stage.at, {.instance = {}, .pool = {}, .learning = true}, {}, "admin", stage.out);
  EXPECT_EQ(stage.decide().decision.outcome, Outcome::acted);
  EXPECT_TRUE(stage.remedy.learning_held(InstanceName{"web-01"}, PoolName{"web"}, stage.at.now));
}

TEST(DecideTest, TheMachinesOwnHoldFileRefuses) {
  Stage stage;
  auto abilities = stage.abilities();
  abilities.held = true;
  stage.remedy.on_abilities(stage.at, abilities, stage.out);
  EXPECT_EQ(said_by(stage.decide().decision, "hold"), "no: the hold file is there on web-01");
  EXPECT_THAT(stage.audited(), ElementsAre("hold.begun"));
}

TEST(DecideTest, ATargetThatCanNotBeFoundIsSaidWithItsReason) {
  Stage stage;
  stage.unresolved = "no service of web-01 stands out";
  auto decision = stage.decide().decision;
  EXPECT_EQ(said_by(decision, "target"), "no: no service of web-01 stands out");
  EXPECT_EQ(decision.outcome, Outcome::refused);
  EXPECT_EQ(decision.target.value, "web-01");
}

TEST(DecideTest, WhatIsNotAuthenticatedIsOnlyObserved) {
  Stage stage;
  stage.target.authenticated = false;
  EXPECT_THAT(said_by(stage.decide().decision, "authenticated"), HasSubstr("no: what arrives about nginx"));
}

TEST(DecideTest, LateFindingsNeverAct) {
  Stage stage;
  stage.finding.late = true;
  EXPECT_THAT(said_by(stage.decide().decision, "late"), HasSubstr("no: its evidence was old on arrival"));
  stage.policy.ladder = {alert()};
  EXPECT_EQ(stage.decide().decision.outcome, Outcome::refused) << "nor do they notify";
}

TEST(DecideTest, TheMachineSaysWhatMayAndCanBeDoneThere) {
  Stage stage;
  stage.target.host = InstanceName{"web-02"};
  EXPECT_EQ(said_by(stage.decide().decision, "never_touch"), "no: no agent of web-02 has said what may be done there");
  stage.target.host = InstanceName{"web-01"};
  stage.target.name = InstanceName{"systemd-journald.service@web-01"};
  EXPECT_EQ(said_by(stage.decide().decision, "never_touch"),
            "no: systemd-journald.service is never touched on web-01 (systemd-*)");
  stage.target.name = InstanceName{"nginx.service@web-01"};
  stage.policy.ladder[0].verb = Verb::prioritize;
  EXPECT_EQ(said_by(stage.decide().decision, "allow"),
            "no: agent.yaml of web-01 does not allow prioritize; it allows limit, lockdown");
  auto abilities = stage.abilities();
  abilities.can = {"limit"};
  abilities.allow = {"prioritize"};
  stage.remedy.on_abilities(stage.at, abilities, stage.out);
  EXPECT_EQ(said_by(stage.decide().decision, "can"), "no: the agent of web-01 can not prioritize; it can limit");
}

TEST(DecideTest, OneUnfinishedActionPerTarget) {
  Stage stage;
  stage.decide();
  stage.finding = stage.finding_named("f-2-1", "web-01");
  auto decision = stage.decide().decision;
  EXPECT_EQ(said_by(decision, "busy"),
            "no: a-7-1 (limit cpu of nginx.service@web-01 to 50% for 30m) is ordered on nginx.service@web-01");
  EXPECT_EQ(stage.remedy.unfinished().size(), 1U);
}

TEST(DecideTest, OneOwnerPerFieldOfAMachineAndWhatRunsOnIt) {
  Stage stage;
  stage.decide();
  stage.finding = stage.finding_named("f-2-1", "web-01");
  stage.target.name = InstanceName{"web-01"};
  EXPECT_EQ(said_by(stage.decide().decision, "owner"),
            "no: cpu of nginx.service@web-01 belongs to a-7-1 (limit cpu of nginx.service@web-01 to 50% for 30m)");
  stage.policy.ladder[0].with = {{"memory", "1GiB"}};
  EXPECT_EQ(stage.decide().decision.outcome, Outcome::acted) << "another field is free";
}

TEST(DecideTest, ATargetRestsBetweenTwoActions) {
  Stage stage;
  ActionId id = stage.applied();
  stage.report(id, ActionState::reverted, EndReason::lease_over);
  stage.pass(4min);
  EXPECT_EQ(
      said_by(stage.decide().decision, "cooldown"),
      "no: the last action on nginx.service@web-01 ended 4m ago; the next may begin at 13:10 UTC (cool-down 10m)");
  stage.pass(6min);
  EXPECT_EQ(stage.decide().decision.outcome, Outcome::acted);
}

TEST(DecideTest, WhatWasRefusedForATimeComesUpAgainByItself) {
  Stage stage;
  ActionId id = stage.applied();
  stage.report(id, ActionState::reverted, EndReason::lease_over);
  stage.pass(4min);
  stage.decide();
  stage.out = {};
  stage.live(5min);
  EXPECT_TRUE(stage.out.reconsider.empty());
  stage.live(1min);
  EXPECT_THAT(stage.out.reconsider, ElementsAre(FindingId{"f-1-1"}));
}

TEST(DecideTest, TimeMattersFromTheInstantOnThatItWasRefusedUntil) {
  Stage stage;
  stage.report(stage.applied(), ActionState::reverted, EndReason::lease_over);
  stage.live(4min);
  stage.decide();
  EXPECT_FALSE(stage.remedy.is_due(stage.at));
  stage.pass(6min - Duration{1});
  EXPECT_FALSE(stage.remedy.is_due(stage.at));
  stage.pass(Duration{1});
  EXPECT_TRUE(stage.remedy.is_due(stage.at));
  stage.tick();
  EXPECT_FALSE(stage.remedy.is_due(stage.at)) << "one tick is enough";
}

TEST(DecideTest, TimeMattersWhenAHoldEnds) {
  Stage stage;
  stage.remedy.hold(stage.at, {}, stage.at.now + 1h, "admin", stage.out);
  stage.pass(1h - Duration{1});
  EXPECT_FALSE(stage.remedy.is_due(stage.at));
  stage.pass(Duration{1});
  EXPECT_TRUE(stage.remedy.is_due(stage.at));
  stage.tick();
  EXPECT_FALSE(stage.remedy.is_due(stage.at));
}

TEST(DecideTest, AnActionRepeatedTooOftenBecomesAPersonsToDecide) {
  Stage stage;
  stage.policy.guards.cooldown = 0s;
  stage.policy.guards.budget.actions = 100;
  for (int i = 0; i < 3; ++i) {
    stage.finding = stage.finding_named("f-" + std::to_string(i) + "-1", "web-01");
    stage.report(stage.act().id, ActionState::failed);
    stage.pass(1min);
  }
  stage.finding = stage.finding_named("f-9-1", "web-01");
  auto decision = stage.decide().decision;
  EXPECT_EQ(decision.outcome, Outcome::proposed);
  EXPECT_EQ(said_by(decision, "repeats"),
            "no: 3 actions on nginx.service@web-01 within a day, at most 3: a person must decide");
  EXPECT_EQ(stage.detail_of("finding.escalated"),
            "contain on web-01: 3 actions on nginx.service@web-01 within a day, at most 3: a person must decide");
  EXPECT_TRUE(stage.remedy.orders_for(InstanceName{"web-01"}).empty());
}

TEST(DecideTest, RepeatsAreForgottenAfterADay) {
  Stage stage;
  stage.policy.guards.repeats = 1;
  stage.report(stage.act().id, ActionState::failed);
  stage.pass(24h);
  stage.finding = stage.finding_named("f-9-1", "web-01");
  EXPECT_EQ(stage.decide().decision.outcome, Outcome::acted);
}

TEST(DecideTest, OnlyAShareOfAPoolMayBeUnavailable) {
  Stage stage;
  stage.policy.ladder = {{.verb = Verb::lockdown, .with = {{"level", "freeze"}}, .lease = 10min}};
  stage.policy.guards.unavailable_share = 0.20;
  stage.policy.guards.budget.actions = 100;
  stage.target.pool_members = 10;
  for (std::string host : {"web-01", "web-02", "web-03"}) {
    stage.remedy.on_abilities(stage.at, stage.abilities(host), stage.out);
    stage.finding = stage.finding_named("f-" + host, host);
    stage.target.name = stage.target.host = InstanceName{host};
    auto decision = stage.decide().decision;
    if (host == "web-03") {
      EXPECT_EQ(said_by(decision, "max_unavailable"), "no: 2 of at most 2 of pool web are unavailable");
    } else {
      EXPECT_EQ(decision.outcome, Outcome::acted) << host;
    }
  }
}

TEST(DecideTest, AShareIsRoundedDownButAtLeastOne) {
  for (auto [members, share, most] : {std::tuple{10U, 0.2, 2U}, std::tuple{9U, 0.2, 1U}, std::tuple{3U, 0.2, 1U},
                                      std::tuple{0U, 0.5, 1U}, std::tuple{5U, 1.0, 5U}, std::tuple{10U, 0.3, 3U}}) {
    Stage stage;
    stage.policy.ladder = {{.verb = Verb::lockdown, .with = {{"level", "freeze"}}, .lease = 10min}};
    stage.policy.guards.unavailable_share = share;
    stage.target.pool_members = members;
    EXPECT_THAT(said_by(stage.decide().decision, "max_unavailable"),
                HasSubstr("0 of at most " + std::to_string(most) + " of pool web"));
  }
}

TEST(DecideTest, ABudgetIsSpentByOrdersAndSaysWhenItIsFree) {
  Stage stage;
  stage.policy.guards.budget = {.actions = 2, .per = 1h};
  stage.policy.guards.cooldown = 0s;
  stage.policy.guards.repeats = 100;
  for (int i = 0; i < 2; ++i) {
    stage.finding = stage.finding_named("f-" + std::to_string(i) + "-1", "web-01");
    stage.report(stage.act().id, ActionState::failed);
    stage.pass(3min);
  }
  stage.finding = stage.finding_named("f-9-1", "web-01");
  EXPECT_EQ(said_by(stage.decide().decision, "budget"),
            "no: 2 of 2 actions per 1h are spent; the next is free at 14:00 UTC");
  stage.pass(54min);
  EXPECT_EQ(stage.decide().decision.outcome, Outcome::acted);
}

TEST(DecideTest, AClockSetAheadFreesNothing) {
  Stage stage;
  stage.policy.guards.budget = {.actions = 1, .per = 1h};
  stage.policy.guards.cooldown = 0s;
  stage.report(stage.act().id, ActionState::failed);
  stage.at.now = stage.at.now + 48h;  // and steady time does not
  stage.finding = stage.finding_named("f-9-1", "web-01");
  EXPECT_THAT(said_by(stage.decide().decision, "budget"), HasSubstr("no: 1 of 1 action per 1h is spent"));
}

TEST(DecideTest, ProposingWaitsForAPersonAndSpendsNothing) {
  Stage stage;
  stage.policy.mode = Mode::propose;
  auto decision = stage.decide().decision;
  EXPECT_EQ(decision.outcome, Outcome::proposed);
  EXPECT_EQ(said_by(decision, "approval"), "no: it only proposes; it waits for one until 14:00 UTC");
  const model::Action& action = stage.remedy.unfinished().at(decision.action);
  EXPECT_EQ(action.state, ActionState::proposed);
  EXPECT_EQ(action.approve_by, stage.at.now + 1h);
  EXPECT_TRUE(stage.remedy.orders_for(InstanceName{"web-01"}).empty());
  EXPECT_EQ(stage.remedy.budget(stage.policy.name, stage.at.steady).spent, 0U);
  EXPECT_THAT(stage.audited(), ElementsAre("action.proposed"));
  EXPECT_TRUE(stage.out.hold_learning.empty());
}

TEST(DecideTest, AVerbMayNeedApprovalEvenWhenEnforced) {
  Stage stage;
  stage.policy.guards.approval = {Verb::limit};
  EXPECT_THAT(said_by(stage.decide().decision, "approval"), HasSubstr("no: limit needs a person's approval"));
}

TEST(DecideTest, AnAlertIsDoneAtOnceAndTheNextStepIsDueAfterTheSettleTime) {
  Stage stage;
  stage.policy.ladder = {alert(), limit_cpu()};
  auto decision = stage.decide().decision;
  EXPECT_EQ(decision.outcome, Outcome::acted);
  EXPECT_EQ(stage.newest(decision.action)->state, ActionState::done);
  EXPECT_TRUE(stage.remedy.unfinished().empty());
  EXPECT_EQ(stage.remedy.budget(stage.policy.name, stage.at.steady).spent, 0U);
  stage.pass(1min);
  EXPECT_EQ(said_by(stage.decide().decision, "ladder"), "no: what was done may take until 13:02 UTC to show");
  stage.pass(1min);
  stage.out = {};
  stage.tick();
  EXPECT_THAT(stage.out.reconsider, ElementsAre(stage.finding.id));
  EXPECT_EQ(stage.decide().decision.verb, Verb::limit);
}

TEST(DecideTest, AnAlertNeedsNeitherMachineNorTelemetryNorApproval) {
  Stage stage;
  stage.policy.mode = Mode::propose;
  stage.policy.ladder = {alert()};
  stage.policy.guards.budget.actions = 0;
  stage.target.host = InstanceName{"unheard"};
  stage.target.telemetry_lost = true;
  EXPECT_EQ(stage.decide().decision.outcome, Outcome::acted);
}

TEST(DecideTest, AnExhaustedLadderIsEscalatedOnce) {
  Stage stage;
  stage.policy.guards.cooldown = 0s;
  stage.report(stage.act().id, ActionState::failed);
  auto decision = stage.decide().decision;
  EXPECT_EQ(decision.outcome, Outcome::refused);
  EXPECT_EQ(said_by(decision, "ladder"), "no: every step was tried: limit (failed); a person must decide");
  EXPECT_THAT(stage.audited(), Contains("finding.escalated"));
  stage.out = {};
  stage.pass(10min);
  EXPECT_FALSE(stage.decide().written);
  EXPECT_THAT(stage.audited(), Not(Contains("finding.escalated")));
}

TEST(DecideTest, AnotherGenerationOfAPolicyIsAnotherLadder) {
  Stage stage;
  stage.policy.guards.cooldown = 0s;
  stage.report(stage.act().id, ActionState::failed);
  ++stage.policy.generation;
  EXPECT_EQ(stage.decide().decision.outcome, Outcome::acted);
}

TEST(DecideTest, OnlySoManyActionsMayBeUnfinished) {
  Stage stage{{.unfinished = 1, .remembered = 100}};
  stage.decide();
  stage.remedy.on_abilities(stage.at, stage.abilities("web-02"), stage.out);
  stage.finding = stage.finding_named("f-2-1", "web-02");
  stage.target.name = stage.target.host = InstanceName{"web-02"};
  EXPECT_EQ(said_by(stage.decide().decision, "busy"), "no: 1 actions are unfinished, the most there may be");
}

TEST(DecideTest, WhatIsRememberedIsBounded) {
  Stage stage{{.unfinished = 10, .remembered = 3}};
  stage.policy.guards.cooldown = 0s;
  stage.policy.guards.budget.actions = 1000;
  std::size_t size = 0;
  for (int i = 100; i < 200; ++i) {
    std::string host = "web-" + std::to_string(i);
    stage.finding = stage.finding_named("f-" + std::to_string(i), "web-01");
    stage.target.name = InstanceName{host + ".service@web-01"};
    stage.report(stage.act().id, ActionState::failed);
    stage.pass(2h);
    stage.tick();
    if (i == 110) size = stage.remedy.encode().size();
  }
  EXPECT_LT(stage.remedy.encode().size(), size + 90 * 20) << "only ids of finished actions may have been added";
}

}  // namespace
}  // namespace mien::remedy
