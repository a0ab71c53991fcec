#include "edge/collect/block.h"

#include "base/check.h"

namespace mien::edge {

Block add_block(std::vector<model::Reading>& readings, std::span<const MetricSpec> specs,
                const model::Attributes& common) {
  Block block{.first = readings.size(), .size = specs.size()};
  for (const MetricSpec& spec : specs) {
    model::Reading reading;
    reading.series.metric = MetricName(std::string(spec.metric));
    reading.series.attributes = common;
    if (!spec.attribute.empty()) reading.series.attributes.emplace(spec.attribute, spec.value);
    reading.series.unit = spec.unit;
    reading.series.kind =
        spec.kind == model::Reading::Kind::counter ? model::SeriesKind::counter : model::SeriesKind::gauge;
    reading.kind = spec.kind;
    reading.value = model::missing;
    readings.push_back(std::move(reading));
  }
  return block;
}

void set_block(std::vector<model::Reading>& readings, Block block, std::initializer_list<double> values) {
  CHECK(values.size() == block.size && block.first + block.size <= readings.size());
  std::size_t at = block.first;
  for (double value : values) readings[at++].value = value;
}

void set_missing(std::vector<model::Reading>& readings, Block block) {
  for (std::size_t at = block.first; at < block.first + block.size; ++at) readings[at].value = model::missing;
}

}  // namespace mien::edge
