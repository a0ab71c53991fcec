// A deviation's numbers in words, the same wherever people read them: the API, `mien explain`, `mien score --explain`.
#pragma once

#include <string>

#include "model/finding.h"

namespace mien::model {

// "system.cpu.utilization is 0.93; expected 0.2, band 0.1 to 0.4 (+365 %)".
[[nodiscard]] std::string describe(const Deviation& deviation);
// The same of one of a finding's metrics; of a limit, the limit that was crossed.
[[nodiscard]] std::string describe(const Finding& finding, const Deviation& deviation);

// Of a security finding what anybody may read: process, user, parents and paths are blanked, the summary counts kinds.
// Every other finding as it is.
[[nodiscard]] Finding blanked(Finding finding);

}  // namespace mien::model
