#include "store/minutes.h"

#include <algorithm>
#include <cmath>

namespace mien::store {

namespace {

WallTime floor_to(WallTime t, Duration width) {
  std::int64_t rest = t.ns % width.count();
  if (rest < 0) rest += width.count();
  // Wraps instead of overflowing within a minute of the beginning of time.
  return {static_cast<std::int64_t>(static_cast<std::uint64_t>(t.ns) - static_cast<std::uint64_t>(rest))};
}

struct Summary {
  double min = 0;
  double max = 0;
  double sum = 0;
  double count = 0;
  void add(double x) {
    min = count == 0 ? x : std::min(min, x);
    max = count == 0 ? x : std::max(max, x);
    sum += x;
    count += 1;
  }
};

}  // namespace

Columns to_minutes(const Columns& columns) {
  const std::size_t rows = columns.times.size();
  std::vector<std::size_t> minute_of(rows);
  Columns out;
  for (std::size_t r = 0; r < rows; ++r) {
    const WallTime at = floor_to(columns.times[r], minute);
    if (out.times.empty() || out.times.back() != at) out.times.push_back(at);
    minute_of[r] = out.times.size() - 1;
  }
  const std::size_t minutes = out.times.size();
  out.count = columns.count * minute_columns;
  out.values.assign(out.count * minutes, model::missing);
  std::vector<Summary> summaries(minutes);
  for (std::size_t c = 0; c < columns.count; ++c) {
    std::fill(summaries.begin(), summaries.end(), Summary{});
    for (std::size_t r = 0; r < rows; ++r) {
      const double x = columns.values[c * rows + r];
      if (std::isfinite(x)) summaries[minute_of[r]].add(x);
    }
    double* column = out.values.data() + c * minute_columns * minutes;
    for (std::size_t m = 0; m < minutes; ++m) {
      const Summary& s = summaries[m];
      if (s.count == 0) continue;
      column[m] = s.min;
      column[minutes + m] = s.max;
      // Rounding in the sum may carry the mean of equal numbers past them.
      column[2 * minutes + m] = std::clamp(s.sum / s.count, s.min, s.max);
      column[3 * minutes + m] = s.count;
    }
  }
  return out;
}

std::vector<HistoryPoint> minute_points(const Columns& minutes, std::size_t index) {
  std::vector<HistoryPoint> points;
  const std::size_t n = minutes.times.size();
  if ((index + 1) * minute_columns > minutes.count) return points;
  const double* column = minutes.values.data() + index * minute_columns * n;
  for (std::size_t m = 0; m < n; ++m) {
    const double count = column[3 * n + m];
    if (!(count >= 1 && count <= 4294967295.0)) continue;
    points.push_back({.at = minutes.times[m],
                      .min = column[m],
                      .max = column[n + m],
                      .mean = column[2 * n + m],
                      .count = static_cast<std::uint32_t>(count)});
  }
  return points;
}

std::vector<HistoryPoint> join_points(const std::vector<HistoryPoint>& points, Duration width) {
  std::vector<HistoryPoint> joined;
  for (const HistoryPoint& point : points) {
    const WallTime at = floor_to(point.at, width);
    if (joined.empty() || joined.back().at != at) {
      joined.push_back(point);
      joined.back().at = at;
      continue;
    }
    HistoryPoint& into = joined.back();
    into.min = std::min(into.min, point.min);
    into.max = std::max(into.max, point.max);
    const double total = static_cast<double>(into.count) + static_cast<double>(point.count);
    into.mean = std::clamp(into.mean + (point.mean - into.mean) * (static_cast<double>(point.count) / total), into.min,
                           into.max);
    into.count += point.count;
  }
  return joined;
}

Columns from_minute_points(const std::vector<HistorySeries>& all) {
  Columns out;
  for (const HistorySeries& each : all)
    for (const HistoryPoint& point : each.points) out.times.push_back(point.at);
  std::sort(out.times.begin(), out.times.end());
  out.times.erase(std::unique(out.times.begin(), out.times.end()), out.times.end());
  const std::size_t n = out.times.size();
  out.count = all.size() * minute_columns;
  out.values.assign(out.count * n, model::missing);
  for (std::size_t s = 0; s < all.size(); ++s) {
    double* column = out.values.data() + s * minute_columns * n;
    for (const HistoryPoint& point : all[s].points) {
      const auto row =
          static_cast<std::size_t>(std::lower_bound(out.times.begin(), out.times.end(), point.at) - out.times.begin());
      column[row] = point.min;
      column[n + row] = point.max;
      column[2 * n + row] = point.mean;
      column[3 * n + row] = static_cast<double>(point.count);
    }
  }
  return out;
}

Duration width_for(Duration range, std::size_t max_points) {
  // Clamped: a range does not begin at a whole minute, so it can touch one bucket more than it has.
  const auto most = static_cast<std::int64_t>(std::clamp<std::size_t>(max_points, 2, 1'000'000)) - 1;
  const std::int64_t minutes = range.count() / minute.count() + 1;
  return minute * ((minutes + most - 1) / most);
}

}  // namespace mien::store
