// What machines say: what may be done to them, and what became of an order. Hearing anything twice changes nothing.
#include <algorithm>

#include "base/text.h"
#include "remedy/detail/state.h"
#include "remedy/detail/words.h"

namespace mien::remedy {
namespace {

using model::ActionState;
using model::EndReason;

std::string actor_of(const std::string& agent) { return cat("agent ", agent); }

// A time that a machine's own clock gave, kept between the order and now.
WallTime within(WallTime said, const model::Action& action, WallTime now) {
  WallTime earliest = std::min(action.ordered_at.value_or(action.created_at), now);
  return std::clamp(said, earliest, now);
}

void on_applied(State& state, const Moment& at, model::Action& action, const std::string& agent,
                const model::ActionReport& report, Effects& out) {
  if (action.applied_at) {  // said before; what it holds may have been repaired meanwhile
    if (report.changes.empty() || report.changes == action.changes) return;
    action.changes = report.changes;
    out.changed.push_back(action);
    return;
  }
  state.changed = true;
  action.applied_at = within(report.at, action, at.now);
  action.changes = report.changes;
  action.expires_at = report.expires_at.value_or(*action.applied_at + action.lease);
  state.running[action.id].applied = at.steady;
  if (action.state == ActionState::ordered && !state.running[action.id].asked) {
    action.state = ActionState::applied;
    action.note = report.note;
  }
  std::string detail = report.note;
  for (const model::Change& change : report.changes)
    detail += cat(detail.empty() ? "" : "; ", change.key, " from ", change.before, " to ", change.after);
  out.audit.push_back(audit_of(at, action, actor_of(agent), "action.applied", log_cause(at), detail));
  out.changed.push_back(action);
}

// What was there before can not be put back yet; its machine goes on trying.
void on_stuck(State& state, const Moment& at, model::Action& action, const std::string& agent,
              const model::ActionReport& report, Effects& out) {
  std::string note = cat(model::stuck_note, report.note);
  if (action.state == ActionState::reverting && action.note == note) return;
  if (action.state != ActionState::reverting) {  // its lease ended there, or it failed half-way
    state.changed = true;
    action.state = ActionState::reverting;
    action.end_reason = report.reason;
    ++action.version;
  }
  action.note = std::move(note);
  out.audit.push_back(audit_of(at, action, actor_of(agent), "action.stuck", log_cause(at), report.note));
  out.changed.push_back(action);
}

const char* audit_verb(ActionState last) {
  switch (last) {
    case ActionState::reverted: return "action.reverted";
    case ActionState::conflicted: return "action.conflicted";
    case ActionState::done: return "action.done";
    default: return "action.failed";
  }
}

void on_ended(State& state, const Moment& at, model::Action& action, const std::string& agent,
              const model::ActionReport& report, Effects& out) {
  // Why it was taken back is known best by who took it back; what was asked for counts where it does not say.
  if (report.reason != EndReason::none) action.end_reason = report.reason;
  if (!report.changes.empty()) action.changes = report.changes;
  action.ended_at = within(report.at, action, at.now);
  action.note = report.note;
  if (action.effect.verdict == model::EffectVerdict::pending && report.state != ActionState::failed) {
    action.effect.verdict = model::EffectVerdict::unknown;  // it ended before anything could be proven
    action.effect.judged_at = at.now;
  }
  std::string detail = report.state == ActionState::failed || report.state == ActionState::done
                           ? report.note
                           : reason_text(action.end_reason);
  if (report.state != ActionState::failed && !report.note.empty() && detail != report.note)
    detail += cat("; ", report.note);
  for (const model::Change& change : report.changes) {
    if (report.state == ActionState::conflicted && change.found != change.after)
      detail += cat("; ", change.key, " is ", change.found, ", not our ", change.after, ": left alone");
    if (report.state == ActionState::reverted) detail += cat("; ", change.key, " is ", change.before, " again");
  }
  out.audit.push_back(audit_of(at, action, actor_of(agent), audit_verb(report.state), log_cause(at), detail));

  if (!action.finding.empty() && state.findings.contains(action.finding)) {
    if (report.state == ActionState::failed && !is_worth_again(state, at, action, report.state))
      state.ladder(action.finding, action.policy, action.policy_generation, at.steady).tried[action.step] =
          Tried::failed;
    if (report.state == ActionState::done) {
      wait_to_settle(state, at, action);
    } else if (!ended_by_person(action.end_reason)) {
      out.reconsider.push_back(action.finding);
    }
  }
  finish(state, at, action.id, report.state, out);
}

// It is in force on a machine, and not in this record: an older backup runs here. It must not be left without an owner.
void adopt(State& state, const Moment& at, const std::string& agent, const model::ActionReport& report, Effects& out) {
  model::Action action;
  action.id = report.action;
  action.instance = action.target = action.host = InstanceName{agent};
  action.verb = model::Verb::limit;
  action.summary = cat("unknown change on ", agent);
  action.state = ActionState::reverting;
  action.end_reason = EndReason::released;
  action.note = "this record does not know it; it is taken back";
  action.created_at = report.at;
  action.ordered_at = action.applied_at = report.at;
  action.expires_at = report.expires_at;
  action.changes = report.changes;
  action.version = std::uint64_t{1} << 32;  // newer than whatever its machine was told before
  Running& running = state.running[action.id];
  running.since = running.applied = at.steady;
  out.audit.push_back(audit_of(at, action, "mien", "action.reverting", log_cause(at), action.note));
  out.changed.push_back(action);
  state.add(std::move(action));
}

void on_unknown(State& state, const Moment& at, const std::string& agent, const model::ActionReport& report,
                Effects& out) {
  if (std::find(state.finished.begin(), state.finished.end(), report.action) != state.finished.end()) return;
  const bool in_force = report.state == ActionState::applied || report.state == ActionState::reverting;
  const bool room = state.unfinished.size() < state.limits.unfinished;
  out.audit.push_back({.at = at.now,
                       .actor = actor_of(agent),
                       .verb = "action.unknown_reported",
                       .subject = cat("Action/", report.action.value),
                       .cause = log_cause(at),
                       .detail = cat("says it is ", model::to_text(report.state), "; this record does not know it",
                                     in_force && !room ? ", and can take no more: it runs until its lease ends" : "")});
  state.changed = true;
  if (in_force && room) return adopt(state, at, agent, report, out);
  state.finished.push_back(report.action);
  if (state.finished.size() > most_finished_ids) state.finished.erase(state.finished.begin());
}

void refuse(const Moment& at, const std::string& agent, const model::Action& action, std::string why, Effects& out) {
  out.audit.push_back(audit_of(at, action, actor_of(agent), "action.report_refused", log_cause(at), why));
}

}  // namespace

void Remedy::on_report(const Moment& at, const std::string& agent, const model::ActionReport& report, Effects& out) {
  State& state = *state_;
  auto found = state.unfinished.find(report.action);
  if (found == state.unfinished.end()) return on_unknown(state, at, agent, report, out);
  model::Action& action = found->second;
  if (agent != action.host.value)
    return refuse(at, agent, action, cat("it is ", action.host.value, "'s to report"), out);
  if (action.state == ActionState::proposed) return refuse(at, agent, action, "it was never ordered", out);
  switch (report.state) {
    case ActionState::applied: return on_applied(state, at, action, agent, report, out);
    case ActionState::reverting: return on_stuck(state, at, action, agent, report, out);
    case ActionState::reverted:
    case ActionState::conflicted:
    case ActionState::failed:
    case ActionState::done: return on_ended(state, at, action, agent, report, out);
    default: return refuse(at, agent, action, cat(model::to_text(report.state), " is not a machine's to say"), out);
  }
}

void Remedy::on_abilities(const Moment& at, const model::Abilities& abilities, Effects& out) {
  State& state = *state_;
  auto found = state.agents.find(abilities.agent);
  if (found != state.agents.end() && found->second == abilities) return;
  if (found == state.agents.end() && state.agents.size() >= state.limits.remembered)
    return;  // then nothing is done there
  const bool was_held = found != state.agents.end() && found->second.held;
  if (was_held != abilities.held)
    out.audit.push_back({.at = at.now,
                         .actor = actor_of(abilities.agent),
                         .verb = abilities.held ? "hold.begun" : "hold.ended",
                         .subject = cat("Instance/", abilities.agent),
                         .cause = log_cause(at),
                         .detail = abilities.held ? "the hold file is there" : "the hold file is gone"});
  state.agents[abilities.agent] = abilities;
  state.changed = true;
}

}  // namespace mien::remedy
