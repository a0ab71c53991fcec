#include "node/revision_view.h"

#include <algorithm>

#include "learn/learn.h"

namespace mien::node {

std::vector<SeriesSummary> summarise(const model::PersonaRevision& revision) {
  model::Behavior behavior = learn::behavior_of(revision);
  std::vector<SeriesSummary> summaries;
  std::size_t known = std::min(behavior.series.size(), revision.series.size());
  for (std::size_t i = 0; i < known; ++i) {
    const model::Baseline& baseline = behavior.series[i];
    summaries.push_back({.series = model::to_text(revision.series[i]),
                         .location = baseline.anchor.location,
                         .scale = static_cast<double>(baseline.anchor.scale),
                         .low = static_cast<double>(baseline.band_low),
                         .high = static_cast<double>(baseline.band_high)});
  }
  return summaries;
}

}  // namespace mien::node
