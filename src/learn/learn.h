// The door of `learn`: batches that were judged healthy move the behaviour; anomalous ones do not (the gate).
// Pure: the same arguments give the same bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/behavior.h"
#include "model/expectation.h"
#include "model/habits.h"
#include "model/telemetry.h"

namespace mien::learn {

// Learns from one batch under the evidence that drift::assess gave for it. Rows inside an open episode, and samples the
// evidence calls anomalous, do not teach (beyond what DETECTION section 2 allows the tails).
void update(model::Behavior& behavior, const std::vector<model::Series>& series, const model::Batch& batch,
            const model::Evidence& evidence);

// learning | ready: enough healthy history for the promise on false alarms to begin to hold. `now` makes it stale.
[[nodiscard]] model::LearningState state_of(const model::Behavior& behavior, WallTime now);

// Whether a new immutable revision is due: at first readiness, then when the behaviour moved by more than a bit or a
// day passed. A revision with less evidence than the newest is never due.
[[nodiscard]] bool revision_due(const model::Behavior& behavior, const std::optional<model::PersonaRevision>& newest,
                                WallTime now);
// `habits`: of the watch that judges by this behaviour; a prior of several instances has none.
[[nodiscard]] model::PersonaRevision make_revision(const model::Behavior& behavior,
                                                   const std::vector<model::Series>& series, WallTime now,
                                                   const model::Habits& habits = {});
// The behaviour as it was at a revision (rollback), and what its watch had learned; nothing where it had no room, where
// an earlier release packed it, or where the bytes are not whole.
[[nodiscard]] model::Behavior behavior_of(const model::PersonaRevision& revision);
[[nodiscard]] model::Habits habits_of(const model::PersonaRevision& revision);
// What changed between two revisions, most first: for people and `diff`.
struct BehaviorChange {
  std::string series;
  Bits bits;
  double location_before = 0, location_after = 0;
  double scale_before = 0, scale_after = 0;
};
[[nodiscard]] std::vector<BehaviorChange> diff(const model::PersonaRevision& before,
                                               const model::PersonaRevision& after);

}  // namespace mien::learn
