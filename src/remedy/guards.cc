#include "remedy/detail/guards.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "remedy/detail/words.h"

namespace mien::remedy {
namespace {

constexpr Duration soon = std::chrono::minutes{1};  // for what somebody else must end

Answer allowed(std::string why) { return {.allowed = true, .why = std::move(why), .again_in = {}}; }
Answer refused(std::string why, std::optional<Duration> again_in) {
  return {.allowed = false, .why = std::move(why), .again_in = again_in};
}

bool holds(const HoldScope& scope, const Hold& hold, const Question& question, WallTime now) {
  if (scope.learning || (hold.until.ns != 0 && hold.until <= now)) return false;
  bool instance = scope.instance.empty() || scope.instance == question.instance || scope.instance == question.target ||
                  scope.instance == question.host;
  return instance && (scope.pool.empty() || scope.pool == question.pool);
}

const model::Abilities* abilities_of(const State& state, const InstanceName& host) {
  auto found = state.agents.find(host.value);
  return found == state.agents.end() ? nullptr : &found->second;
}

std::string no_agent(const InstanceName& host) {
  return cat("no agent of ", host.value, " has said what may be done there");
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += cat(out.empty() ? "" : ", ", word);
  return out;
}

// "nginx.service" of "nginx.service@web-01".
std::string_view unit_of(const InstanceName& target, const InstanceName& host) {
  std::string_view name = target.value;
  std::string tail = cat("@", host.value);
  return name.size() > tail.size() && name.ends_with(tail) ? name.substr(0, name.size() - tail.size()) : name;
}

// Fields that must have one owner each. "everything": what starts or replaces the whole of it.
std::set<std::string> fields_written(model::Verb verb, const model::Arguments& with) {
  using model::Verb;
  std::set<std::string> out;
  switch (verb) {
    case Verb::alert:
    case Verb::snapshot:
    case Verb::preload:
    case Verb::scale_pool:
    case Verb::run: return out;
    case Verb::lockdown: return {"lockdown"};
    case Verb::activate: return {"persona"};
    case Verb::limit:
    case Verb::scale:
    case Verb::prioritize:
    case Verb::configure:
      for (const auto& [key, value] : with)
        if (key != "target") out.insert(key);
      return out;
    default: return {"everything"};
  }
}

bool of_machine(model::Verb verb) { return verb == model::Verb::configure; }

// Whether two targets on one host are the same place, or one holds the other.
bool overlap(const InstanceName& a, const InstanceName& b, const InstanceName& host) {
  return a == b || a == host || b == host;
}

bool is_done_to_machine(const model::Action& action) { return action.state != model::ActionState::proposed; }

}  // namespace

Answer ask_hold(const State& state, const Moment& at, const Question& question) {
  for (const auto& [scope, hold] : state.holds)
    if (holds(scope, hold, question, at.now)) return refused(hold_text(scope, hold, at.now), soon);
  const model::Abilities* abilities = abilities_of(state, question.host);
  if (abilities && abilities->held) return refused(cat("the hold file is there on ", question.host.value), soon);
  return allowed("nobody holds it");
}

Answer ask_never_touch(const State& state, const Question& question) {
  const model::Abilities* abilities = abilities_of(state, question.host);
  if (!abilities) return refused(no_agent(question.host), soon);
  std::string_view unit = unit_of(question.target, question.host);
  for (const std::string& pattern : abilities->never_touch)
    if (matches_pattern(pattern, unit))
      return refused(cat(unit, " is never touched on ", question.host.value, " (", pattern, ")"), soon);
  return allowed(cat("not on the never-touch list of ", question.host.value));
}

Answer ask_allow(const State& state, const Question& question) {
  const model::Abilities* abilities = abilities_of(state, question.host);
  if (!abilities) return refused(no_agent(question.host), soon);
  std::string_view verb = model::to_text(question.step.verb);
  const auto& allow = abilities->allow;
  if (std::find(allow.begin(), allow.end(), verb) != allow.end())
    return allowed(cat("agent.yaml of ", question.host.value, " allows ", verb));
  return refused(cat("agent.yaml of ", question.host.value, " does not allow ", verb, "; it allows ",
                     allow.empty() ? std::string("nothing") : joined(allow)),
                 soon);
}

Answer ask_can(const State& state, const Question& question) {
  const model::Abilities* abilities = abilities_of(state, question.host);
  if (!abilities) return refused(no_agent(question.host), soon);
  std::string_view verb = model::to_text(question.step.verb);
  const auto& can = abilities->can;
  if (std::find(can.begin(), can.end(), verb) != can.end())
    return allowed(cat("the agent of ", question.host.value, " can ", verb));
  return refused(cat("the agent of ", question.host.value, " can not ", verb, "; it can ",
                     can.empty() ? std::string("nothing") : joined(can)),
                 soon);
}

Answer ask_busy(const State& state, const Question& question) {
  auto in_the_way = [&](const ActionId& id) {
    const model::Action& action = state.unfinished.at(id);
    return cat(id.value, " (", action.summary, ") is ", model::to_text(action.state), " on ", action.target.value);
  };
  // INVARIANT one_action_per_target
  for (const ActionId& id : state.on_target(question.target))
    if (id != question.self) return refused(in_the_way(id), soon);
  for (const ActionId& id : state.about(question.finding))
    if (id != question.self) return refused(cat("about this finding, ", in_the_way(id)), soon);
  if (question.self.empty() && state.unfinished.size() >= state.limits.unfinished)
    return refused(cat(state.unfinished.size(), " actions are unfinished, the most there may be"), soon);
  return allowed(cat("nothing is unfinished on ", question.target.value));
}

Answer ask_owner(const State& state, const Question& question) {
  std::set<std::string> ours = fields_written(question.step.verb, question.step.with);
  for (const ActionId& id : state.on_host(question.host)) {
    if (id == question.self) continue;
    const model::Action& action = state.unfinished.at(id);
    bool machine = of_machine(action.verb) && of_machine(question.step.verb);
    if (!machine && !overlap(action.target, question.target, question.host)) continue;
    for (const std::string& field : fields_written(action.verb, action.with))
      if (ours.contains(field) || (field == "everything" && !ours.empty()) || ours.contains("everything"))
        return refused(cat(field, " of ", action.target.value, " belongs to ", id.value, " (", action.summary, ")"),
                       soon);
  }
  return allowed("no other action owns what it would write");
}

Answer ask_cooldown(const State& state, const Moment& at, const Question& question) {
  auto found = state.targets.find(question.target);
  if (found == state.targets.end() || !found->second.ended)
    return allowed(cat("no action on ", question.target.value, " has ended lately"));
  Duration since = at.steady - *found->second.ended;
  if (since >= question.cooldown)
    return allowed(cat("the last action on ", question.target.value, " ended ", to_text(since), " ago, cool-down ",
                       to_text(question.cooldown)));
  return refused(
      cat("the last action on ", question.target.value, " ended ", to_text(since), " ago; the next may begin at ",
          clock_text(*found->second.ended + question.cooldown, at), " (cool-down ", to_text(question.cooldown), ")"),
      question.cooldown - since);
}

Answer ask_unavailable(const State& state, const Question& question) {
  if (!model::makes_unavailable(question.step)) return allowed("it goes on working meanwhile");
  if (question.pool.empty()) return allowed("it is in no pool");
  std::uint32_t now = 0;
  for (const auto& [id, action] : state.unfinished)
    if (id != question.self && is_done_to_machine(action) && action.pool == question.pool &&
        model::makes_unavailable({.verb = action.verb, .with = action.with, .lease = action.lease}))
      ++now;
  std::string figures = cat(now, " of at most ", question.unavailable_most, " of pool ", question.pool.value,
                            now == 1 ? " is unavailable" : " are unavailable");
  return now < question.unavailable_most ? allowed(figures) : refused(figures, soon);
}

Answer ask_budget(const State& state, const Moment& at, const Question& question) {
  BudgetView view = state.coordinator.view(question.policy, at.steady);
  std::string figures = cat(view.spent, " of ", counted(view.actions, "action", "actions"), " per ", to_text(view.per),
                            view.spent == 1 ? " is spent" : " are spent");
  if (view.granted > 0) figures += cat(", ", view.granted, " granted");
  bool left = view.spent + view.granted < view.actions || state.wallet.may_spend(question.policy, at.steady);
  if (left) return allowed(figures);
  if (view.actions == 0) return refused("its budget allows no action", std::nullopt);
  return refused(cat(figures, "; the next is free at ", clock_text(at.steady + view.free_after, at)), view.free_after);
}

Answer ask_repeats(const State& state, const Moment& at, const Question& question, std::uint32_t most) {
  auto found = state.targets.find(question.target);
  std::uint32_t times = 0;
  if (found != state.targets.end())
    for (Duration ordered : found->second.ordered)
      if (at.steady - ordered < repeats_within) ++times;
  std::string figures =
      cat(counted(times, "action", "actions"), " on ", question.target.value, " within a day, at most ", most);
  return times < most ? allowed(figures) : refused(cat(figures, ": a person must decide"), std::nullopt);
}

std::uint32_t unavailable_most(const model::Guards& guards, std::uint32_t pool_members) {
  if (!guards.unavailable_share) return guards.unavailable_count;
  // A hair above, so that 20 % of 10 is 2 whatever the binary fraction says.
  double share = *guards.unavailable_share * pool_members + 1e-9;
  if (!(share >= 1)) return 1;
  return share >= pool_members ? pool_members : static_cast<std::uint32_t>(share);
}

}  // namespace mien::remedy
