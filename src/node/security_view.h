// What readers see of an instance's security profile. Pure; cost a few operations a kind.
#pragma once

#include <vector>

#include "node/view.h"

namespace mien::node {

[[nodiscard]] std::vector<SecurityKnown> security_view(const model::SecurityProfile& profile, WallTime now);

}  // namespace mien::node
