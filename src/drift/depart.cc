#include "drift/depart.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"
#include "base/text.h"
#include "drift/declared.h"
#include "stats/distribution.h"

namespace mien::drift {
namespace {

using model::DeclaredDistribution;
using model::DistributionKind;

constexpr double most_bits = 16;
constexpr double impossible_bits = 16;  // of each value that can not be
constexpr double log2_e = 1.4426950408889634;
constexpr double deviation_per_scale = 1.2533141373155003;  // normal: standard deviation over mean absolute deviation
constexpr double learned_for = 3600;                        // seconds of life before its level means anything
constexpr std::size_t most_named = 8;

double normal_excess(double mean, double deviation, double declared_mean, double declared_deviation) {
  double floor = 1e-9 + 1e-6 * std::fabs(declared_mean);
  double wide = std::max(declared_deviation, floor);
  double away = mean - declared_mean;
  return 0.5 * ((deviation * deviation + away * away) / (wide * wide) - 1) * log2_e;
}

// Share of a normal above `line`.
double share_above(double line, double mean, double deviation) {
  if (deviation <= 0) return mean > line ? 1 : 0;
  return stats::normal_upper_tail((line - mean) / deviation);
}

double excess_of(const DeclaredDistribution& declared, double mean, double deviation) {
  switch (declared.kind) {
    case DistributionKind::normal: return normal_excess(mean, deviation, declared.a, declared.b);
    case DistributionKind::constant: return normal_excess(mean, deviation, declared.a, 0);
    case DistributionKind::lognormal: {
      if (mean <= 0) return most_bits;
      double spread = deviation / mean;  // of the logarithm: its mean and deviation by their first terms
      return normal_excess(math::log(mean) - 0.5 * math::log1p(spread * spread),
                           std::sqrt(math::log1p(spread * spread)), declared.a, declared.b);
    }
    case DistributionKind::exponential:
      return mean < 0 ? most_bits : (mean / std::max(declared.a, 1e-300) - 1) * log2_e;
    case DistributionKind::uniform: {
      double slack = 0.01 * std::fabs(declared.b - declared.a) + 1e-9;
      double outside =
          share_above(declared.b + slack, mean, deviation) + (1 - share_above(declared.a - slack, mean, deviation));
      return impossible_bits * outside;
    }
  }
  return 0;
}

Departure depart(const model::DeclaredMetric& declared, std::uint32_t series, const stats::RobustLocation& anchor) {
  Departure departure{.series = series,
                      .bits = departure_bits(declared, anchor.location, static_cast<double>(anchor.scale)),
                      .learned = anchor.location,
                      .deviation = deviation_per_scale * static_cast<double>(anchor.scale)};
  if (!declared.distribution) {
    departure.low = 0;
    departure.expected = departure.high = *declared.peak;
    return departure;
  }
  DeclaredBand band = band_of(*declared.distribution);
  departure.expected = band.expected;
  departure.low = band.low;
  departure.high = band.high;
  bool has_width = declared.distribution->kind == DistributionKind::normal;
  double away = departure.learned - band.expected;
  double wider = departure.deviation * departure.deviation - declared.distribution->b * declared.distribution->b;
  departure.is_wide = has_width && wider > away * away;
  return departure;
}

model::Deviation deviation_of(const model::Series& series, const Departure& departure) {
  model::Deviation deviation;
  deviation.name = series.metric;
  deviation.attributes = series.attributes;
  deviation.observed = departure.learned;
  deviation.expected = departure.expected;
  deviation.low = departure.low;
  deviation.high = departure.high;
  deviation.bits = Bits{departure.bits};
  deviation.direction = departure.is_wide                         ? model::Direction::none
                        : departure.learned >= departure.expected ? model::Direction::up
                                                                  : model::Direction::down;
  return deviation;
}

}  // namespace

double departure_bits(const model::DeclaredMetric& declared, double location, double scale) {
  double deviation = deviation_per_scale * scale;
  double bits = declared.distribution ? excess_of(*declared.distribution, location, deviation) : 0;
  if (declared.peak) bits = std::max(bits, impossible_bits * share_above(*declared.peak, location, deviation));
  return std::clamp(bits, 0.0, most_bits);
}

std::vector<Departure> departures(const model::Expectation& expectation, const model::Behavior& behavior,
                                  const std::vector<model::Series>& series) {
  std::vector<Departure> out;
  if (to_seconds(behavior.last - behavior.first) < learned_for) return out;
  for (std::size_t s = 0; s < behavior.series.size() && s < series.size(); ++s) {
    auto declared = expectation.metrics.find(series[s].metric.value);
    if (declared == expectation.metrics.end() || declared->second.ignore || !behavior.series[s].ready()) continue;
    if (!declared->second.distribution && !declared->second.peak) continue;
    if (is_meant(series, series[s]))
      out.push_back(depart(declared->second, static_cast<std::uint32_t>(s), behavior.series[s].anchor));
  }
  std::stable_sort(out.begin(), out.end(), [](const Departure& a, const Departure& b) { return a.bits > b.bits; });
  return out;
}

model::Finding departure_finding(const model::Expectation& expectation, const std::vector<model::Series>& series,
                                 const std::vector<Departure>& left) {
  const Departure& most = left.front();
  model::Finding finding;
  finding.kind = most.is_wide ? model::FindingKind::spread : model::FindingKind::level;
  finding.severity = model::Severity::low;
  finding.confidence = 0.99;
  finding.first_mover = to_text(series[most.series]);
  for (std::size_t i = 0; i < left.size() && i < most_named; ++i)
    finding.metrics.push_back(deviation_of(series[left[i].series], left[i]));
  std::string others = left.size() == 1 ? "" : cat(", and ", left.size() - 1, left.size() == 2 ? " more" : " others");
  finding.summary = cat("what was learned left what ", expectation.persona.value, " declares: ", finding.first_mover,
                        " is usually ", to_text(most.learned, 3), " +- ", to_text(most.deviation, 2), ", declared ",
                        to_text(most.expected, 3), " (", to_text(most.low, 3), " to ", to_text(most.high, 3), "); ",
                        to_text(most.bits, 2), " bits, drift.depart is ", to_text(expectation.depart.value, 2), others);
  return finding;
}

}  // namespace mien::drift
