// What a revision carries of a watch (model/habits.h), and a watch that begins with it. Private to drift; the door is
// Watch::habits and Watch::begin_with.
//
// Nothing of the moment comes back. A path begins at its first block, where it most likely stood before it; the eight
// dozens of blocks of a stretch are gathered anew. A series that the revision did not know takes no part in the
// relations: they are learned of all together.
#pragma once

#include "drift/pattern.h"
#include "drift/watch_state.h"
#include "model/habits.h"

namespace mien::drift {

[[nodiscard]] model::RelationHabits habits_of(const Relations& relations);
[[nodiscard]] model::FormHabit habit_of(const Pattern& pattern);

// `series`: how many the instance has by now. Habits that fit no relations are as none: they are learned anew.
void begin_with(Relations& relations, const model::RelationHabits& habits, std::size_t series);
void begin_with(Pattern& pattern, const model::FormHabit& habit);

}  // namespace mien::drift
