#include "node/history_window.h"

#include <algorithm>
#include <cmath>

#include "node/view.h"

namespace mien::node {

void append_rows(model::Batch& pending, std::size_t width, const model::Batch& batch) {
  for (std::size_t r = 0; r < batch.times.size(); ++r) {
    if (pending.times.empty() || pending.times.back() < batch.times[r]) {
      pending.times.push_back(batch.times[r]);
      pending.values.resize(pending.times.size() * width, model::missing);
    }
    auto row = std::lower_bound(pending.times.begin(), pending.times.end(), batch.times[r]) - pending.times.begin();
    double* cells = pending.values.data() + static_cast<std::size_t>(row) * width;
    for (std::size_t c = 0; c < batch.series.size(); ++c) {
      double value = batch.at(c, r);
      if (!std::isnan(value)) cells[batch.series[c]] = value;
    }
  }
}

void widen(model::Batch& pending, std::size_t before, std::size_t width) {
  if (before == width) return;
  std::vector<double> wide(pending.times.size() * width, model::missing);
  for (std::size_t r = 0; r < pending.times.size(); ++r)
    std::copy_n(pending.values.begin() + static_cast<std::ptrdiff_t>(r * before), before,
                wide.begin() + static_cast<std::ptrdiff_t>(r * width));
  pending.values = std::move(wide);
}

namespace {

// `cell(series, row)` for every declared series: keeps those with at least one sample.
template <class Cell>
store::HistoryBlock gather(const InstanceName& name, const std::vector<model::Series>& series,
                           const std::vector<WallTime>& times, const std::vector<model::SeriesIndex>& columns,
                           Cell cell) {
  store::HistoryBlock block{.instance = name, .series = {}, .batch = {.times = times, .series = {}, .values = {}}};
  for (std::size_t c = 0; c < columns.size(); ++c) {
    bool any = false;
    for (std::size_t r = 0; r < times.size() && !any; ++r) any = !std::isnan(cell(c, r));
    if (!any) continue;
    block.batch.series.push_back(static_cast<model::SeriesIndex>(block.series.size()));
    block.series.push_back(series[columns[c]]);
    for (std::size_t r = 0; r < times.size(); ++r) block.batch.values.push_back(cell(c, r));
  }
  return block;
}

}  // namespace

store::HistoryBlock to_block(const InstanceName& name, const std::vector<model::Series>& series,
                             const model::Batch& pending) {
  std::vector<model::SeriesIndex> all(series.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<model::SeriesIndex>(i);
  return gather(name, series, pending.times, all,
                [&](std::size_t c, std::size_t r) { return pending.values[r * series.size() + c]; });
}

store::HistoryBlock block_of(const InstanceName& name, const std::vector<model::Series>& series,
                             const model::Batch& batch) {
  return gather(name, series, batch.times, batch.series, [&](std::size_t c, std::size_t r) { return batch.at(c, r); });
}

store::HistoryBlock InstanceView::recent() const {
  return series ? to_block(name, *series, pending) : store::HistoryBlock{};
}

}  // namespace mien::node
