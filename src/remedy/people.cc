// What people say: approve, reject, revert, hold, resume, release.
#include "base/text.h"
#include "remedy/detail/guards.h"
#include "remedy/detail/state.h"
#include "remedy/detail/words.h"

namespace mien::remedy {
namespace {

using model::ActionState;
using model::EndReason;

Error error(Code code, std::string message) {
  return {.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

Question question_of(const State& state, const model::Action& action) {
  Question question;
  question.policy = action.policy;
  question.finding = action.finding;
  question.instance = action.instance;
  question.target = action.target;
  question.host = action.host;
  question.pool = action.pool;
  question.step = {.verb = action.verb, .with = action.with, .lease = action.lease};
  question.self = action.id;
  auto running = state.running.find(action.id);
  if (running != state.running.end()) {
    question.cooldown = running->second.cooldown;
    question.unavailable_most = running->second.unavailable_most;
  }
  return question;
}

// The guards that may have come in the way since it was proposed.
Status ask_again(const State& state, const Moment& at, const model::Action& action) {
  const Question question = question_of(state, action);
  const bool alert = action.verb == model::Verb::alert;
  auto said = [](const char* guard, const Answer& answer) -> Status {
    if (answer.allowed) return {};
    return error(Code::refused, cat(guard, ": ", answer.why));
  };
  if (Status status = said("hold", ask_hold(state, at, question)); !status || alert) return status;
  for (Status status :
       {said("never_touch", ask_never_touch(state, question)), said("allow", ask_allow(state, question)),
        said("can", ask_can(state, question)), said("busy", ask_busy(state, question)),
        said("owner", ask_owner(state, question)), said("cooldown", ask_cooldown(state, at, question)),
        said("max_unavailable", ask_unavailable(state, question)), said("budget", ask_budget(state, at, question))})
    if (!status) return status;
  return {};
}

Result<const model::Action*> find(const State& state, const ActionId& id) {
  auto found = state.unfinished.find(id);
  if (found == state.unfinished.end())
    return error(Code::not_found, cat("there is no unfinished action ", id.value, "; `mien actions` lists them"));
  return &found->second;
}

void reject_proposal(State& state, const Moment& at, const ActionId& id, const Saying& saying, EndReason reason,
                     Effects& out) {
  model::Action& action = state.unfinished.at(id);
  const std::string because = saying.comment.empty() ? std::string{} : cat(": ", saying.comment);
  action.end_reason = reason;
  action.note = cat(saying.actor, reason == EndReason::released ? " released it before it began" : " said no", because);
  if (state.findings.contains(action.finding))
    state.ladder(action.finding, action.policy, action.policy_generation, at.steady).stopped =
        cat(saying.actor, " rejected ", id.value, " at ", clock_text(at.now, at.now), because);
  out.audit.push_back(audit_of(at, action, saying.actor, "action.rejected", log_cause(at), saying.comment));
  finish(state, at, id, ActionState::rejected, out);
}

model::AuditEvent audit_hold(const Moment& at, const HoldScope& scope, const std::string& actor, const char* verb,
                             std::string detail) {
  std::string subject = !scope.instance.empty() ? cat("Instance/", scope.instance.value)
                        : !scope.pool.empty()   ? cat("Pool/", scope.pool.value)
                                                : std::string("Fleet");
  return {.at = at.now,
          .actor = actor,
          .verb = verb,
          .subject = std::move(subject),
          .cause = log_cause(at),
          .detail = std::move(detail)};
}

}  // namespace

std::string to_text(const HoldScope& scope) {
  std::string text = scope.learning ? "learning" : "";
  auto add = [&](const std::string& what) { text += cat(text.empty() ? "" : " of ", what); };
  if (!scope.instance.empty()) add(cat("instance ", scope.instance.value));
  if (!scope.pool.empty()) add(cat("pool ", scope.pool.value));
  if (scope.instance.empty() && scope.pool.empty()) add("everything");
  return text;
}

Status Remedy::check_approve(const Moment& at, const ActionId& id) const {
  const model::Action& action = *TRY(find(*state_, id));
  if (action.state != ActionState::proposed)
    return error(Code::conflict, cat(id.value, " is ", model::to_text(action.state), ", it waits for nobody"));
  if (action.approve_by && *action.approve_by <= at.now)
    return error(Code::conflict, cat(id.value, " could be approved until ", clock_text(*action.approve_by, at.now)));
  return ask_again(*state_, at, action);
}

void Remedy::approve(const Moment& at, const ActionId& id, const Saying& saying, Effects& out) {
  if (!check_approve(at, id)) return;
  State& state = *state_;
  model::Action& action = state.unfinished.at(id);
  action.approved_by = saying.actor;
  out.audit.push_back(audit_of(at, action, saying.actor, "action.approved", log_cause(at), saying.comment));
  if (action.verb == model::Verb::alert) return finish_alert(state, at, id, saying.actor, log_cause(at), out);
  order(state, at, action, cat("Decision/", action.decision.value), out);
}

Status Remedy::check_reject(const ActionId& id) const {
  const model::Action& action = *TRY(find(*state_, id));
  if (action.state != ActionState::proposed)
    return error(Code::conflict,
                 cat(id.value, " is ", model::to_text(action.state), "; to take it back: mien revert ", id.value));
  return {};
}

void Remedy::reject(const Moment& at, const ActionId& id, const Saying& saying, Effects& out) {
  if (check_reject(id)) reject_proposal(*state_, at, id, saying, EndReason::by_hand, out);
}

Status Remedy::check_revert(const ActionId& id) const {
  const model::Action& action = *TRY(find(*state_, id));
  if (action.state == ActionState::reverting)
    return error(Code::conflict, cat(id.value, " is being taken back already: ", action.note));
  return {};
}

void Remedy::revert(const Moment& at, const ActionId& id, const std::string& actor, Effects& out) {
  if (!check_revert(id)) return;
  State& state = *state_;
  model::Action& action = state.unfinished.at(id);
  if (action.state == ActionState::proposed)
    return reject_proposal(state, at, id, {.actor = actor, .comment = {}}, EndReason::by_hand, out);
  begin_revert(state, at, action, EndReason::by_hand, actor, out);
}

Released Remedy::release(const Moment& at, const InstanceName& instance, const std::string& actor, Effects& out) {
  State& state = *state_;
  const std::string on_it = cat("@", instance.value);
  std::vector<ActionId> ids;
  for (const auto& [id, action] : state.unfinished)
    if (action.state != ActionState::reverting &&
        (instance.empty() || action.instance == instance || action.target == instance || action.host == instance ||
         action.target.value.ends_with(on_it)))
      ids.push_back(id);
  Released released;
  for (const ActionId& id : ids) {
    model::Action& action = state.unfinished.at(id);
    if (action.state == ActionState::proposed) {
      reject_proposal(state, at, id, {.actor = actor, .comment = {}}, EndReason::released, out);
      ++released.withdrawn;
    } else {
      begin_revert(state, at, action, EndReason::released, actor, out);
      ++released.taken_back;
    }
  }
  return released;
}

void Remedy::hold(const Moment& at, const HoldScope& asked, WallTime until, const std::string& actor, Effects& out) {
  State& state = *state_;
  HoldScope scope = asked;
  // More single holds than can be remembered: holding everything is the side to err on.
  if (!state.holds.contains(scope) && state.holds.size() >= state.limits.remembered) {
    scope = {};
    scope.learning = asked.learning;
  }
  Hold hold{.until = until, .actor = actor};
  if (state.holds.contains(scope) && state.holds.at(scope) == hold) return;
  out.audit.push_back(audit_hold(at, scope, actor, "hold.begun", hold_text(scope, hold, at.now)));
  state.holds[scope] = std::move(hold);
  state.changed = true;
}

Status Remedy::check_resume(const HoldScope& scope) const {
  if (state_->holds.contains(scope)) return {};
  return error(Code::not_found, cat("nobody holds ", to_text(scope)));
}

void Remedy::resume(const Moment& at, const HoldScope& scope, const std::string& actor, Effects& out) {
  State& state = *state_;
  if (state.holds.erase(scope) == 0) return;
  state.changed = true;
  out.audit.push_back(audit_hold(at, scope, actor, "hold.ended", cat(actor, " resumed ", to_text(scope))));
}

bool Remedy::learning_held(const InstanceName& instance, const PoolName& pool, WallTime now) const {
  for (const auto& [scope, hold] : state_->holds)
    if (scope.learning && (hold.until.ns == 0 || hold.until > now) &&
        (scope.instance.empty() || scope.instance == instance) && (scope.pool.empty() || scope.pool == pool))
      return true;
  return false;
}

}  // namespace mien::remedy
