// An action, a decision and a policy for tests: a hog on web-01 that was limited.
#pragma once

#include <string>

#include "base/codec.h"
#include "edge/api/testing/fake_manager.h"
#include "model/action.h"
#include "model/decision.h"

namespace mien::edge::testing {

[[nodiscard]] inline model::Action action_of(const std::string& id, model::ActionState state, WallTime at) {
  model::Action action;
  action.id = ActionId(id);
  action.decision = DecisionId("d-" + id.substr(2));
  action.finding = FindingId("f-1");
  action.policy = PolicyName("contain-hog");
  action.policy_generation = 3;
  action.instance = InstanceName("web-01");
  action.target = InstanceName("web-01");
  action.host = InstanceName("web-01");
  action.persona = PersonaName("linux-server");
  action.verb = model::Verb::limit;
  action.with = {{"cpu", "50%"}};
  action.summary = "limit cpu of web-01 to 50% for 30m";
  action.state = state;
  action.lease = 30min;
  action.settle = 2min;
  action.created_at = at;
  action.version = 1;
  if (state == model::ActionState::proposed) {
    action.approve_by = at + 1h;
    return action;
  }
  action.ordered_at = at;
  if (state == model::ActionState::ordered) return action;
  action.applied_at = at + 1s;
  action.expires_at = at + 30min;
  action.changes = {{.key = "cpu.max", .before = "max 100000", .after = "50000 100000", .found = {}}};
  if (model::is_finished(state)) {
    action.ended_at = at + 30min;
    action.end_reason = model::EndReason::lease_over;
    action.effect.verdict = model::EffectVerdict::helped;
    action.effect.before = 0.93;
    action.effect.after = 0.21;
    action.effect.difference = -0.72;
    action.effect.low = -0.8;
    action.effect.high = -0.6;
  }
  return action;
}

[[nodiscard]] inline model::Decision decision_of(const std::string& id, model::Outcome outcome, WallTime at) {
  model::Decision decision;
  decision.id = DecisionId(id);
  decision.at = at;
  decision.cause = "log/4711";
  decision.finding = FindingId("f-1");
  decision.instance = InstanceName("web-01");
  decision.kind = model::FindingKind::limit;
  decision.severity = model::Severity::high;
  decision.confidence = 0.99;
  decision.score = 0.93;
  decision.metrics = {"system.cpu.utilization"};
  decision.policy = PolicyName("contain-hog");
  decision.outcome = outcome;
  decision.rules = {
      {.policy = PolicyName("contain-hog"), .generation = 3, .matched = true, .why = "kind limit"},
      {.policy = PolicyName("leaks"), .generation = 1, .matched = false, .why = "kinds: limit is not ramp"}};
  bool refused = outcome == model::Outcome::refused;
  decision.guards = {{.policy = decision.policy, .guard = "mode", .allowed = true, .why = "enforce"},
                     {.policy = decision.policy,
                      .guard = "budget",
                      .allowed = !refused,
                      .why = refused ? "2 of 2 actions per 1h are spent" : "1 of 2 actions per 1h is spent"}};
  decision.summary = "what came of it";
  return decision;
}

inline void keep(FakeManager& manager, const model::Action& action) {
  manager.books.entries[{store::Table::action, action.id.value}] = encode(action);
}
inline void keep(FakeManager& manager, const model::Decision& decision) {
  manager.books.entries[{store::Table::decision, decision.id.value}] = encode(decision);
}
inline void show(FakeManager& manager, const model::Action& action) {
  node::ActionBoard& board = manager.board();
  board.actions[action.id] = action;
  auto& orders = board.orders[action.host];
  std::erase_if(orders, [&action](const model::Order& order) { return order.action == action.id; });
  if (action.state == model::ActionState::proposed || model::is_finished(action.state)) return;
  orders.push_back({.action = action.id,
                    .version = action.version,
                    .target = action.target,
                    .verb = action.verb,
                    .with = action.with,
                    .lease = action.lease,
                    .valid_until = action.created_at + action.settle,
                    .revert = action.state == model::ActionState::reverting,
                    .reason = action.end_reason});
}
// As the manager does: published first, then told.
inline void tell(FakeManager& manager, const std::string& what, const model::Action& action, WallTime at) {
  show(manager, action);
  node::Notice notice;
  notice.type = "action." + what;
  notice.subject = "Action/" + action.id.value;
  notice.at = at;
  notice.action = action;
  manager.publish(std::move(notice));
}

}  // namespace mien::edge::testing
