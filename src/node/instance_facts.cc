// Security facts of an instance: kept, judged against what is declared and known, learned where that is allowed.
#include <algorithm>

#include "learn/learn.h"
#include "learn/security.h"
#include "node/instance.h"

namespace mien::node {

// By the same lanes as samples (intake.h): what is too far ahead is refused, what is old is kept and not judged.
void Instance::take_facts(const Step& step, const model::InstanceFrame& part, Effects& out) {
  std::vector<model::SecurityFact> kept;
  std::vector<model::SecurityFact> late;
  std::vector<model::SecurityFact> live;
  for (const model::SecurityFact& fact : part.facts) {
    if (fact.at > step.now + max_future) {
      ++state_.refused;
      continue;
    }
    kept.push_back(fact);
    if (fact.at > step.now - late_after) live.push_back(fact);
    else if (fact.at > step.now - keep_only_after) late.push_back(fact);
  }
  judge_facts(step, late, true, out);
  judge_facts(step, live, false, out);
  if (!kept.empty())
    out.facts.push_back(
        {.instance = state_.name, .position = step.position, .part = step.part, .facts = std::move(kept)});
}

void Instance::judge_facts(const Step& step, const std::vector<model::SecurityFact>& facts, bool late, Effects& out) {
  if (facts.empty()) return;
  WallTime newest = facts.front().at;
  for (const model::SecurityFact& fact : facts) newest = std::max(newest, fact.at);
  if (!late) close_quiet_facts(step, newest, out);
  drift::SecurityMoment moment{
      .now = newest,
      .learning = learn::state_of(state_.behavior, state_.last_seen) == model::LearningState::learning,
      .trusted = trusting_};
  drift::SecurityAssessment assessment = drift::assess_facts(state_.assignment.expectation, state_.behavior.security,
                                                             watch_, security_watch_, facts, moment);
  if (!state_.acted_on && !state_.learning_held) learn::teach(state_.behavior.security, assessment.lessons);
  if (!late) state_.drift.score = std::max(state_.drift.score, assessment.score);
  apply(step, std::move(assessment.changes), late, out);
}

void Instance::close_quiet_facts(const Step& step, WallTime now, Effects& out) {
  if (security_watch_.episodes.empty()) return;
  apply(step, drift::let_time_pass(security_watch_, now), false, out);
}

}  // namespace mien::node
