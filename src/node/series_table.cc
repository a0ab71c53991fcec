#include "node/series_table.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mien::node {
namespace {

constexpr model::SeriesIndex none = std::numeric_limits<model::SeriesIndex>::max();

// Takes the columns without a number out of a batch of `rows` rows; their samples are refused.
void leave_out(model::InstanceFrame& frame, std::size_t rows) {
  model::Batch& batch = frame.batch;
  std::size_t kept = 0;
  for (std::size_t c = 0; c < batch.series.size(); ++c) {
    for (std::size_t r = 0; r < rows; ++r) {
      double value = batch.values[c * rows + r];
      if (batch.series[c] != none) batch.values[kept * rows + r] = value;
      else if (!std::isnan(value)) ++frame.refused;
    }
    if (batch.series[c] != none) batch.series[kept++] = batch.series[c];
  }
  batch.series.resize(kept);
  batch.values.resize(kept * rows);
}

}  // namespace

void SeriesTable::restore(const InstanceName& instance, const std::vector<model::Series>& series) {
  Known& known = instances_[instance];
  known = {};
  for (std::size_t i = 0; i < series.size(); ++i)
    known.numbers.emplace(std::make_shared<const model::Series>(series[i]), static_cast<model::SeriesIndex>(i));
}

void SeriesTable::forget(const InstanceName& instance) { instances_.erase(instance); }

SeriesTable::Numbered& SeriesTable::numbered(Known& known, const model::SeriesList& list) {
  auto at =
      std::find_if(known.lists.begin(), known.lists.end(), [&](const auto& each) { return each.list == list.id; });
  if (at == known.lists.end()) {
    if (known.lists.size() >= most_lists) known.lists.erase(known.lists.begin());
    at = known.lists.insert(known.lists.end(), Numbered{.list = list.id, .numbers = {}});
  }
  if (at->numbers.size() < list.series.size()) at->numbers.resize(list.series.size(), none);
  return *at;
}

model::SeriesIndex SeriesTable::number_of(Known& known, const model::Series& series, model::InstanceFrame& frame,
                                          Shared shared) {
  if (auto at = known.numbers.find(series); at != known.numbers.end()) return at->second;
  if (known.numbers.size() >= max_series) {
    overflow_[frame.instance].add(series.metric.value, series.attributes);
    return none;
  }
  auto index = static_cast<model::SeriesIndex>(known.numbers.size());
  frame.declared.push_back({.index = index, .series = series});
  known.numbers.emplace(shared ? std::move(shared) : std::make_shared<const model::Series>(series), index);
  return index;
}

model::Frame SeriesTable::number(model::Delivery delivery, const model::SeriesLists& lists) {
  model::Frame frame{.source = std::move(delivery.source),
                     .epoch = delivery.epoch,
                     .sequence = delivery.sequence,
                     .authenticated = delivery.authenticated,
                     .instances = {}};
  for (model::DeliveredInstance& part : delivery.instances) {
    Known& known = instances_[part.instance];
    model::InstanceFrame out{.instance = part.instance,
                             .type = part.type,
                             .parent = part.parent,
                             .identities = std::move(part.identities),
                             .declared = {},
                             .batch = {.times = std::move(part.batch.times), .series = {}, .values = {}},
                             .refused = part.refused,
                             .facts = std::move(part.facts)};
    std::size_t rows = out.batch.times.size();
    out.batch.values = std::move(part.batch.values);
    bool left_out = false;
    if (auto listed = lists.find(part.instance); listed != lists.end()) {
      const model::SeriesList& list = *listed->second;
      std::vector<model::SeriesIndex>& numbers = numbered(known, list).numbers;
      out.batch.series = std::move(part.batch.series);
      for (model::SeriesIndex& place : out.batch.series) {
        model::SeriesIndex& index = numbers[place];
        if (index == none) index = number_of(known, *list.series[place], out, list.series[place]);
        left_out |= index == none;
        place = index;
      }
    } else {
      for (const model::Series& series : part.series) {
        out.batch.series.push_back(number_of(known, series, out));
        left_out |= out.batch.series.back() == none;
      }
    }
    if (left_out) leave_out(out, rows);
    frame.instances.push_back(std::move(out));
  }
  return frame;
}

void SeriesTable::revert(const model::Frame& frame) {
  for (const model::InstanceFrame& part : frame.instances) {
    auto known = instances_.find(part.instance);
    if (known == instances_.end()) continue;
    auto& numbers = known->second.numbers;
    for (const model::SeriesDeclaration& declared : part.declared)
      if (auto at = numbers.find(declared.series); at != numbers.end()) numbers.erase(at);
    if (!part.declared.empty()) known->second.lists.clear();
  }
}

}  // namespace mien::node
