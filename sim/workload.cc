#include "sim/workload.h"

#include <algorithm>
#include <array>

#include "base/math.h"

namespace mien::sim {
namespace {

constexpr double day_seconds = 86'400;

model::Reading reading(const char* metric, const char* unit, model::Reading::Kind kind, double value) {
  model::SeriesKind series_kind =
      kind == model::Reading::Kind::counter ? model::SeriesKind::counter : model::SeriesKind::gauge;
  return {.series = {.metric = MetricName{metric}, .attributes = {}, .unit = unit, .kind = series_kind},
          .kind = kind,
          .value = value,
          .capacity = 1};
}

}  // namespace

std::string_view to_text(Shape shape) {
  constexpr std::array<std::string_view, shape_count> names{"steady", "diurnal", "ramp", "step",
                                                            "spike",  "leak",    "hog",  "silent"};
  return names[static_cast<std::size_t>(shape)];
}

double Workload::cpu(Duration since) {
  double t = to_seconds(since);
  double level = 0.2 + 0.02 * prng_.normal();
  bool begun = since >= onset_;
  switch (shape_) {
    case Shape::diurnal: level += 0.05 * math::sin(2 * 3.14159265358979 * t / day_seconds); break;
    case Shape::ramp: level += 0.00005 * t; break;
    case Shape::step: level += begun ? 0.4 : 0; break;
    case Shape::spike: level += begun && prng_.chance(0.01) ? 0.6 : 0; break;
    case Shape::hog: level = begun ? 1.0 : level; break;
    default: break;
  }
  return std::clamp(level, 0.0, 1.0);
}

void Workload::advance(Duration since, Duration step, double cap) {
  double seconds = to_seconds(step);
  busy_seconds_ += std::min(cpu(since), cap) * seconds;
  memory_bytes_ += shape_ == Shape::leak && since >= onset_ ? 2e6 * seconds : 1e4 * prng_.normal();
  disk_bytes_ += 1e6 * seconds * prng_.exponential();
}

void Workload::read_into(std::vector<model::Reading>& readings) const {
  using Kind = model::Reading::Kind;
  readings.clear();
  readings.push_back(reading("system.cpu.utilization", "1", Kind::busy, busy_seconds_));
  readings.push_back(reading("system.memory.usage", "By", Kind::gauge, memory_bytes_));
  readings.push_back(reading("system.disk.io", "By", Kind::counter, disk_bytes_));
}

}  // namespace mien::sim
