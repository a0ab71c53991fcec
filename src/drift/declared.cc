#include "drift/declared.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "stats/distribution.h"

namespace mien::drift {
namespace {

using model::DeclaredDistribution;
using model::DistributionKind;

constexpr double most_evidence = 3;  // of one sample
constexpr double allowance = 1;      // taken off each sample: healthy ones average 0.43
constexpr double slow_series = 15;   // seconds between samples
constexpr double impossible = 16;
constexpr double plausible = 2;  // p >= 0.01

double surprise_of(double p) { return p > 1e-16 ? std::max(0.0, -math::log10(p)) : impossible; }

double normal_surprise(double x, double mean, double deviation) {
  // A deviation of nothing is a constant that may be off by rounding.
  double floor = 1e-9 + 1e-6 * std::fabs(mean);
  return surprise_of(stats::normal_two_sided((x - mean) / std::max(deviation, floor)));
}

void accumulate(double& evidence, double e, double interval) {
  double gain = interval > slow_series ? 2 : 1;
  evidence = std::clamp(evidence + gain * (std::min(e, most_evidence) - allowance), 0.0, declared_most);
}

}  // namespace

bool is_meant(const std::vector<model::Series>& series, const model::Series& one) {
  if (one.attributes.empty()) return true;
  return std::none_of(series.begin(), series.end(), [&](const model::Series& other) {
    return other.metric == one.metric && other.attributes.empty();
  });
}

double declared_surprise(const DeclaredDistribution& declared, double x) {
  switch (declared.kind) {
    case DistributionKind::normal: return normal_surprise(x, declared.a, declared.b);
    case DistributionKind::lognormal: return x > 0 ? normal_surprise(math::log(x), declared.a, declared.b) : impossible;
    case DistributionKind::exponential:
      // Only large values speak against it: the smallest are the likeliest.
      if (x < 0) return impossible;
      return surprise_of(stats::exponential_upper_tail(x, std::max(declared.a, 1e-300)));
    case DistributionKind::uniform: {
      double slack = 0.01 * std::fabs(declared.b - declared.a) + 1e-9;
      return x < declared.a - slack || x > declared.b + slack ? impossible : 0;
    }
    case DistributionKind::constant: return normal_surprise(x, declared.a, 0);
  }
  return 0;
}

DeclaredBand band_of(const DeclaredDistribution& declared) {
  double half = stats::normal_99_band * declared.b;
  switch (declared.kind) {
    case DistributionKind::normal: return {.expected = declared.a, .low = declared.a - half, .high = declared.a + half};
    case DistributionKind::lognormal:
      return {
          .expected = math::exp(declared.a), .low = math::exp(declared.a - half), .high = math::exp(declared.a + half)};
    case DistributionKind::exponential:
      return {.expected = declared.a, .low = declared.a * 0.005012541823544286, .high = declared.a * 5.298317366548036};
    case DistributionKind::uniform:
      return {.expected = 0.5 * (declared.a + declared.b), .low = declared.a, .high = declared.b};
    case DistributionKind::constant: break;
  }
  return {.expected = declared.a, .low = declared.a, .high = declared.a};
}

bool breaks_limit(const model::Limit& limit, Against& against, double x, WallTime t) {
  bool broken = (limit.max && x > *limit.max) || (limit.min && x < *limit.min);
  if (!limit.change || limit.over.count() <= 0) return broken;
  std::vector<TimedValue>& points = against.change;
  while (points.size() > 1 && points[1].at <= t - limit.over) points.erase(points.begin());
  if (!points.empty() && points.front().at <= t - limit.over) {
    double before = points.front().value;
    double moved = x - before;
    double allowed = *limit.change * std::fabs(before);
    broken = broken || (*limit.change >= 0 ? moved > allowed && moved > 0 : moved < allowed && moved < 0);
  }
  Duration spacing{limit.over.count() / static_cast<std::int64_t>(max_change_points - 2)};
  if (points.empty() || t - points.back().at >= spacing) points.push_back({.at = t, .value = x});
  if (points.size() > max_change_points) points.erase(points.begin());
  return broken;
}

bool judge_declared(const model::DeclaredMetric& declared, Against& against, const TimedValue& sample,
                    double interval) {
  double x = sample.value;
  bool is_plausible = false;
  if (declared.distribution || declared.peak) {
    double e = 0;
    if (declared.distribution) {
      e = declared_surprise(*declared.distribution, x);
      is_plausible = e <= plausible;
    }
    if (declared.peak && x > *declared.peak) e = std::max(e, most_evidence);
    accumulate(against.declared, e, interval);
  }
  if (declared.limit)
    accumulate(against.limit, breaks_limit(*declared.limit, against, x, sample.at) ? most_evidence : 0, interval);
  return is_plausible;
}

}  // namespace mien::drift
