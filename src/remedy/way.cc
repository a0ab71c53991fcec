// An action's way through its states, with what each change must leave behind.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "remedy/detail/state.h"
#include "remedy/detail/words.h"

namespace mien::remedy {

const Ladder* State::ladder(const FindingId& finding, const model::Policy& policy) const {
  auto found = findings.find(finding);
  if (found == findings.end()) return nullptr;
  auto ladder = found->second.ladders.find(policy.name);
  if (ladder == found->second.ladders.end() || ladder->second.generation != policy.generation) return nullptr;
  return &ladder->second;
}

std::uint32_t State::demoted(const RankKey& key) const {
  auto found = ranks.find(key);
  return found == ranks.end() ? 0 : found->second.demoted;
}

namespace {

// What a step does, wherever it stands: "limit cpu=50% target=offender".
std::string content_of(model::Verb verb, const model::Arguments& with) {
  std::string text{model::to_text(verb)};
  for (const auto& [key, value] : with) text += cat(" ", key, "=", value);
  return text;
}

// Where the step is in the ladder `now`; of several that do the same the first stays the first.
std::optional<std::uint32_t> place_of(const std::vector<std::string>& before, std::uint32_t step,
                                      const std::vector<std::string>& now) {
  if (step >= before.size()) return std::nullopt;
  const std::string& content = before[step];
  auto left = std::count(before.begin(), before.begin() + step, content);
  for (std::uint32_t place = 0; place < now.size(); ++place)
    if (now[place] == content && left-- == 0) return place;
  return std::nullopt;
}

template <class Key>
const std::set<ActionId>& at_or_none(const std::map<Key, std::set<ActionId>>& map, const Key& key) {
  static const std::set<ActionId> none;
  auto found = map.find(key);
  return found == map.end() ? none : found->second;
}

template <class Key>
void forget(std::map<Key, std::set<ActionId>>& map, const Key& key, const ActionId& id) {
  auto found = map.find(key);
  if (found == map.end()) return;
  found->second.erase(id);
  if (found->second.empty()) map.erase(found);
}

// Makes room in a map for one more: what was touched longest ago goes, of several the first by name.
template <class Map>
void make_room(Map& map, std::size_t most) {
  while (!map.empty() && map.size() >= most)
    map.erase(std::min_element(map.begin(), map.end(),
                               [](const auto& a, const auto& b) { return a.second.touched < b.second.touched; }));
}

}  // namespace

std::optional<std::uint32_t> State::step_now(const model::Action& action) const {
  auto ladder = steps.find(action.policy);
  if (ladder == steps.end()) return action.step;
  const std::string content = content_of(action.verb, action.with);
  if (action.step < ladder->second.size() && ladder->second[action.step] == content) return action.step;
  auto found = std::find(ladder->second.begin(), ladder->second.end(), content);
  if (found == ladder->second.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - ladder->second.begin());
}

const std::set<ActionId>& State::on_host(const InstanceName& host) const { return at_or_none(by_host, host); }
const std::set<ActionId>& State::on_target(const InstanceName& target) const { return at_or_none(by_target, target); }
const std::set<ActionId>& State::about(const FindingId& finding) const { return at_or_none(by_finding, finding); }

model::Action& State::add(model::Action action) {
  changed = true;
  if (unfinished.contains(action.id)) take(action.id);
  by_host[action.host].insert(action.id);
  by_target[action.target].insert(action.id);
  by_finding[action.finding].insert(action.id);
  ActionId id = action.id;
  return unfinished.emplace(std::move(id), std::move(action)).first->second;
}

model::Action State::take(const ActionId& id) {
  changed = true;
  auto found = unfinished.find(id);
  CHECK(found != unfinished.end());
  model::Action action = std::move(found->second);
  unfinished.erase(found);
  forget(by_host, action.host, action.id);
  forget(by_target, action.target, action.id);
  forget(by_finding, action.finding, action.id);
  return action;
}

FindingMemory& State::remember(const FindingId& finding, Duration steady) {
  changed = true;
  auto found = findings.find(finding);
  if (found == findings.end()) {
    make_room(findings, limits.remembered);
    found = findings.try_emplace(finding).first;
  }
  found->second.touched = steady;
  return found->second;
}

Ladder& State::ladder(const FindingId& finding, const PolicyName& policy, std::uint64_t generation, Duration steady) {
  FindingMemory& memory = remember(finding, steady);
  Ladder& ladder = memory.ladders[policy];
  if (ladder.generation != generation) {
    ladder = {};
    ladder.generation = generation;
  }
  return ladder;
}

TargetMemory& State::remember(const InstanceName& target, Duration steady) {
  changed = true;
  auto found = targets.find(target);
  if (found == targets.end()) {
    make_room(targets, limits.remembered);
    found = targets.try_emplace(target).first;
  }
  found->second.touched = steady;
  return found->second;
}

void State::count_rank(const RankKey& key, model::EffectVerdict verdict, Duration steady) {
  changed = true;
  if (!ranks.contains(key) && ranks.size() >= limits.remembered) {
    auto oldest = std::min_element(ranks_touched.begin(), ranks_touched.end(),
                                   [](const auto& a, const auto& b) { return a.second < b.second; });
    ranks.erase(oldest->first);
    ranks_touched.erase(oldest);
  }
  count(ranks[key], verdict);
  ranks_touched[key] = steady;
}

void State::set_ladders(const std::vector<const model::Policy*>& policies) {
  std::map<PolicyName, std::vector<std::string>> now;
  for (const model::Policy* policy : policies) {
    std::vector<std::string>& ladder = now[policy->name];
    for (const model::PolicyStep& step : policy->ladder) ladder.push_back(content_of(step.verb, step.with));
  }
  if (now == steps) return;
  changed = true;
  auto ranks_before = std::exchange(ranks, {});
  auto touched_before = std::exchange(ranks_touched, {});
  for (auto& [key, rank] : ranks_before) {
    auto ladder = now.find(key.policy);
    if (ladder == now.end()) continue;
    auto before = steps.find(key.policy);
    std::optional<std::uint32_t> place = key.step;  // of a ladder that was not known before: as it stands
    if (before != steps.end()) place = place_of(before->second, key.step, ladder->second);
    if (!place || *place >= ladder->second.size()) continue;
    RankKey moved{.policy = key.policy, .step = *place, .persona = key.persona};
    ranks_touched[moved] = touched_before.at(key);
    ranks[moved] = rank;
  }
  steps = std::move(now);
}

bool State::set_budget(const model::Policy& policy) {
  auto found = coordinator.accounts().find(policy.name);
  if (found != coordinator.accounts().end() && found->second.budget == policy.guards.budget) return false;
  coordinator.set_budget(policy.name, policy.guards.budget);
  return true;
}

void State::spend(const PolicyName& policy, Duration steady) {
  changed = true;
  auto number = wallet.may_spend(policy, steady);
  if (!number) {
    wallet.on(coordinator.on(GrantRequest{.policy = policy, .shard = 0, .actions = 1}, steady));
    number = wallet.may_spend(policy, steady);
  }
  CHECK(number.has_value());  // the guard was asked in this step
  coordinator.on(wallet.spend(policy, *number, steady), steady);
}

ActionId State::next_id(std::uint64_t position) {
  changed = true;
  id_number = id_position == position ? id_number + 1 : 1;
  id_position = position;
  return ActionId{cat("a-", position, "-", id_number)};
}

void State::due(const FindingId& finding, Duration at, Duration steady) {
  FindingMemory& memory = remember(finding, steady);
  if (!memory.due || at < *memory.due) memory.due = at;
}

std::string log_cause(const Moment& at) { return cat("log/", at.position); }

model::AuditEvent audit_of(const Moment& at, const model::Action& action, const std::string& actor, const char* verb,
                           const std::string& cause, const std::string& detail) {
  return {.at = at.now,
          .actor = actor,
          .verb = verb,
          .subject = cat("Action/", action.id.value),
          .cause = cause,
          .detail = detail.empty() ? action.summary : cat(action.summary, ": ", detail)};
}

bool ended_by_person(model::EndReason reason) {
  return reason == model::EndReason::by_hand || reason == model::EndReason::released;
}

void order(State& state, const Moment& at, model::Action& action, const std::string& cause, Effects& out) {
  action.state = model::ActionState::ordered;
  action.ordered_at = at.now;
  action.version = 1;
  action.note.clear();
  state.running[action.id].since = at.steady;
  state.spend(action.policy, at.steady);
  auto& ordered = state.remember(action.target, at.steady).ordered;
  std::erase_if(ordered, [&](Duration then) { return at.steady - then >= repeats_within; });
  ordered.push_back(at.steady);
  for (const InstanceName& name : {action.target, action.instance}) {
    out.hold_learning.push_back(name);
    state.quiet.erase(name);
    if (action.target == action.instance) break;
  }
  out.audit.push_back(audit_of(at, action, "mien", "action.ordered", cause, ""));
  out.changed.push_back(action);
}

void wait_to_settle(State& state, const Moment& at, const model::Action& action) {
  Ladder& ladder = state.ladder(action.finding, action.policy, action.policy_generation, at.steady);
  ladder.tried[action.step] = Tried::done;
  ladder.next_at = at.steady + action.settle;
  state.due(action.finding, ladder.next_at, at.steady);
}

void finish_alert(State& state, const Moment& at, ActionId id, const std::string& actor, const std::string& cause,
                  Effects& out) {
  model::Action& action = state.unfinished.at(id);
  action.ordered_at = at.now;
  wait_to_settle(state, at, action);
  out.audit.push_back(audit_of(at, action, actor, "action.done", cause, ""));
  finish(state, at, id, model::ActionState::done, out);
}

void begin_revert(State& state, const Moment& at, model::Action& action, model::EndReason reason,
                  const std::string& actor, Effects& out) {
  state.changed = true;
  action.state = model::ActionState::reverting;
  action.end_reason = reason;
  action.note = reason_text(reason);
  ++action.version;
  if (ended_by_person(reason) && !action.finding.empty() && state.findings.contains(action.finding))
    state.ladder(action.finding, action.policy, action.policy_generation, at.steady).stopped =
        cat(actor, " took back ", action.id.value, " at ", clock_text(at.now, at.now));
  out.audit.push_back(audit_of(at, action, actor, "action.reverting", log_cause(at), action.note));
  out.changed.push_back(action);
}

bool is_worth_again(const State& state, const Moment& at, const model::Action& action, model::ActionState last) {
  auto running = state.running.find(action.id);
  return last == model::ActionState::failed && action.end_reason == model::EndReason::agent_ended &&
         running != state.running.end() && at.steady - running->second.since < action.lease;
}

void finish(State& state, const Moment& at, ActionId id, model::ActionState last, Effects& out) {
  model::Action action = state.take(id);
  const bool rests = !is_worth_again(state, at, action, last);
  state.running.erase(id);
  action.state = last;
  if (!action.ended_at) action.ended_at = at.now;
  if (action.ordered_at && action.verb != model::Verb::alert) {
    if (rests) state.remember(action.target, at.steady).ended = at.steady;
    for (const InstanceName& name : {action.target, action.instance}) state.quiet[name] = at.steady + action.settle;
  }
  state.finished.push_back(id);
  if (state.finished.size() > most_finished_ids) state.finished.erase(state.finished.begin());
  out.changed.push_back(std::move(action));
}

}  // namespace mien::remedy
