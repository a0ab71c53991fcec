// What follows an order: reports, proof of effect, leases, people.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remedy/testing/stage.h"

namespace mien::remedy {
namespace {

using model::ActionState;
using model::EffectVerdict;
using model::EndReason;
using model::Mode;
using testing::alert;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::limit_cpu;
using ::testing::Not;
using testing::said_by;
using testing::Stage;

const InstanceName web{"web-01"};

TEST(FollowTest, AppliedSaysWhatWasWrittenAndUntilWhen) {
  Stage stage;
  ActionId id = stage.applied();
  const model::Action& action = stage.remedy.unfinished().at(id);
  EXPECT_EQ(action.state, ActionState::applied);
  EXPECT_EQ(action.applied_at, stage.at.now);
  EXPECT_EQ(action.expires_at, stage.at.now + 30min);
  EXPECT_EQ(stage.detail_of("action.applied"),
            "limit cpu of nginx.service@web-01 to 50% for 30m: cpu.max from max 100000 to 50000 100000");
}

TEST(FollowTest, HearingAReportTwiceChangesNothing) {
  Stage stage;
  ActionId id = stage.applied();
  std::string before = stage.remedy.encode();
  stage.out = {};
  stage.report(id, ActionState::applied);
  EXPECT_TRUE(stage.out.audit.empty());
  EXPECT_TRUE(stage.out.changed.empty());
  EXPECT_EQ(stage.remedy.encode(), before);
  stage.report(id, ActionState::reverted, EndReason::lease_over);
  before = stage.remedy.encode();
  stage.out = {};
  stage.report(id, ActionState::reverted, EndReason::lease_over);
  stage.report(id, ActionState::applied);
  EXPECT_TRUE(stage.out.audit.empty());
  EXPECT_TRUE(stage.remedy.unfinished().empty());
  EXPECT_EQ(stage.remedy.encode(), before);
}

TEST(FollowTest, AReportOfAnotherHostIsRefused) {
  Stage stage;
  ActionId id = stage.act().id;
  stage.remedy.on_report(stage.at, "db-01",
                         {.action = id,
                          .state = ActionState::applied,
                          .reason = {},
                          .note = {},
                          .at = stage.at.now,
                          .expires_at = {},
                          .changes = {}},
                         stage.out);
  EXPECT_EQ(stage.remedy.unfinished().at(id).state, ActionState::ordered);
  EXPECT_EQ(stage.out.audit.back().actor, "agent db-01");
  EXPECT_THAT(stage.detail_of("action.report_refused"), HasSubstr("it is web-01's to report"));
}

TEST(FollowTest, AReportOfWhatWasNeverOrderedIsRefused) {
  Stage stage;
  stage.policy.mode = Mode::propose;
  ActionId id = stage.act().id;
  stage.report(id, ActionState::applied);
  EXPECT_EQ(stage.remedy.unfinished().at(id).state, ActionState::proposed);
  EXPECT_THAT(stage.audited(), Contains("action.report_refused"));
}

TEST(FollowTest, AChangeThatTheRecordDoesNotKnowIsTakenBack) {
  Stage stage;
  stage.report(ActionId{"a-3-1"}, ActionState::applied);
  EXPECT_THAT(stage.audited(), ElementsAre("action.unknown_reported", "action.reverting"));
  auto orders = stage.remedy.orders_for(web);
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_TRUE(orders[0].revert);
  EXPECT_GT(orders[0].version, 1000U);
  stage.report(ActionId{"a-3-1"}, ActionState::reverted);
  EXPECT_TRUE(stage.remedy.unfinished().empty());
  stage.out = {};
  stage.report(ActionId{"a-4-1"}, ActionState::reverted);
  EXPECT_THAT(stage.audited(), ElementsAre("action.unknown_reported"));
  EXPECT_TRUE(stage.remedy.unfinished().empty());
}

TEST(FollowTest, WhatTheMachineEndedByItselfIsSaid) {
  Stage stage;
  ActionId id = stage.applied();
  stage.report(id, ActionState::reverted, EndReason::agent_ended);
  EXPECT_EQ(stage.newest(id)->end_reason, EndReason::agent_ended);
  EXPECT_EQ(stage.newest(id)->effect.verdict, EffectVerdict::unknown);
  EXPECT_EQ(stage.out.audit.back().actor, "agent web-01");
  EXPECT_THAT(stage.detail_of("action.reverted"), HasSubstr("the machine ended it by itself"));
}

TEST(FollowTest, AFieldThatSomebodyElseChangedIsLeftAloneAndSaid) {
  Stage stage;
  ActionId id = stage.applied();
  stage.remedy.on_report(
      stage.at, "web-01",
      {.action = id,
       .state = ActionState::conflicted,
       .reason = EndReason::lease_over,
       .note = {},
       .at = stage.at.now,
       .expires_at = {},
       .changes = {{.key = "cpu.max", .before = "max 100000", .after = "50000 100000", .found = "20000 100000"}}},
      stage.out);
  EXPECT_EQ(stage.newest(id)->state, ActionState::conflicted);
  EXPECT_THAT(stage.detail_of("action.conflicted"),
              HasSubstr("cpu.max is 20000 100000, not our 50000 100000: left alone"));
}

TEST(FollowTest, WhatCanNotBePutBackYetIsSaidUntilItCan) {
  Stage stage;
  ActionId id = stage.applied();
  auto stuck = [&] {
    stage.remedy.on_report(stage.at, "web-01",
                           {.action = id,
                            .state = ActionState::reverting,
                            .reason = EndReason::lease_over,
                            .note = "cpu.max can not be put back yet",
                            .at = stage.at.now,
                            .expires_at = {},
                            .changes = {}},
                           stage.out);
  };
  stuck();
  const model::Action& action = stage.remedy.unfinished().at(id);
  EXPECT_TRUE(model::is_stuck(action));
  EXPECT_EQ(action.end_reason, EndReason::lease_over);
  EXPECT_THAT(stage.detail_of("action.stuck"), HasSubstr("cpu.max can not be put back yet"));
  EXPECT_TRUE(stage.remedy.orders_for(web)[0].revert);
  stage.out = {};
  stuck();
  EXPECT_THAT(stage.out.audit, IsEmpty()) << "hearing it twice changes nothing";
  stage.report(id, ActionState::reverted, EndReason::lease_over);
  EXPECT_FALSE(model::is_stuck(*stage.newest(id)));
}

TEST(FollowTest, AFailedStepIsFollowedByTheNext) {
  Stage stage;
  stage.policy.ladder = {limit_cpu(), limit_cpu("20%")};
  stage.policy.guards.cooldown = 0s;
  stage.report(stage.act().id, ActionState::failed);
  EXPECT_THAT(stage.out.reconsider, ElementsAre(stage.finding.id));
  EXPECT_EQ(stage.decide().decision.step, 1U);
}

TEST(FollowTest, AStepWhoseAgentDiedInTheMiddleIsTriedAgainAtItsReturn) {
  Stage stage;
  stage.policy.ladder = {limit_cpu(), limit_cpu("20%")};
  ActionId first = stage.act().id;
  stage.pass(20s);
  stage.out = {};
  stage.report(first, ActionState::failed, EndReason::agent_ended);
  EXPECT_THAT(stage.out.reconsider, ElementsAre(stage.finding.id));
  const model::Action& again = stage.act();
  EXPECT_EQ(again.step, 0U) << "nothing is known against it";
  EXPECT_NE(again.id, first);
  EXPECT_EQ(stage.remedy.orders_for(web).size(), 1U);
  EXPECT_EQ(stage.remedy.budget(stage.policy.name, stage.at.steady).spent, 2U) << "each order counts";
}

TEST(FollowTest, AnAgentThatReturnsAfterTheLeaseFindsTheStepTried) {
  Stage stage;
  stage.policy.ladder = {limit_cpu(), limit_cpu("20%")};
  stage.policy.guards.cooldown = 0s;
  ActionId first = stage.act().id;
  stage.pass(31min);
  stage.report(first, ActionState::failed, EndReason::agent_ended);
  EXPECT_EQ(stage.decide().decision.step, 1U);
}

TEST(FollowTest, WhatHelpedIsVerifiedWithItsFigures) {
  Stage stage;
  stage.observer.levels[web] = {.before = 0.8, .after = 0.1};
  ActionId id = stage.applied();
  stage.live(4min);
  const model::Action& action = stage.remedy.unfinished().at(id);
  EXPECT_EQ(action.state, ActionState::applied) << "it stays until its lease ends";
  EXPECT_EQ(action.effect.verdict, EffectVerdict::helped);
  EXPECT_EQ(stage.detail_of("action.verified"),
            "limit cpu of nginx.service@web-01 to 50% for 30m: drift 0.80 before, 0.10 after; difference -0.70 "
            "[-0.90, -0.50]");
  EXPECT_EQ(stage.remedy.ranks().begin()->second, (Rank{.trials = 1, .successes = 1, .demoted = 0}));
}

TEST(FollowTest, WhatDidNotHelpIsTakenBackAndFallsBehind) {
  Stage stage;
  stage.policy.ladder = {limit_cpu(), limit_cpu("20%")};
  stage.policy.guards.cooldown = 0s;
  ActionId id = stage.applied();
  stage.live(4min - 10s);
  EXPECT_EQ(stage.remedy.unfinished().at(id).effect.verdict, EffectVerdict::pending) << "not before its time";
  stage.live(10s);
  EXPECT_EQ(stage.remedy.unfinished().at(id).state, ActionState::reverting);
  EXPECT_TRUE(stage.remedy.orders_for(web)[0].revert);
  EXPECT_EQ(stage.remedy.orders_for(web)[0].reason, EndReason::no_effect);
  EXPECT_EQ(stage.remedy.orders_for(web)[0].version, 2U);
  EXPECT_THAT(stage.out.reconsider, IsEmpty()) << "only once it is undone";
  stage.report(id, ActionState::reverted);
  EXPECT_EQ(stage.newest(id)->end_reason, EndReason::no_effect);
  EXPECT_THAT(stage.out.reconsider, ElementsAre(stage.finding.id));
  EXPECT_EQ(stage.decide().decision.step, 1U);
  EXPECT_THAT(stage.audited(), Contains("action.no_effect"));
  stage.finding = stage.finding_named("f-2-1", "web-02");
  stage.target.name = InstanceName{"other.service@web-01"};
  EXPECT_EQ(stage.decide().decision.step, 1U) << "under the same persona the other step is tried first now";
}

TEST(FollowTest, ARankGoesWithWhatAStepDoesAndEndsWithIt) {
  Stage stage;
  stage.policy.ladder = {limit_cpu(), limit_cpu("20%")};
  stage.remedy.on_policies({&stage.policy});
  stage.report(stage.applied(), ActionState::applied);
  stage.live(4min);
  ASSERT_EQ(stage.remedy.ranks().size(), 1U);
  ASSERT_EQ(stage.remedy.ranks().begin()->first.step, 0U);
  stage.policy.ladder = {alert(), limit_cpu()};
  stage.remedy.on_policies({&stage.policy});
  ASSERT_EQ(stage.remedy.ranks().size(), 1U);
  EXPECT_EQ(stage.remedy.ranks().begin()->first.step, 1U) << "its step stands elsewhere now";
  EXPECT_EQ(stage.remedy.ranks().begin()->second.demoted, 1U);
  Remedy again;
  ASSERT_TRUE(again.restore(stage.remedy.encode()));
  stage.policy.ladder = {limit_cpu("20%")};
  again.on_policies({&stage.policy});
  EXPECT_TRUE(again.ranks().empty()) << "that step is no more";
}

TEST(FollowTest, AVerdictOfAStepThatIsNoMoreTeachesNothing) {
  Stage stage;
  stage.remedy.on_policies({&stage.policy});
  stage.applied();
  stage.policy.ladder = {limit_cpu("20%")};
  stage.remedy.on_policies({&stage.policy});
  stage.live(4min);
  EXPECT_THAT(stage.audited(), Contains("action.no_effect"));
  EXPECT_TRUE(stage.remedy.ranks().empty());
}

TEST(FollowTest, WhatMadeThingsWorseIsTakenBackForThatReason) {
  Stage stage;
  stage.observer.levels[web] = {.before = 0.4, .after = 0.9};
  ActionId id = stage.applied();
  stage.live(4min);
  EXPECT_EQ(stage.remedy.unfinished().at(id).end_reason, EndReason::worse);
  EXPECT_THAT(stage.audited(), Contains("action.worse"));
}

TEST(FollowTest, WhatPeersDidMeanwhileIsNotOurMerit) {
  Stage stage;
  stage.observer.levels[web] = {.before = 0.8, .after = 0.3};
  for (std::string peer : {"web-02", "web-03", "web-04"}) {
    stage.observer.untreated.push_back(InstanceName{peer});
    stage.observer.levels[InstanceName{peer}] = {.before = 0.7, .after = 0.2};
  }
  ActionId id = stage.applied();
  stage.live(4min);
  const model::Effect& effect = stage.remedy.unfinished().at(id).effect;
  EXPECT_EQ(effect.verdict, EffectVerdict::no_effect);
  EXPECT_EQ(effect.peers, 3U);
  EXPECT_NEAR(effect.difference, 0, 1e-12);
}

TEST(FollowTest, NoisyMeansProveNothing) {
  Stage stage;
  stage.observer.levels[web] = {.before = 0.8, .after = 0.6, .variance = 0.25, .count = 6};
  ActionId id = stage.applied();
  stage.live(4min);
  EXPECT_EQ(stage.remedy.unfinished().at(id).effect.verdict, EffectVerdict::no_effect);
}

TEST(FollowTest, ActingAsSoonAsFoundComparesWithWhatWasFound) {
  Stage stage;
  stage.finding.opened_at = stage.at.now;
  stage.distance = 0.9;
  stage.observer.levels[web] = {.before = 0.1, .after = 0.3};  // before: mostly the healthy time
  ActionId id = stage.applied();
  stage.live(4min);
  EXPECT_EQ(stage.remedy.unfinished().at(id).effect.verdict, EffectVerdict::helped);
  EXPECT_DOUBLE_EQ(stage.remedy.unfinished().at(id).effect.before, 0.9);
}

TEST(FollowTest, LostTelemetryIsNeitherPraisedNorTakenBack) {
  Stage stage;
  ActionId id = stage.applied();
  stage.live(3min);
  stage.observer.lost = true;
  stage.live(2min);
  EXPECT_EQ(stage.remedy.unfinished().at(id).effect.verdict, EffectVerdict::unknown);
  EXPECT_EQ(stage.remedy.unfinished().at(id).state, ActionState::applied);
  EXPECT_TRUE(stage.remedy.ranks().empty());
  EXPECT_THAT(stage.audited(), Contains("action.unproven"));
}

TEST(FollowTest, AWindowThatWasNotSeenProvesNothing) {
  Stage stage;
  ActionId id = stage.applied();
  stage.tick();
  stage.observer.levels.clear();
  stage.live(4min);
  EXPECT_EQ(stage.remedy.unfinished().at(id).effect.verdict, EffectVerdict::unknown);
}

TEST(FollowTest, WhatDidNotHelpStandsForItsDwellAndWhileNothingIsSeen) {
  Stage stage;
  stage.policy.guards.dwell = 6min;
  ActionId id = stage.applied();
  stage.live(5min);
  EXPECT_EQ(stage.remedy.unfinished().at(id).effect.verdict, EffectVerdict::no_effect);
  EXPECT_EQ(stage.remedy.unfinished().at(id).state, ActionState::applied);
  stage.observer.lost = true;
  stage.live(5min);
  EXPECT_EQ(stage.remedy.unfinished().at(id).state, ActionState::applied);
  stage.observer.lost = false;
  stage.live(10s);
  EXPECT_EQ(stage.remedy.unfinished().at(id).state, ActionState::reverting);
}

TEST(FollowTest, AnOrderThatNobodyAnswersIsUnknownAndTakenBack) {
  Stage stage;
  ActionId id = stage.act().id;
  stage.live(2min + 20s);
  EXPECT_FALSE(stage.remedy.orders_for(web)[0].revert);
  stage.live(10s);
  const model::Action& action = stage.remedy.unfinished().at(id);
  EXPECT_EQ(action.state, ActionState::ordered);
  EXPECT_THAT(action.note, HasSubstr("unknown: web-01 has not said"));
  EXPECT_TRUE(stage.remedy.orders_for(web)[0].revert);
  EXPECT_EQ(stage.remedy.orders_for(web)[0].version, 2U);
  stage.live(1h);
  EXPECT_EQ(stage.remedy.orders_for(web)[0].version, 2U) << "it is asked once; the order stands";
  EXPECT_THAT(said_by(stage.decide().decision, "busy"), HasSubstr("no: ")) << "nothing else is done to it";
  stage.report(id, ActionState::reverted);
  EXPECT_TRUE(stage.remedy.unfinished().empty());
}

TEST(FollowTest, ALeaseThatItsMachineForgotIsEndedFromHere) {
  Stage stage;
  stage.observer.levels[web] = {.before = 0.8, .after = 0.1};
  ActionId id = stage.applied();
  stage.live(31min);
  EXPECT_EQ(stage.remedy.unfinished().at(id).state, ActionState::applied);
  stage.live(1min);
  EXPECT_EQ(stage.remedy.unfinished().at(id).state, ActionState::reverting);
  EXPECT_EQ(stage.remedy.unfinished().at(id).end_reason, EndReason::lease_over);
}

TEST(FollowTest, ALeaseOfAMachineThatIsNotHeardOfIsItsOwnToEnd) {
  Stage stage;
  ActionId id = stage.applied();
  stage.observer.lost = true;
  stage.live(2h);
  EXPECT_EQ(stage.remedy.unfinished().at(id).state, ActionState::applied);
}

TEST(FollowTest, WhatWasActedOnTeachesAgainAfterItsSettleTime) {
  Stage stage;
  ActionId id = stage.applied();
  stage.report(id, ActionState::reverted, EndReason::lease_over);
  stage.out = {};
  stage.live(1min + 50s);
  EXPECT_THAT(stage.out.resume_learning, IsEmpty());
  stage.live(10s);
  EXPECT_THAT(stage.out.resume_learning, ElementsAre(InstanceName{"nginx.service@web-01"}, web));
}

TEST(FollowTest, AnApprovalThatComesTooLateFindsNothing) {
  Stage stage;
  stage.policy.mode = Mode::propose;
  ActionId id = stage.act().id;
  stage.live(1h);
  EXPECT_EQ(stage.newest(id)->state, ActionState::lapsed);
  EXPECT_EQ(stage.remedy.check_approve(stage.at, id).error().code, Code::not_found);
  EXPECT_THAT(said_by(stage.decide().decision, "ladder"), HasSubstr("nobody approved a-7-1 in time"));
}

TEST(PeopleTest, ApprovingOrdersAndSpends) {
  Stage stage;
  stage.policy.mode = Mode::propose;
  ActionId id = stage.act().id;
  stage.pass(10min);
  ASSERT_TRUE(stage.remedy.check_approve(stage.at, id));
  stage.remedy.approve(stage.at, id, {.actor = "admin (token cli)", .comment = {}}, stage.out);
  const model::Action& action = stage.remedy.unfinished().at(id);
  EXPECT_EQ(action.state, ActionState::ordered);
  EXPECT_EQ(action.ordered_at, stage.at.now);
  EXPECT_EQ(action.approved_by, "admin (token cli)");
  EXPECT_EQ(stage.remedy.budget(stage.policy.name, stage.at.steady).spent, 1U);
  EXPECT_THAT(stage.audited(), ElementsAre("action.proposed", "action.approved", "action.ordered"));
  EXPECT_EQ(stage.remedy.check_approve(stage.at, id).error().code, Code::conflict);
}

TEST(PeopleTest, ApprovingSaysWhatIsInTheWayAndLeavesItProposed) {
  Stage stage;
  stage.policy.mode = Mode::propose;
  ActionId id = stage.act().id;
  stage.remedy.hold(stage.at, {}, {}, "admin", stage.out);
  Status status = stage.remedy.check_approve(stage.at, id);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::refused);
  EXPECT_EQ(status.error().message, "hold: admin holds everything until it is resumed");
  stage.remedy.approve(stage.at, id, {.actor = "admin", .comment = {}}, stage.out);
  EXPECT_EQ(stage.remedy.unfinished().at(id).state, ActionState::proposed);
  stage.remedy.resume(stage.at, {}, "admin", stage.out);
  EXPECT_TRUE(stage.remedy.check_approve(stage.at, id));
}

TEST(PeopleTest, ApprovingAsksTheBudgetAgain) {
  Stage stage;
  stage.policy.mode = Mode::propose;
  ActionId first = stage.act().id;
  stage.policy.guards.budget.actions = 0;
  stage.remedy.on_policies({&stage.policy});
  EXPECT_EQ(stage.remedy.check_approve(stage.at, first).error().message, "budget: its budget allows no action");
}

TEST(PeopleTest, WhatAPersonRejectedIsNotTriedAgainForThatFinding) {
  Stage stage;
  stage.policy.mode = Mode::propose;
  ActionId id = stage.act().id;
  ASSERT_TRUE(stage.remedy.check_reject(id));
  stage.remedy.reject(stage.at, id, {.actor = "admin", .comment = {}}, stage.out);
  EXPECT_EQ(stage.newest(id)->state, ActionState::rejected);
  EXPECT_THAT(said_by(stage.decide().decision, "ladder"), HasSubstr("no: admin rejected a-7-1 at 13:00 UTC"));
  stage.remedy.on_finding_closed(stage.finding.id);
  EXPECT_EQ(stage.decide().decision.outcome, model::Outcome::proposed) << "another episode is another question";
}

TEST(PeopleTest, WhatAPersonAddsIsInTheAudit) {
  Stage stage;
  stage.policy.mode = Mode::propose;
  ActionId id = stage.act().id;
  stage.remedy.reject(stage.at, id, {.actor = "admin", .comment = "the nightly batch"}, stage.out);
  EXPECT_THAT(stage.detail_of("action.rejected"), HasSubstr("to 50% for 30m: the nightly batch"));
  EXPECT_EQ(stage.newest(id)->note, "admin said no: the nightly batch");
  EXPECT_THAT(said_by(stage.decide().decision, "ladder"), HasSubstr("at 13:00 UTC: the nightly batch"));
  stage.remedy.on_finding_closed(stage.finding.id);
  id = stage.act().id;
  stage.remedy.approve(stage.at, id, {.actor = "admin", .comment = "as agreed"}, stage.out);
  EXPECT_THAT(stage.detail_of("action.approved"), HasSubstr("to 50% for 30m: as agreed"));
}

TEST(PeopleTest, RevertingTakesBackAtOnceAndForGood) {
  Stage stage;
  ActionId id = stage.applied();
  ASSERT_TRUE(stage.remedy.check_revert(id));
  stage.remedy.revert(stage.at, id, "admin", stage.out);
  EXPECT_EQ(stage.remedy.orders_for(web)[0].reason, EndReason::by_hand);
  EXPECT_EQ(stage.remedy.check_revert(id).error().code, Code::conflict);
  stage.report(id, ActionState::reverted);
  EXPECT_THAT(stage.out.reconsider, IsEmpty());
  EXPECT_THAT(said_by(stage.decide().decision, "ladder"), HasSubstr("admin took back a-7-1"));
  EXPECT_EQ(stage.remedy.check_revert(id).error().code, Code::not_found);
}

TEST(PeopleTest, ReleasingAHostTakesBackWhatRunsOnIt) {
  Stage stage;
  ActionId id = stage.applied();
  EXPECT_EQ(stage.remedy.release(stage.at, InstanceName{"db-01"}, "admin", stage.out).taken_back, 0U);
  EXPECT_EQ(stage.remedy.release(stage.at, web, "admin", stage.out).taken_back, 1U);
  EXPECT_EQ(stage.remedy.unfinished().at(id).end_reason, EndReason::released);
  EXPECT_EQ(stage.remedy.release(stage.at, {}, "admin", stage.out).taken_back, 0U) << "it is being taken back already";
}

TEST(PeopleTest, ReleasingEverythingRejectsWhatWaits) {
  Stage stage;
  stage.policy.mode = Mode::propose;
  ActionId id = stage.act().id;
  Released released = stage.remedy.release(stage.at, {}, "admin", stage.out);
  EXPECT_EQ(released.withdrawn, 1U);
  EXPECT_EQ(released.taken_back, 0U) << "nothing of it was ever in force";
  EXPECT_EQ(stage.newest(id)->state, ActionState::rejected);
  EXPECT_EQ(stage.newest(id)->note, "admin released it before it began");
  EXPECT_TRUE(stage.remedy.unfinished().empty());
}

TEST(PeopleTest, ResumingWhatNobodyHoldsIsSaid) {
  Stage stage;
  Status status = stage.remedy.check_resume({.instance = web, .pool = {}, .learning = true});
  EXPECT_EQ(status.error().message, "nobody holds learning of instance web-01");
}

TEST(PeopleTest, MoreHoldsThanCanBeRememberedHoldEverything) {
  Stage stage{{.unfinished = 10, .remembered = 2}};
  for (std::string host : {"a", "b", "c"})
    stage.remedy.hold(stage.at, {.instance = InstanceName{host}, .pool = {}, .learning = false}, {}, "admin",
                      stage.out);
  EXPECT_TRUE(stage.remedy.holds().contains(HoldScope{}));
}

TEST(StoredTest, ADeletedPolicyThatComesBackHasSpentWhatItHad) {
  Stage stage;
  stage.policy.guards.budget = {.actions = 1, .per = 1h};
  stage.report(stage.act().id, ActionState::failed);
  stage.remedy.on_policies({});
  stage.live(30min);
  stage.remedy.on_policies({&stage.policy});
  EXPECT_EQ(stage.remedy.budget(stage.policy.name, stage.at.steady).spent, 1U);
  stage.remedy.on_policies({});
  stage.live(31min);
  EXPECT_EQ(stage.remedy.budget(stage.policy.name, stage.at.steady).actions, 0U) << "then it is forgotten";
}

TEST(StoredTest, ReadsBackToTheSameBytesAndRefusesOthers) {
  Stage stage;
  ActionId id = stage.applied();
  stage.remedy.hold(stage.at, {}, stage.at.now + 1h, "admin", stage.out);
  stage.tick();
  std::string bytes = stage.remedy.encode();
  Remedy copy;
  ASSERT_TRUE(copy.restore(bytes));
  ASSERT_TRUE(copy.restore_action(encode(stage.remedy.unfinished().at(id))));
  EXPECT_EQ(copy.encode(), bytes);
  EXPECT_EQ(copy.unfinished(), stage.remedy.unfinished());
  EXPECT_EQ(copy.orders_for(web), stage.remedy.orders_for(web));
  EXPECT_EQ(copy.restore(bytes.substr(0, bytes.size() - 1)).error().code, Code::corrupt);
  EXPECT_EQ(copy.restore("\x02").error().code, Code::corrupt);
  EXPECT_EQ(copy.encode(), bytes) << "what can not be read changes nothing";
}

TEST(StoredTest, AFinishedActionIsNotTakenUpAgain) {
  Stage stage;
  ActionId id = stage.applied();
  stage.report(id, ActionState::reverted);
  Remedy copy;
  ASSERT_TRUE(copy.restore_action(encode(*stage.newest(id))));
  EXPECT_TRUE(copy.unfinished().empty());
}

TEST(StoredTest, ChangesAreToldOnce) {
  Stage stage;
  EXPECT_TRUE(stage.remedy.take_changed());
  EXPECT_FALSE(stage.remedy.take_changed());
  stage.pass(1s);
  stage.tick();
  EXPECT_FALSE(stage.remedy.take_changed()) << "an idle tick writes nothing";
  stage.decide();
  EXPECT_TRUE(stage.remedy.take_changed());
}

}  // namespace
}  // namespace mien::remedy
