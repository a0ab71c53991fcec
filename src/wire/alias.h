// Other agents' names for what the OpenTelemetry conventions call system.*: node_exporter, OTel hostmetrics (older and
// newer attribute names), Netdata and collectd. A persona written for one sender then fits all of them. The names are
// data, in detail/alias_table.h.
//
// A name that is not in the table passes unchanged. Values may need a factor (percent to ratio, kilobytes to bytes).
// Pure; any thread; cost: one look-up in a hash table by name.
#pragma once

#include <string_view>

#include "model/telemetry.h"

namespace mien::wire {

struct Alias {
  double factor = 1;   // by which each value of the series is multiplied
  bool known = false;  // the table has the name: its kind is settled, whatever the sender said
  // False: understood, and of no use for watching (a constant, a clock, a partition whose bytes are counted elsewhere).
  bool kept = true;
};

// Renames in place.
[[nodiscard]] Alias canonicalise(model::Series& series);

}  // namespace mien::wire
