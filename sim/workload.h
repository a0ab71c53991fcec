// What simulated hosts and services do: eight shapes of load as readings, made from a seed and the time alone.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "model/telemetry.h"

namespace mien::sim {

enum class Shape : std::uint8_t { steady, diurnal, ramp, step, spike, leak, hog, silent };
constexpr std::size_t shape_count = 8;
[[nodiscard]] std::string_view to_text(Shape shape);

// One instance's load. CPU is cumulative busy seconds of one CPU, as the kernel counts it.
class Workload {
 public:
  // Misbehaviour (step, spike, hog, silent) begins `onset` after the start.
  Workload(Shape shape, Duration onset, const Prng& prng) : shape_(shape), onset_(onset), prng_(prng) {}
  // Moves on by `step` to `since` (time since the start), with at most `cap` of one CPU.
  void advance(Duration since, Duration step, double cap);
  void read_into(std::vector<model::Reading>& readings) const;
  [[nodiscard]] Shape shape() const { return shape_; }
  [[nodiscard]] bool silent(Duration since) const { return shape_ == Shape::silent && since >= onset_; }

 private:
  [[nodiscard]] double cpu(Duration since);

  Shape shape_;
  Duration onset_;
  Prng prng_;
  double busy_seconds_ = 0;
  double memory_bytes_ = 2e9;
  double disk_bytes_ = 0;
};

}  // namespace mien::sim
