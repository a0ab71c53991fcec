// Minutes: what stays of telemetry when its seconds are dropped, made when a block is written.
// Four columns of the minutes for each column of the block: min, max, mean and count (docs/formats/history.md).
#pragma once

#include <cstddef>
#include <vector>

#include "store/history.h"
#include "store/history_codec.h"

namespace mien::store {

constexpr Duration minute = 60s;
constexpr std::size_t minute_columns = 4;  // min, max, mean, count

// The minutes (since 1970) that have rows in `columns`; a minute without samples of a series is missing there.
// Infinite and NaN values other than `missing` count as missing: a mean of them says nothing.
[[nodiscard]] Columns to_minutes(const Columns& columns);
// Series `index` of minute columns as points; minutes without samples are left out.
[[nodiscard]] std::vector<HistoryPoint> minute_points(const Columns& minutes, std::size_t index);
// Joins neighbours that fall in the same `width` (two blocks may share a minute; a long range is answered more
// coarsely). Points ascend; count-weighted means.
[[nodiscard]] std::vector<HistoryPoint> join_points(const std::vector<HistoryPoint>& points, Duration width);
// The reverse of minute_points, for many series at once: four columns for each, rows for every minute of any of them.
// Points lie on whole minutes and ascend.
[[nodiscard]] Columns from_minute_points(const std::vector<HistorySeries>& all);
// The narrowest whole number of minutes that gives at most `max_points` for a range.
[[nodiscard]] Duration width_for(Duration range, std::size_t max_points);

}  // namespace mien::store
