// Readings in blocks: what is read of one thing (a disk, an interface, a cgroup) in one go. The series are built once,
// when the thing appears; each tick only writes values.
#pragma once

#include <span>
#include <string_view>

#include "model/telemetry.h"

namespace mien::edge {

// One reading as a table line: a metric, at most one attribute of its own, its unit.
struct MetricSpec {
  using Kind = model::Reading::Kind;
  std::string_view metric;
  std::string_view attribute;  // empty: none
  std::string_view value;
  std::string_view unit;
  Kind kind = Kind::gauge;
};

struct Block {
  std::size_t first = 0;
  std::size_t size = 0;
};

// Appends a reading for each line, all missing; `common` attributes (the device) are added to each.
Block add_block(std::vector<model::Reading>& readings, std::span<const MetricSpec> specs,
                const model::Attributes& common = {});
// Writes the values in the order of the table. INVARIANT: as many values as lines.
void set_block(std::vector<model::Reading>& readings, Block block, std::initializer_list<double> values);
void set_missing(std::vector<model::Reading>& readings, Block block);

}  // namespace mien::edge
