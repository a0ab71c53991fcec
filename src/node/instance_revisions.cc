// Revisions of what an instance learned: when one is due, how it is kept, and how it goes back to one.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "learn/learn.h"
#include "learn/security.h"
#include "node/instance.h"

namespace mien::node {

model::PersonaRevision Instance::number(model::PersonaRevision revision) {
  revision.persona = state_.assignment.persona;
  revision.instance = state_.name;
  revision.generation = state_.assignment.expectation.generation;
  revision.number = ++state_.revision_numbers[revision.persona];
  return revision;
}

void Instance::keep(const Step& step, model::PersonaRevision revision, Effects& out) {
  out.writes.push_back({.table = store::Table::revision,
                        .key = revision_key(revision.persona, state_.name, revision.number),
                        .bytes = mien::encode(revision)});
  out.audit.push_back(
      {.at = step.now,
       .actor = "mien",
       .verb = "revision.made",
       .subject = cat("Revision/", revision.persona.value, "@", state_.name.value, "/", revision.number),
       .cause = cat("log/", step.position),
       .detail = cat("learned from ", revision.samples, " samples")});
  state_.newest_revision = std::move(revision);
}

void Instance::revise(const Step& step, Effects& out) {
  if (learn::revision_due(state_.behavior, state_.newest_revision, state_.last_seen))
    keep(step, number(learn::make_revision(state_.behavior, state_.series, state_.last_seen, watch_.habits())), out);
}

void Instance::inherit(const Step& step, model::Behavior begun, std::string_view whose, Effects& out) {
  model::Behavior own = std::exchange(state_.behavior, std::move(begun));
  state_.behavior.revision = own.revision;
  state_.behavior.security = learn::merge(state_.behavior.security, own.security);
  out.audit.push_back({.at = step.now,
                       .actor = "mien",
                       .verb = "behavior.inherited",
                       .subject = cat("Instance/", state_.name.value),
                       .cause = cat("log/", step.position),
                       .detail = cat("begins with ", whose)});
}

void Instance::restore_revision(const Step& step, const model::PersonaRevision& revision, Effects& out) {
  if (is_candidate(revision.persona, revision.number)) return promote(step, revision, out);
  close_all(step, out);
  if (revision.persona == state_.assignment.persona) {
    state_.behavior = learn::behavior_of(revision);
    watch_.begin_with(habits_of(revision));
    state_.newest_revision = revision;
    learn::forget_shapes(state_.windows);
  } else {
    state_.parked[revision.persona] = learn::behavior_of(revision);
    state_.parked_habits[revision.persona] = habits_of(revision);
  }
}

// Habits know series by their place. An instance that was forgotten and came back may declare them in another order:
// then they are learned anew.
model::Habits Instance::habits_of(const model::PersonaRevision& revision) const {
  bool same = revision.series.size() <= state_.series.size() &&
              std::equal(revision.series.begin(), revision.series.end(), state_.series.begin());
  return same ? learn::habits_of(revision) : model::Habits{};
}

}  // namespace mien::node
