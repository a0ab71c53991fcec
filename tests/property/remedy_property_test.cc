// Laws of acting: budgets hold in every window, a target has one unfinished action at most, and nothing that is stored
// and read back decides otherwise than what went on running.
// rooms: remedy
#include "remedy/remedy.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "remedy/testing/stage.h"

namespace mien::remedy {
namespace {

using model::ActionState;
using testing::Stage;
using namespace std::chrono_literals;

// ---- budgets ----

// The slow and obvious oracle: every span of `per` that ends with a spent action.
void check_every_window(const std::vector<Duration>& spent, const model::Budget& budget) {
  for (Duration end : spent) {
    auto in_window = [&](Duration at) { return at <= end && at > end - budget.per; };
    RC_ASSERT(std::count_if(spent.begin(), spent.end(), in_window) <= budget.actions);
  }
}

RC_GTEST_PROP(RemedyProperty, NoWindowHoldsMoreThanItsBudget, ()) {
  model::Budget budget{.actions = *rc::gen::inRange<std::uint32_t>(0, 5),
                       .per = std::chrono::minutes{*rc::gen::inRange(1, 30)}};
  const PolicyName policy{"p"};
  Coordinator coordinator;
  coordinator.set_budget(policy, budget);
  std::vector<Wallet> shards(3);  // each may die with what it holds, which then lapses
  std::vector<Duration> spent;
  Duration now{};
  for (int move : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12))) {
    now += std::chrono::seconds{*rc::gen::inRange(0, 200)};
    auto shard = static_cast<std::size_t>(move % 3);
    if (move < 5) {
      shards[shard].on(coordinator.on(GrantRequest{.policy = policy,
                                                   .shard = static_cast<std::uint32_t>(shard),
                                                   .actions = *rc::gen::inRange<std::uint32_t>(1, 4)},
                                      now));
    } else if (move < 11) {
      auto number = shards[shard].may_spend(policy, now);
      if (!number) continue;
      coordinator.on(shards[shard].spend(policy, *number, now), now);
      spent.push_back(now);
    } else {
      shards[shard] = Wallet{};
    }
    BudgetView view = coordinator.view(policy, now);
    RC_ASSERT(view.spent + view.granted <= budget.actions);
  }
  check_every_window(spent, budget);
}

RC_GTEST_PROP(RemedyProperty, WhatIsFreeLaterIsFreeThenAndNotSooner, ()) {
  model::Budget budget{.actions = *rc::gen::inRange<std::uint32_t>(1, 4), .per = 10min};
  const PolicyName policy{"p"};
  Coordinator coordinator;
  coordinator.set_budget(policy, budget);
  Wallet wallet;
  Duration now{};
  for (int gap : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 400))) {
    now += std::chrono::seconds{gap};
    Duration wait = coordinator.view(policy, now).free_after;
    if (wait > 0s) {
      Coordinator sooner = coordinator;
      RC_ASSERT(sooner.on(GrantRequest{.policy = policy}, now + wait - 1ns).actions == 0U);
      now += wait;
    }
    wallet.on(coordinator.on(GrantRequest{.policy = policy}, now));
    auto number = wallet.may_spend(policy, now);
    RC_ASSERT(number.has_value());
    if (gap % 3 != 0) coordinator.on(wallet.spend(policy, *number, now), now);
    else wallet.forget(policy);  // it is lost, and lapses
  }
}

// ---- a life of decisions, reports, people and time ----

// What happens, as numbers, so that two remedies can live through the same.
struct Move {
  int kind = 0;
  int finding = 0;
  int target = 0;
  int pick = 0;
  int seconds = 0;
};
rc::Gen<Move> any_move() {
  return rc::gen::build<Move>(
      rc::gen::set(&Move::kind, rc::gen::inRange(0, 14)), rc::gen::set(&Move::finding, rc::gen::inRange(0, 5)),
      rc::gen::set(&Move::target, rc::gen::inRange(0, 3)), rc::gen::set(&Move::pick, rc::gen::inRange(0, 1000)),
      rc::gen::set(&Move::seconds, rc::gen::inRange(0, 400)));
}

model::Policy any_policy() {
  model::Policy policy;
  policy.name = PolicyName{"contain"};
  policy.generation = 1;
  policy.mode = *rc::gen::element(model::Mode::enforce, model::Mode::enforce, model::Mode::propose);
  policy.ladder = {testing::limit_cpu(), testing::alert(), testing::limit_cpu("20%")};
  policy.guards.budget = {.actions = *rc::gen::inRange<std::uint32_t>(1, 4), .per = 20min};
  policy.guards.cooldown = std::chrono::minutes{*rc::gen::inRange(0, 4)};
  policy.guards.settle = 1min;
  policy.guards.repeats = 20;
  policy.guards.approve_within = 5min;
  return policy;
}

class Life {
 public:
  explicit Life(model::Policy policy) {
    stage.policy = std::move(policy);
    stage.observer.levels[InstanceName{"web-01"}] = {.before = 0.8, .after = 0.5};
  }

  void live(const Move& move) {
    stage.pass(std::chrono::seconds{move.seconds});
    stage.observer.levels[InstanceName{"web-01"}].after = (move.pick % 10) / 10.0;
    std::optional<ActionId> chosen = choose(move.pick);
    switch (move.kind) {
      case 0:
      case 1:
      case 2:
      case 3: return decide(move);
      case 4:
      case 5:
        if (chosen) stage.report(*chosen, ActionState::applied);
        return;
      case 6:
        if (chosen) stage.report(*chosen, ActionState::reverted, model::EndReason::lease_over);
        return;
      case 7:
        if (chosen) stage.report(*chosen, ActionState::failed);
        return;
      case 8:
        if (chosen) stage.remedy.approve(stage.at, *chosen, {.actor = "admin", .comment = {}}, stage.out);
        return;
      case 9:
        if (chosen) stage.remedy.revert(stage.at, *chosen, "admin", stage.out);
        return;
      case 10: return stage.remedy.on_finding_closed(finding_of(move).id);
      case 11: stage.observer.lost = move.pick % 2 == 0; return stage.tick();
      default: return stage.tick();
    }
  }

  // As after a crash: everything that is stored, and nothing else.
  void restart() {
    std::string bytes = stage.remedy.encode();
    Remedy born;
    RC_ASSERT(born.restore(bytes).ok());
    for (const auto& [id, action] : stage.remedy.unfinished()) RC_ASSERT(born.restore_action(encode(action)).ok());
    RC_ASSERT(born.encode() == bytes);
    stage.remedy = std::move(born);
  }

  Stage stage;

 private:
  [[nodiscard]] std::optional<ActionId> choose(int pick) const {
    const auto& unfinished = stage.remedy.unfinished();
    if (unfinished.empty()) return std::nullopt;
    auto chosen = unfinished.begin();
    std::advance(chosen, pick % static_cast<int>(unfinished.size()));
    return chosen->first;
  }
  [[nodiscard]] model::Finding finding_of(const Move& move) const {
    return stage.finding_named("f-" + std::to_string(move.finding), "web-01");
  }
  void decide(const Move& move) {
    stage.finding = finding_of(move);
    stage.target.name = InstanceName{"s" + std::to_string(move.target) + ".service@web-01"};
    stage.decide();
  }
};

std::vector<Duration> ordered_at(const Effects& out) {
  std::vector<Duration> times;
  for (const model::AuditEvent& event : out.audit)
    if (event.verb == "action.ordered") times.push_back(Duration{event.at.ns});
  return times;
}

RC_GTEST_PROP(RemedyProperty, ATargetHasOneUnfinishedActionAndTheBudgetHoldsAcrossCrashes, ()) {
  Life life{any_policy()};
  for (const Move& move : *rc::gen::container<std::vector<Move>>(any_move())) {
    life.live(move);
    if (move.pick % 5 == 0) life.restart();
    std::set<InstanceName> targets;
    for (const auto& [id, action] : life.stage.remedy.unfinished()) RC_ASSERT(targets.insert(action.target).second);
  }
  check_every_window(ordered_at(life.stage.out), life.stage.policy.guards.budget);
}

RC_GTEST_PROP(RemedyProperty, WhoWasStoredAndReadBackDecidesTheSame, ()) {
  model::Policy policy = any_policy();
  Life steady{policy};
  Life restarted{policy};
  for (const Move& move : *rc::gen::container<std::vector<Move>>(any_move())) {
    steady.live(move);
    restarted.restart();
    restarted.live(move);
    RC_ASSERT(steady.stage.remedy.encode() == restarted.stage.remedy.encode());
    RC_ASSERT(steady.stage.remedy.unfinished() == restarted.stage.remedy.unfinished());
    RC_ASSERT(steady.stage.out.audit == restarted.stage.out.audit);
    RC_ASSERT(steady.stage.out.changed == restarted.stage.out.changed);
    RC_ASSERT(steady.stage.out.reconsider == restarted.stage.out.reconsider);
  }
}

RC_GTEST_PROP(RemedyProperty, EveryChangeOfAnActionHasACauseAndEndsAsWhatItSays, ()) {
  Life life{any_policy()};
  std::set<ActionId> finished;
  for (const Move& move : *rc::gen::container<std::vector<Move>>(any_move())) {
    life.stage.out = {};
    life.live(move);
    for (const model::AuditEvent& event : life.stage.out.audit)
      RC_ASSERT(event.cause.starts_with("log/") || event.cause.starts_with("Decision/"));
    for (const model::Action& action : life.stage.out.changed) {
      RC_ASSERT(!finished.contains(action.id));
      if (model::is_finished(action.state)) finished.insert(action.id);
      RC_ASSERT(model::is_finished(action.state) || life.stage.remedy.unfinished().contains(action.id));
    }
  }
}

// ---- hostile bytes ----

RC_GTEST_PROP(RemedyProperty, AnyBytesAreAStateOrAnError, ()) {
  Life life{any_policy()};
  for (const Move& move : *rc::gen::container<std::vector<Move>>(any_move())) life.live(move);
  std::string bytes = life.stage.remedy.encode();
  std::size_t at = *rc::gen::inRange<std::size_t>(1, bytes.size());
  if (*rc::gen::arbitrary<bool>()) bytes.resize(at);
  else bytes[at] = *rc::gen::arbitrary<char>();
  Remedy remedy;
  if (remedy.restore(bytes)) RC_ASSERT(remedy.encode() == bytes);
  std::string action = encode(model::Action{}) + *rc::gen::arbitrary<std::string>();
  (void)remedy.restore_action(action.substr(*rc::gen::inRange<std::size_t>(0, action.size()))).ok();
}

}  // namespace
}  // namespace mien::remedy
