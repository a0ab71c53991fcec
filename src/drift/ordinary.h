// How rare a statistic is while its own past is too short to say: the built-in shape of the same statistic over
// ordinary servers, and what little there is of its own. Speaks for the score alone; nothing opens an episode by it.
#pragma once

#include "model/behavior.h"

namespace mien::drift {

// As stats::Tail::surprise once `own` speaks. `statistic` is an Expert's number. Before, about 100 ns.
[[nodiscard]] double ordinary_surprise(const stats::Tail& own, std::size_t statistic, double u);

}  // namespace mien::drift
