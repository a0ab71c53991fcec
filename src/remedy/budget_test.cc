#include "remedy/budget.h"

#include <gtest/gtest.h>

namespace mien::remedy {
namespace {

using namespace std::chrono_literals;
const PolicyName policy{"contain"};

Coordinator with(std::uint32_t actions, Duration per) {
  Coordinator coordinator;
  coordinator.set_budget(policy, {.actions = actions, .per = per});
  return coordinator;
}

TEST(BudgetTest, GrantsNoMoreThanIsLeft) {
  Coordinator coordinator = with(2, 1h);
  EXPECT_EQ(coordinator.on(GrantRequest{.policy = policy, .shard = 1, .actions = 5}, 0s).actions, 2U);
  Grant none = coordinator.on(GrantRequest{.policy = policy, .shard = 2, .actions = 1}, 1s);
  EXPECT_EQ(none.actions, 0U);
  EXPECT_EQ(none.free_at, Coordinator::grant_lasts) << "then the first shard's grant lapses";
}

TEST(BudgetTest, AGrantThatLapsesIsFreeAgainAndASpentOneOnlyWhenItsTimeIsOver) {
  Coordinator coordinator = with(1, 1h);
  Wallet wallet;
  wallet.on(coordinator.on(GrantRequest{.policy = policy}, 0s));
  EXPECT_TRUE(wallet.may_spend(policy, 299s));
  EXPECT_FALSE(wallet.may_spend(policy, 300s));
  wallet.on(coordinator.on(GrantRequest{.policy = policy}, 300s));
  coordinator.on(wallet.spend(policy, *wallet.may_spend(policy, 310s), 310s), 310s);
  BudgetView view = coordinator.view(policy, 400s);
  EXPECT_EQ(view.spent, 1U);
  EXPECT_EQ(view.granted, 0U);
  EXPECT_EQ(view.free_after, 1h - 90s);
  EXPECT_EQ(coordinator.on(GrantRequest{.policy = policy}, 310s + 1h - 1ns).actions, 0U);
  EXPECT_EQ(coordinator.on(GrantRequest{.policy = policy}, 310s + 1h).actions, 1U);
}

TEST(BudgetTest, WhatWasSpentFromALapsedGrantCountsAllTheSame) {
  Coordinator coordinator = with(1, 1h);
  Grant grant = coordinator.on(GrantRequest{.policy = policy, .shard = 3, .actions = 1}, 0s);
  coordinator.on(Spent{.policy = policy, .shard = 3, .number = grant.number, .at = 299s}, 400s);
  EXPECT_EQ(coordinator.on(GrantRequest{.policy = policy}, 400s).actions, 0U);
}

TEST(BudgetTest, AnUnknownPolicyHasNone) {
  Coordinator coordinator;
  EXPECT_EQ(coordinator.on(GrantRequest{.policy = policy}, 0s).actions, 0U);
}

TEST(BudgetTest, ABudgetOfNothingIsNeverFree) {
  Coordinator coordinator = with(0, 1h);
  EXPECT_EQ(coordinator.on(GrantRequest{.policy = policy}, 100h).actions, 0U);
  EXPECT_GT(coordinator.view(policy, 100h).free_after, 0s);
}

TEST(BudgetTest, ASmallerBudgetCountsWhatWasSpentUnderTheLarger) {
  Coordinator coordinator = with(3, 1h);
  Wallet wallet;
  for (Duration at : {0s, 1s, 2s}) {
    wallet.on(coordinator.on(GrantRequest{.policy = policy}, at));
    coordinator.on(wallet.spend(policy, *wallet.may_spend(policy, at), at), at);
  }
  coordinator.set_budget(policy, {.actions = 1, .per = 1h});
  EXPECT_EQ(coordinator.on(GrantRequest{.policy = policy}, 1h + 1s).actions, 0U);
  EXPECT_EQ(coordinator.on(GrantRequest{.policy = policy}, 1h + 2s).actions, 1U);
}

}  // namespace
}  // namespace mien::remedy
