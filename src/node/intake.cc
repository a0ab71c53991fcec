#include "node/intake.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace mien::node {
namespace {

enum class Lane : std::uint8_t { refused, kept, late, live };

Lane lane_of(const IntakeContext& context, WallTime at) {
  if (at > context.now + max_future) return Lane::refused;
  Duration age = context.now - at;
  if (age > std::max<Duration>(keep_only_after, 2 * context.interval)) return Lane::kept;
  return age > std::max<Duration>(late_after, 2 * context.interval) ? Lane::late : Lane::live;
}

// The value to judge, from the value as sent and the sample before it; missing where there is none yet.
double to_level(model::SeriesKind kind, WallTime before, double value_before, WallTime at, double value) {
  if (kind == model::SeriesKind::gauge) return value;
  double seconds = to_seconds(at - before);
  if (before.ns == 0 || seconds <= 0) return model::missing;
  double added = kind == model::SeriesKind::delta ? value : value - value_before;
  if (kind == model::SeriesKind::counter && added < 0) return model::missing;
  return added / seconds;
}

// Appends row `row` of `from` to `to`, where it keeps row-major values until finish() turns them.
void append_row(model::Batch& to, WallTime at, const std::vector<double>& row) {
  if (std::all_of(row.begin(), row.end(), [](double v) { return std::isnan(v); })) return;
  to.times.push_back(at);
  to.values.insert(to.values.end(), row.begin(), row.end());
}

void finish(model::Batch& batch, const std::vector<model::SeriesIndex>& series) {
  if (batch.times.empty()) return;
  std::size_t rows = batch.times.size();
  std::size_t columns = series.size();
  batch.series = series;
  if (rows == 1) return;
  std::vector<double> turned(batch.values.size());
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) turned[c * rows + r] = batch.values[r * columns + c];
  batch.values = std::move(turned);
}

// One row: moves the memory of each of its series and leaves in `judged` and `backlog` what goes where.
void take_row(const IntakeContext& context, const std::vector<model::Series>& series, std::vector<SeriesMemory>& memory,
              const model::Batch& batch, std::size_t row, std::vector<double>& judged, std::vector<double>& backlog,
              Intake& out) {
  WallTime at = batch.times[row];
  for (std::size_t c = 0; c < batch.series.size(); ++c) {
    judged[c] = backlog[c] = model::missing;
    double value = batch.at(c, row);
    model::SeriesIndex index = batch.series[c];
    SeriesMemory& last = memory[index];
    if (std::isnan(value)) {
      if (model::is_ended(value) && at > last.at) {
        last.at = at;
        last.value = model::missing;  // a counter that comes back starts anew
        ++out.ended;
      }
      continue;
    }
    bool set_back = at <= last.at && context.numbered && context.newest;
    if (set_back) {
      out.clock_set_back = true;
      last.at = WallTime{};
    }
    if (at > last.at) {
      judged[c] = to_level(series[index].kind, last.at, last.value, at, value);
      last.at = at;
      last.value = value;
      ++out.taken;
    } else if (context.numbered && at != last.at) {
      backlog[c] = to_level(series[index].kind, last.backlog_at, last.backlog_value, at, value);
      last.backlog_at = at;
      last.backlog_value = value;
      ++out.taken;
    } else {
      ++out.duplicates;
    }
  }
}

}  // namespace

Intake take_in(const IntakeContext& context, const std::vector<model::Series>& series,
               std::vector<SeriesMemory>& memory, const model::Batch& batch) {
  CHECK(memory.size() == series.size());
  Intake out;
  std::vector<double> judged(batch.series.size());
  std::vector<double> backlog(batch.series.size());
  for (std::size_t row = 0; row < batch.times.size(); ++row) {
    WallTime at = batch.times[row];
    Lane lane = lane_of(context, at);
    if (lane == Lane::refused) {
      for (std::size_t c = 0; c < batch.series.size(); ++c) out.future += std::isnan(batch.at(c, row)) ? 0 : 1;
      continue;
    }
    std::uint64_t before = out.taken;
    take_row(context, series, memory, batch, row, judged, backlog, out);
    if (lane == Lane::kept) {
      for (std::size_t c = 0; c < judged.size(); ++c) backlog[c] = std::isnan(backlog[c]) ? judged[c] : backlog[c];
    } else {
      append_row(lane == Lane::live ? out.live : out.late, at, judged);
    }
    append_row(out.kept, at, backlog);
    if (lane != Lane::live) out.late_samples += out.taken - before;
  }
  finish(out.late, batch.series);
  finish(out.live, batch.series);
  finish(out.kept, batch.series);
  return out;
}

}  // namespace mien::node
