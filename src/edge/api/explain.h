// The parts of a walk: what explain and why have in common. A walk is a list of steps, each a sentence that can be
// understood without the manual, with `details` below it and the documents it speaks of beside it.
#pragma once

#include <string>
#include <vector>

#include "edge/api/service.h"

namespace mien::edge::api {

[[nodiscard]] Json step(const char* what, std::string text);
// The samples that a finding was judged by, of at most four series.
[[nodiscard]] Json samples_of(Service& service, const model::Finding& finding);
// Of an instance: the score, the level, how far it has learned.
[[nodiscard]] std::string state_reason(model::LearningState state);

}  // namespace mien::edge::api
