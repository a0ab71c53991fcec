#include "model/action.h"

namespace mien::model {

std::string_view to_text(ActionState state) {
  switch (state) {
    case ActionState::proposed: return "proposed";
    case ActionState::ordered: return "ordered";
    case ActionState::applied: return "applied";
    case ActionState::reverting: return "reverting";
    case ActionState::reverted: return "reverted";
    case ActionState::conflicted: return "conflicted";
    case ActionState::failed: return "failed";
    case ActionState::rejected: return "rejected";
    case ActionState::lapsed: return "lapsed";
    case ActionState::done: return "done";
  }
  return "unknown";
}

bool is_finished(ActionState state) {
  switch (state) {
    case ActionState::proposed:
    case ActionState::ordered:
    case ActionState::applied:
    case ActionState::reverting: return false;
    case ActionState::reverted:
    case ActionState::conflicted:
    case ActionState::failed:
    case ActionState::rejected:
    case ActionState::lapsed:
    case ActionState::done: return true;
  }
  return false;
}

std::string_view to_text(EndReason reason) {
  switch (reason) {
    case EndReason::none: return "none";
    case EndReason::lease_over: return "lease_over";
    case EndReason::by_hand: return "by_hand";
    case EndReason::released: return "released";
    case EndReason::no_effect: return "no_effect";
    case EndReason::worse: return "worse";
    case EndReason::agent_ended: return "agent_ended";
  }
  return "unknown";
}

std::string_view to_text(EffectVerdict verdict) {
  switch (verdict) {
    case EffectVerdict::pending: return "pending";
    case EffectVerdict::helped: return "helped";
    case EffectVerdict::no_effect: return "no_effect";
    case EffectVerdict::worse: return "worse";
    case EffectVerdict::unknown: return "unknown";
  }
  return "unknown";
}

}  // namespace mien::model
