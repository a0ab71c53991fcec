// What a plain (unquoted) YAML scalar is under the core schema of YAML 1.2: null, true, 42, 0.5, or a text.
#pragma once

#include <string_view>

#include "model/value.h"

namespace mien::wire::detail {

// Two departures, both towards text: `.inf` and `.nan` (no quantity is either) and numbers with leading zeros (`007`
// is an identifier more often than a seven).
[[nodiscard]] model::Value resolve_scalar(std::string_view text);

}  // namespace mien::wire::detail
