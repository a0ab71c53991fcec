// What a revision says about each series, for people: where it usually is, and the band that held 99 % of it.
#pragma once

#include <string>
#include <vector>

#include "model/behavior.h"

namespace mien::node {

struct SeriesSummary {
  std::string series;   // as model::to_text(Series)
  double location = 0;  // in the series' unit; counters as rates per second
  double scale = 0;     // mean absolute deviation
  double low = 0;
  double high = 0;
};

// One entry per series of the revision; cost: unpacking it.
[[nodiscard]] std::vector<SeriesSummary> summarise(const model::PersonaRevision& revision);

}  // namespace mien::node
