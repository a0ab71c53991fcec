// How many actions came to which state, and how many decisions to which outcome, since this process started: what
// /metrics counts. Counted from notices, so a scrape reads neither disk nor board. From any thread.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>

#include "edge/mutex.h"
#include "model/action.h"
#include "model/decision.h"

namespace mien::edge::api {

class ActionTally {
 public:
  using Key = std::tuple<model::ActionState, model::Verb, model::EffectVerdict>;
  using Actions = std::map<Key, std::uint64_t>;
  using Decisions = std::map<std::pair<PolicyName, model::Outcome>, std::uint64_t>;

  // Each state and verdict of an action counts once, however often it is told.
  void take(const model::Action& action);
  void take(const model::Decision& decision);
  [[nodiscard]] Actions actions() const;
  [[nodiscard]] Decisions decisions() const;

 private:
  mutable Mutex mutex_;
  Actions actions_ GUARDED_BY(mutex_);
  Decisions decisions_ GUARDED_BY(mutex_);
  std::map<ActionId, Key> unfinished_ GUARDED_BY(mutex_);  // what each was counted as last
};

}  // namespace mien::edge::api
