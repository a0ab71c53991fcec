#include "base/text.h"
#include "edge/api/why.h"

namespace mien::edge::api {
namespace {

std::string when(const std::optional<WallTime>& at) { return at ? to_rfc3339(*at) : std::string("a time not known"); }

std::string reason_sentence(model::EndReason reason) {
  switch (reason) {
    case model::EndReason::none: return "";
    case model::EndReason::lease_over: return "because its lease was over";
    case model::EndReason::by_hand: return "because a person took it back";
    case model::EndReason::released: return "because it was released";
    case model::EndReason::no_effect: return "because it did not help";
    case model::EndReason::worse: return "because it made things worse";
    case model::EndReason::agent_ended: return "because the machine ended it by itself";
  }
  return "";
}

std::string unjudged_sentence(const model::Action& action) {
  switch (action.state) {
    case model::ActionState::applied:
      return cat("whether it helped is judged ", to_text(action.settle), " after it was applied");
    case model::ActionState::done: return "it changes nothing on the machine, so there is no effect to judge";
    case model::ActionState::proposed:
    case model::ActionState::ordered: return "whether it helps is judged once it is in force";
    case model::ActionState::failed:
    case model::ActionState::rejected:
    case model::ActionState::lapsed: return "it was never in force, so there is no effect to judge";
    default: return "it ended before its effect was judged";
  }
}

std::string joined(std::string text, const std::string& more) { return more.empty() ? text : cat(text, " ", more); }

}  // namespace

std::string state_sentence(const model::Action& action) {
  std::string because = reason_sentence(action.end_reason);
  switch (action.state) {
    case model::ActionState::proposed:
      return cat("it waits for a person until ", when(action.approve_by), "; nothing is changed yet: mien approve ",
                 action.id.value, ", or mien reject ", action.id.value);
    case model::ActionState::ordered:
      return cat("it was ordered at ", when(action.ordered_at), "; ", action.host.value,
                 " has not yet said that it is done");
    case model::ActionState::applied:
      return action.lease.count() == 0
                 ? cat("it is in force since ", when(action.applied_at))
                 : cat("it is in force since ", when(action.applied_at), " and is taken back by itself at ",
                       when(action.expires_at), ", or now by mien revert ", action.id.value);
    case model::ActionState::reverting:
      return cat(joined("it is being taken back", because), model::is_stuck(action) ? "; " : "",
                 model::is_stuck(action) ? action.note : "");
    case model::ActionState::reverted:
      return cat(joined(cat("it was taken back at ", when(action.ended_at)), because),
                 "; every value is again what it was before");
    case model::ActionState::conflicted:
      return cat(joined(cat("it ended at ", when(action.ended_at)), because),
                 "; somebody else had changed a field meanwhile, and that was left alone");
    case model::ActionState::failed:
      return cat("it failed at ", when(action.ended_at), "; nothing of it is left on the machine");
    case model::ActionState::rejected:
      return cat("a person rejected it", action.note.empty() ? "" : cat(" (", action.note, ")"),
                 "; nothing was changed");
    case model::ActionState::lapsed:
      return cat("nobody decided before ", when(action.approve_by), ", so it lapsed; nothing was changed");
    case model::ActionState::done:
      return cat("it was done at ", when(action.ended_at), "; there is nothing to take back");
  }
  return "";
}

std::string effect_sentence(const model::Action& action) {
  const model::Effect& effect = action.effect;
  if (effect.verdict == model::EffectVerdict::pending) return unjudged_sentence(action);
  if (effect.verdict == model::EffectVerdict::unknown)
    return "whether it helped could not be judged: it ended too soon, or there was too little telemetry before or "
           "after it";
  std::string text = cat("drift was ", to_text(effect.before, 3), " before and ", to_text(effect.after, 3),
                         " after, in doublings of the expected band");
  if (effect.peers > 0) {
    text += cat("; of ", effect.peers, effect.peers == 1 ? " untreated peer " : " untreated peers ", "it was ",
                to_text(effect.peers_before, 3), " and ", to_text(effect.peers_after, 3));
  } else {
    text += "; there was no untreated peer to compare with";
  }
  text += cat("; the difference is ", to_text(effect.difference, 3), " (95 % between ", to_text(effect.low, 3), " and ",
              to_text(effect.high, 3), "): ");
  switch (effect.verdict) {
    case model::EffectVerdict::helped: return text + "it helped";
    case model::EffectVerdict::worse: return text + "it made things worse";
    default: return text + "it did not help";
  }
}

std::string change_sentence(const model::Change& change) {
  std::string text = cat(change.key, ": ", change.before, " -> ", change.after);
  if (change.found.empty() || change.found == change.after) return text;
  return cat(text, "; when it was to be taken back, ", change.found, " stood there");
}

std::string outcome_sentence(const model::Decision& decision) {
  const std::string& policy = decision.policy.value;
  switch (decision.outcome) {
    case model::Outcome::no_rule: return "no policy matched it, and without one nothing is ever done";
    case model::Outcome::observed:
      return cat(policy, " would have acted, but it is in mode observe: nothing was touched");
    case model::Outcome::proposed:
      return cat(policy, " proposed ", decision.action.value, ", which waits for a person");
    case model::Outcome::acted: return cat(policy, " acted: ", decision.action.value);
    case model::Outcome::protected_:
      return cat(policy, " protects it: whatever a protecting policy matches is left alone by all others");
    case model::Outcome::refused: break;
  }
  for (const auto& guard : decision.guards) {
    if (!guard.allowed && (guard.policy.empty() || guard.policy == decision.policy))
      return cat(policy, " would have acted, but the guard `", guard.guard, "` said no: ", guard.why);
  }
  return cat(policy, " would have acted, but a guard said no");
}

std::vector<std::string> rule_lines(const model::Decision& decision, std::size_t most) {
  std::vector<std::string> lines;
  std::size_t left_out = decision.rules_not_shown;
  for (const auto& rule : decision.rules) {
    if (lines.size() == most) {
      ++left_out;
      continue;
    }
    lines.push_back(cat("policy ", rule.policy.value, rule.matched ? " matched" : " did not match",
                        rule.why.empty() ? "" : ": ", rule.why));
  }
  if (left_out > 0) lines.push_back(cat(left_out, " more policies did not match"));
  return lines;
}

std::vector<std::string> guard_lines(const model::Decision& decision) {
  std::vector<std::string> lines;
  for (const auto& guard : decision.guards) {
    lines.push_back(cat("guard ", guard.guard, guard.allowed ? " allowed it" : " said no",
                        guard.why.empty() ? "" : ": ", guard.why));
  }
  return lines;
}

}  // namespace mien::edge::api
