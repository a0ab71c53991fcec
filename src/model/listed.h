// Deliveries of a door that remembers series: they name a series by its place in a list that the door shares between
// requests, so that nothing of a series that was met before is copied, compared or looked up by its name.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "model/telemetry.h"

namespace mien::model {

// The series of one instance that a door has met. Under one `id` (never 0, unique in the process) a later list only has
// more: who numbered these once need not look at them again.
struct SeriesList {
  std::uint64_t id = 0;
  std::vector<std::shared_ptr<const Series>> series;
};

// The lists of a delivery. Of an instance that stands here `series` is empty, and `batch.series` has places in its
// list.
using SeriesLists = std::map<InstanceName, std::shared_ptr<const SeriesList>>;

// The same with every series in `series`.
[[nodiscard]] inline Delivery spelled_out(Delivery delivery, const SeriesLists& lists) {
  for (DeliveredInstance& part : delivery.instances) {
    auto list = lists.find(part.instance);
    if (list == lists.end()) continue;
    for (SeriesIndex place : part.batch.series) part.series.push_back(*list->second->series[place]);
    part.batch.series.clear();
  }
  return delivery;
}

}  // namespace mien::model
