// What must hold of acting, checked from outside: by the ledger, the journals and the machines' own fields.
#include <algorithm>

#include "base/text.h"
#include "sim/world.h"

namespace mien::sim {
namespace {

constexpr std::size_t everything = SIZE_MAX;

}  // namespace

// within_budget, one_action_per_target, cause, hold_means_hold, observe_touches_nothing: after every commit.
void World::check_orders() {
  Result<std::vector<store::Entry>> entries = ledger_.scan(store::Table::action, "", "", everything);
  std::map<std::string, std::string> busy;
  for (const store::Entry& entry : *entries) {
    Result<model::Action> action = decode<model::Action>(entry.bytes, "action");
    if (!action) return fail("total_decoding", action.error().to_string());
    const std::string& id = action->id.value;
    if (action->verb == model::Verb::alert) continue;
    bool waits = action->state == model::ActionState::proposed;
    if (!model::is_finished(action->state) && !waits) {
      auto [other, first] = busy.emplace(action->target.value, id);
      if (!first)
        fail("one_action_per_target", cat(action->target.value, " has ", other->second, " and ", id, " at once"));
    }
    if (!ledger_.get(store::Table::decision, action->decision.value)->has_value())
      fail("cause", cat(id, " has no decision ", action->decision.value));
    if (!action->ordered_at || ordered_.contains(id)) continue;
    // The log's own time, which is when it was ordered; where the manager's clock was set, when it was first seen.
    ordered_[id] = {.seen_at = manager_jumps_ == 0 ? *action->ordered_at - wall_at_start() : clock_,
                    .policy = action->policy.value,
                    .target = action->target.value,
                    .by_person = approved_.contains(id)};
    if (only_observing_) fail("observe_touches_nothing", cat(id, " was ordered though every policy only observes"));
    if (held_since_ && clock_ - *held_since_ > 1s)
      fail("hold_means_hold", cat(id, " was ordered ", mien::to_text(clock_ - *held_since_), " into a hold"));
  }
  if (faults_.old_ledger)
    return;  // a restored backup has forgotten what was spent; the audit says that it was restored
  Duration slack = manager_jumps_ * Duration{15s} + 1s;
  for (const auto& [policy, budget] : budgets_) {
    std::vector<Duration> times;
    for (const auto& [id, acted] : ordered_)
      if (acted.policy == policy) times.push_back(acted.seen_at);
    std::sort(times.begin(), times.end());
    for (std::size_t i = 0; i + budget.actions < times.size(); ++i)
      if (times[i + budget.actions] - times[i] + slack < budget.per)
        fail("within_budget", cat(policy, " acted ", budget.actions + 1, " times within ",
                                  mien::to_text(times[i + budget.actions] - times[i]), ", allowed are ", budget.actions,
                                  " per ", mien::to_text(budget.per)));
  }
  std::map<std::pair<std::string, std::string>, std::uint32_t> times;
  for (const auto& [id, acted] : ordered_)
    if (!acted.by_person && ++times[{acted.policy, acted.target}] > repeats_[acted.policy])
      fail("no_oscillation", cat(acted.policy, " acted on ", acted.target, " more than ", repeats_[acted.policy],
                                 " times without asking anybody"));
}

// lease_ends: while an agent runs, no lease outlives its end by more than a tick and what the hand takes for it.
void World::check_leases(std::size_t index) {
  SimAgent& agent = agents_[index];
  Duration grace = hand_faults_.none() ? Duration{3s} : Duration{2min};
  for (const node::JournalEntry& entry : agent.journal.entries()) {
    if (entry.stage == node::JournalEntry::Stage::ended || entry.stage == node::JournalEntry::Stage::forgotten)
      continue;
    if (entry.expires_at.ns == 0) continue;  // its lease has not begun
    Duration over = now_of(agent).mono - entry.expires_at;
    if (over > grace && clock_ - agent.leases_ran_since > grace)
      fail("lease_ends",
           cat(entry.order.action.value, " on ", agent.name, " outlives its end by ", mien::to_text(over)));
  }
}

// owned: a field that is not as it belongs has a lease that owns it, or a report that says what stands there.
void World::check_fields(std::size_t index) {
  SimAgent& agent = agents_[index];
  if (only_observing_ && agent.hand->writes() != 0)
    fail("observe_touches_nothing", cat("something was written on ", agent.name));
  std::vector<node::JournalEntry> entries = agent.journal.entries();
  for (const auto& [key, value] : agent.hand->fields()) {
    if (value == agent.hand->belongs(key)) continue;
    bool owned = std::any_of(entries.begin(), entries.end(), [&, &field = key](const node::JournalEntry& entry) {
      return entry.order.target == field.first &&
             std::any_of(entry.changes.begin(), entry.changes.end(),
                         [&](const model::Change& change) { return change.key == field.second; });
    });
    if (!owned) fail("owned", cat(key.second, " of ", key.first.value, " is ", value, " and nobody's"));
  }
}

// exact_restore: everything was handed back; each field is as it belongs, or a finished action says why not.
void World::check_acting_end() {
  std::set<std::string> told;
  Result<std::vector<store::Entry>> entries = ledger_.scan(store::Table::action, "", "", everything);
  for (const store::Entry& entry : *entries) {
    model::Action action = decode<model::Action>(entry.bytes, "action").value();
    if (action.state == model::ActionState::conflicted || action.state == model::ActionState::failed)
      told.insert(action.target.value);
    bool left = action.state == model::ActionState::applied || action.state == model::ActionState::reverting ||
                action.state == model::ActionState::ordered;
    if (left && !faults_.old_ledger)
      fail("converges",
           cat(action.id.value, " is still ", model::to_text(action.state), " after everything was released"));
  }
  for (SimAgent& agent : agents_) {
    for (const auto& [key, value] : agent.hand->fields())
      if (value != agent.hand->belongs(key) && !told.contains(key.first.value))
        fail("exact_restore", cat(key.second, " of ", key.first.value, " is ", value, ", belongs ",
                                  agent.hand->belongs(key), ", and nobody said so"));
  }
}

}  // namespace mien::sim
