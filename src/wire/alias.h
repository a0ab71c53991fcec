// Other agents' names for what the OpenTelemetry conventions call system.*: node_exporter, OTel hostmetrics (older and
// newer attribute names), Netdata and collectd. A persona written for one sender then fits all of them.
//
// A name that is not in the table passes unchanged. Values may need a factor (percent to ratio, kilobytes to bytes).
#pragma once

#include <string_view>

#include "model/telemetry.h"

namespace mien::wire {

// Renames in place; returns the factor by which each value of the series is multiplied (1 when nothing is to be done).
[[nodiscard]] double canonicalise(model::Series& series);

}  // namespace mien::wire
