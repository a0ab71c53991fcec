#include "edge/api/series.h"

#include <algorithm>
#include <cmath>

namespace mien::edge::api {

void add_recent(const node::InstanceView& seen, const store::HistoryQuery& query, std::vector<store::HistorySeries>& into) {
  const auto& batch = seen.recent.batch;
  for (std::size_t column = 0; column < seen.recent.series.size(); ++column) {
    const model::Series& series = seen.recent.series[column];
    if (!query.metric.empty() && series.metric.value != query.metric) continue;
    auto same = std::find_if(into.begin(), into.end(), [&series](const auto& one) { return one.series == series; });
    WallTime newest = same == into.end() || same->points.empty() ? query.from - 1ns : same->points.back().at;
    std::vector<store::HistoryPoint> points;
    for (std::size_t row = 0; row < batch.times.size(); ++row) {
      double value = batch.at(column, row);
      if (batch.times[row] <= newest || !(batch.times[row] < query.to) || std::isnan(value)) continue;
      points.push_back({.at = batch.times[row], .min = value, .max = value, .mean = value, .count = 1});
    }
    if (points.empty()) continue;
    if (same == into.end()) same = into.insert(into.end(), store::HistorySeries{.series = series, .points = {}});
    same->points.insert(same->points.end(), points.begin(), points.end());
  }
}

}  // namespace mien::edge::api
