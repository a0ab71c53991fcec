// How the security profile learns: what was seen and judged ordinary is known from now on, everything fades over 30
// days. Pure: the same lessons in the same order give the same bytes.
#pragma once

#include <vector>

#include "model/security_profile.h"

namespace mien::learn {

void teach(model::SecurityProfile& profile, const std::vector<model::FactLesson>& lessons);

// Both together, as if one had seen what both saw (members of a pool). The order of the two does not matter.
[[nodiscard]] model::SecurityProfile merge(const model::SecurityProfile& a, const model::SecurityProfile& b);

}  // namespace mien::learn
