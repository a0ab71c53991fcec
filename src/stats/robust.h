// A decaying, robust location and scale: exponential means of the winsorised value and of its absolute deviation.
//
// EW(a) uses the weight max(1/(n+1), a), so that the start is a plain mean. After a short warm-up one value can move
// the location by at most `clip * a * scale`: outliers bend it, they do not break it. 16 bytes, about 2 ns a value.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/fields.h"

namespace mien::stats {

// [x] clipped to +-limit.
[[nodiscard]] constexpr double clip(double x, double limit) { return x > limit ? limit : (x < -limit ? -limit : x); }

// The weight of the next of `n` values seen so far under a rate.
[[nodiscard]] inline double warm_rate(std::uint64_t n, double rate) {
  double next = static_cast<double>(n) + 1.0;
  return next * rate < 1 ? 1 / next : rate;
}

struct RobustLocation {
  static constexpr double clip_at = 4;
  static constexpr std::uint32_t warm_up = 20;  // values taken as they are

  double location = 0;  // values may be large and their scale small
  float scale = 0;      // mean absolute deviation
  std::uint32_t n = 0;  // stays at its largest

  // Smallest scale that is told from rounding.
  [[nodiscard]] double floor() const {
    double relative = 1e-6 * std::fabs(location);
    return relative > 1e-9 ? relative : 1e-9;
  }
  [[nodiscard]] double safe_scale() const {
    double least = floor();
    double own = scale;
    return own > least ? own : least;
  }
  [[nodiscard]] double standardise(double x) const { return (x - location) / safe_scale(); }

  void add(double x, double rate) {
    double a = warm_rate(n, rate);
    double deviation = x - location;
    if (n >= warm_up) deviation = clip(deviation, clip_at * safe_scale());
    if (n > 0) {
      double own = scale;
      scale = static_cast<float>(own + warm_rate(n - 1, rate) * (std::fabs(deviation) - own));
    }
    location += a * deviation;
    if (n < ~std::uint32_t{0}) ++n;
  }
  friend bool operator==(const RobustLocation&, const RobustLocation&) = default;
  static constexpr auto fields = std::tuple{field("location", &RobustLocation::location),
                                            field("scale", &RobustLocation::scale), field("n", &RobustLocation::n)};
};

}  // namespace mien::stats
