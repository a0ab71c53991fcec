#include "node/series_table.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string_view>

namespace mien::node {
namespace {

constexpr model::SeriesIndex none = std::numeric_limits<model::SeriesIndex>::max();

}  // namespace

std::size_t SeriesTable::Hash::operator()(const model::Series& series) const {
  std::hash<std::string_view> hash;
  std::size_t all = hash(series.metric.value);
  for (const auto& [name, value] : series.attributes)
    all = (all ^ hash(name) ^ (hash(value) << 1U)) * 0x9e3779b97f4a7c15U;
  return all;
}

void SeriesTable::restore(const InstanceName& instance, const std::vector<model::Series>& series) {
  Known& known = instances_[instance];
  known.numbers.clear();
  for (std::size_t i = 0; i < series.size(); ++i) known.numbers[series[i]] = static_cast<model::SeriesIndex>(i);
}

void SeriesTable::forget(const InstanceName& instance) { instances_.erase(instance); }

model::SeriesIndex SeriesTable::number_of(Known& known, model::Series series, model::InstanceFrame& frame) {
  if (auto at = known.numbers.find(series); at != known.numbers.end()) return at->second;
  if (known.numbers.size() >= max_series) {
    overflow_[frame.instance].add(series.metric.value, series.attributes);
    return none;
  }
  auto index = static_cast<model::SeriesIndex>(known.numbers.size());
  frame.declared.push_back({.index = index, .series = series});
  known.numbers.emplace(std::move(series), index);
  return index;
}

model::Frame SeriesTable::number(model::Delivery delivery) {
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
    for (std::size_t c = 0; c < part.series.size(); ++c) {
      auto column = part.batch.values.begin() + static_cast<std::ptrdiff_t>(c * rows);
      model::SeriesIndex index = number_of(known, std::move(part.series[c]), out);
      if (index == none) {
        for (std::size_t r = 0; r < rows; ++r)
          out.refused += std::isnan(column[static_cast<std::ptrdiff_t>(r)]) ? 0 : 1;
        continue;
      }
      out.batch.series.push_back(index);
      out.batch.values.insert(out.batch.values.end(), column, column + static_cast<std::ptrdiff_t>(rows));
    }
    frame.instances.push_back(std::move(out));
  }
  return frame;
}

void SeriesTable::revert(const model::Frame& frame) {
  for (const model::InstanceFrame& part : frame.instances) {
    auto known = instances_.find(part.instance);
    if (known == instances_.end()) continue;
    for (const model::SeriesDeclaration& declared : part.declared) known->second.numbers.erase(declared.series);
  }
}

}  // namespace mien::node
