// What time brings: holds and approvals end, machines that never answered are asked, effects are proven, leases that
// were not ended are ended, and findings come up again.
#include <algorithm>

#include "base/text.h"
#include "remedy/detail/effect.h"
#include "remedy/detail/state.h"
#include "remedy/detail/words.h"

namespace mien::remedy {
namespace {

using model::ActionState;
using model::EffectVerdict;
using model::EndReason;

constexpr Duration answer_within = std::chrono::seconds{30};  // after an order is no longer begun
constexpr Duration expiry_grace = std::chrono::minutes{2};    // for a machine to say that a lease is over

bool end_holds(State& state, const Moment& at, Effects& out) {
  return std::erase_if(state.holds, [&](const auto& entry) {
           const auto& [scope, hold] = entry;
           if (hold.until.ns == 0 || hold.until > at.now) return false;
           std::string subject = !scope.instance.empty() ? cat("Instance/", scope.instance.value)
                                 : !scope.pool.empty()   ? cat("Pool/", scope.pool.value)
                                                         : std::string("Fleet");
           out.audit.push_back({.at = at.now,
                                .actor = "mien",
                                .verb = "hold.ended",
                                .subject = std::move(subject),
                                .cause = log_cause(at),
                                .detail = cat("the hold of ", to_text(scope), " by ", hold.actor, " is over")});
           return true;
         }) > 0;
}

void lapse(State& state, const Moment& at, const ActionId& id, Effects& out) {
  model::Action& action = state.unfinished.at(id);
  action.note = "nobody approved it in time";
  if (state.findings.contains(action.finding))
    state.ladder(action.finding, action.policy, action.policy_generation, at.steady).stopped =
        cat("nobody approved ", id.value, " in time");
  out.audit.push_back(audit_of(at, action, "mien", "action.lapsed", log_cause(at), action.note));
  finish(state, at, id, ActionState::lapsed, out);
}

// INVARIANT read_back: an order that nobody answered is unknown, not failed. It is taken back where it was begun, and
// nothing else is done to its target until its machine has spoken.
void ask_machine(State& state, const Moment& at, model::Action& action, Running& running, Effects& out) {
  Duration begun_until = std::max<Duration>(action.settle, std::chrono::minutes{1});
  if (running.asked || at.steady < running.since + begun_until + answer_within) return;
  running.asked = true;
  state.changed = true;
  action.note = cat("unknown: ", action.host.value, " has not said what became of it; it is asked to take it back");
  ++action.version;
  out.audit.push_back(audit_of(at, action, "mien", "action.unknown", log_cause(at), action.note));
  out.changed.push_back(action);
}

std::string figures(const model::Effect& effect) {
  std::string text = cat("drift ", score_text(effect.before), " before, ", score_text(effect.after), " after");
  if (effect.peers > 0)
    text += cat("; ", counted(effect.peers, "peer", "peers"), " ", score_text(effect.peers_before), " and ",
                score_text(effect.peers_after));
  return cat(text, "; difference ", score_text(effect.difference), " [", score_text(effect.low), ", ",
             score_text(effect.high), "]");
}

const char* audit_verb(EffectVerdict verdict) {
  switch (verdict) {
    case EffectVerdict::helped: return "action.verified";
    case EffectVerdict::no_effect: return "action.no_effect";
    case EffectVerdict::worse: return "action.worse";
    default: return "action.unproven";
  }
}

void judge(State& state, const Moment& at, const Observer& observer, model::Action& action, const Running& running,
           Effects& out) {
  state.changed = true;
  if (observer.telemetry_lost(action.instance)) {
    action.effect.verdict = EffectVerdict::unknown;
  } else {
    action.effect = prove(action, running, observer);
  }
  action.effect.judged_at = at.now;
  const EffectVerdict verdict = action.effect.verdict;
  if (verdict == EffectVerdict::unknown) {
    action.note = "too little was seen to say whether it helped; it stays until its lease ends";
  } else {
    action.note = figures(action.effect);
    if (std::optional<std::uint32_t> step = state.step_now(action))
      state.count_rank({.policy = action.policy, .step = *step, .persona = action.persona}, verdict, at.steady);
    if (verdict != EffectVerdict::helped && state.findings.contains(action.finding))
      state.ladder(action.finding, action.policy, action.policy_generation, at.steady).tried[action.step] =
          verdict == EffectVerdict::worse ? Tried::worse : Tried::no_effect;
  }
  out.audit.push_back(audit_of(at, action, "mien", audit_verb(verdict), log_cause(at), action.note));
  out.changed.push_back(action);
}

void watch_applied(State& state, const Moment& at, const Observer& observer, model::Action& action, Running& running,
                   Effects& out) {
  if (!running.compared) {
    keep_before(action, observer, running);
    state.changed = true;
  }
  if (action.effect.verdict == EffectVerdict::pending &&
      at.steady >= running.applied + action.settle + window_length(action))
    judge(state, at, observer, action, running, out);
  const bool useless =
      action.effect.verdict == EffectVerdict::no_effect || action.effect.verdict == EffectVerdict::worse;
  // INVARIANT hold_when_blind: nothing is taken back for what can not be seen.
  if (useless && at.steady >= running.applied + action.dwell && !observer.telemetry_lost(action.instance))
    return begin_revert(state, at, action,
                        action.effect.verdict == EffectVerdict::worse ? EndReason::worse : EndReason::no_effect, "mien",
                        out);
  if (action.expires_at && at.now >= *action.expires_at + expiry_grace && !observer.telemetry_lost(action.host))
    begin_revert(state, at, action, EndReason::lease_over, "mien", out);
}

void watch_actions(State& state, const Moment& at, const Observer& observer, Effects& out) {
  std::vector<ActionId> lapsed;
  for (auto& [id, action] : state.unfinished) {
    auto [found, is_new] = state.running.try_emplace(id);
    Running& running = found->second;
    if (is_new) {  // its times are not known here: they begin now, which is never sooner
      running.since = running.applied = at.steady;
      running.approve_until = at.steady;
      state.changed = true;
    }
    switch (action.state) {
      case ActionState::proposed:
        if ((action.approve_by && at.now >= *action.approve_by) || at.steady >= running.approve_until)
          lapsed.push_back(id);
        break;
      case ActionState::ordered: ask_machine(state, at, action, running, out); break;
      case ActionState::applied: watch_applied(state, at, observer, action, running, out); break;
      default: break;
    }
  }
  for (const ActionId& id : lapsed) lapse(state, at, id, out);
}

void let_teach_again(State& state, const Moment& at, Effects& out) {
  for (auto quiet = state.quiet.begin(); quiet != state.quiet.end();) {
    if (at.steady < quiet->second) {
      ++quiet;
      continue;
    }
    auto acted_on = [&](const auto& entry) {
      const model::Action& action = entry.second;
      return action.state != ActionState::proposed &&
             (action.target == quiet->first || action.instance == quiet->first);
    };
    if (!std::any_of(state.unfinished.begin(), state.unfinished.end(), acted_on))
      out.resume_learning.push_back(quiet->first);
    quiet = state.quiet.erase(quiet);
    state.changed = true;
  }
}

void reconsider(State& state, const Moment& at, Effects& out) {
  for (auto& [id, memory] : state.findings) {
    if (!memory.due || at.steady < *memory.due) continue;
    memory.due.reset();
    state.changed = true;
    if (std::find(out.reconsider.begin(), out.reconsider.end(), id) == out.reconsider.end())
      out.reconsider.push_back(id);
  }
}

// A policy that was deleted and written anew begins with what it has spent.
void forget_orphans(State& state, const Moment& at) {
  auto is_over = [&](const PolicyName& name) {
    BudgetView view = state.coordinator.view(name, at.steady);
    if (view.spent > 0 || view.granted > 0) return false;
    state.coordinator.forget(name);
    state.wallet.forget(name);
    return true;
  };
  if (std::erase_if(state.orphans, is_over) > 0) state.changed = true;
}

}  // namespace

bool Remedy::is_due(const Moment& at) const {
  const State& state = *state_;
  auto is_over = [&](const auto& hold) { return hold.second.until.ns != 0 && hold.second.until <= at.now; };
  auto comes_up = [&](const auto& finding) { return finding.second.due && at.steady >= *finding.second.due; };
  auto teaches = [&](const auto& quiet) { return at.steady >= quiet.second; };
  return std::any_of(state.holds.begin(), state.holds.end(), is_over) ||
         std::any_of(state.findings.begin(), state.findings.end(), comes_up) ||
         std::any_of(state.quiet.begin(), state.quiet.end(), teaches);
}

void Remedy::on_tick(const Moment& at, const Observer& observer, Effects& out) {
  State& state = *state_;
  if (end_holds(state, at, out)) state.changed = true;
  if (std::erase_if(state.running, [&](const auto& entry) { return !state.unfinished.contains(entry.first); }) > 0)
    state.changed = true;
  watch_actions(state, at, observer, out);
  let_teach_again(state, at, out);
  reconsider(state, at, out);
  forget_orphans(state, at);
}

}  // namespace mien::remedy
