// Snappy's block format over libsnappy: what Prometheus remote-write folds its bodies with. The unfolded length stands
// at the beginning, so a body that would be too large is refused before anything is unfolded.
//
// Errors: invalid (not snappy, or cut short), exhausted (would unfold beyond the limit). Pure; cost: one pass.
#pragma once

#include <string>
#include <string_view>

#include "base/quantity.h"
#include "base/result.h"

namespace mien::wire {

[[nodiscard]] Result<std::string> unsnap(std::string_view bytes, Bytes max_output = Bytes{64U << 20U});
[[nodiscard]] std::string snap(std::string_view text);

}  // namespace mien::wire
