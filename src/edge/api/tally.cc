#include "edge/api/tally.h"

namespace mien::edge::api {

void ActionTally::take(const model::Action& action) {
  Key key{action.state, action.verb, action.effect.verdict};
  Lock lock(mutex_);
  auto before = unfinished_.find(action.id);
  if (before == unfinished_.end() || before->second != key) ++actions_[key];
  if (model::is_finished(action.state)) {
    unfinished_.erase(action.id);
  } else {
    unfinished_[action.id] = key;
  }
}

void ActionTally::take(const model::Decision& decision) {
  Lock lock(mutex_);
  ++decisions_[{decision.policy, decision.outcome}];
}

ActionTally::Actions ActionTally::actions() const {
  Lock lock(mutex_);
  return actions_;
}

ActionTally::Decisions ActionTally::decisions() const {
  Lock lock(mutex_);
  return decisions_;
}

}  // namespace mien::edge::api
