#include "node/distance_trace.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/math.h"

namespace mien::node {
namespace {

std::int64_t number_of(WallTime at) {
  std::int64_t width = DistanceTrace::span.count();
  return at.ns >= 0 ? at.ns / width : -((-at.ns + width - 1) / width);
}

constexpr double narrowest = 0.01;  // half a band, as a share of what is expected: a limit's has no width

// What a limit itself makes: that something held back waits is no harm that the limit did.
bool marks_restraint(std::string_view metric) {
  return metric == "system.cpu.throttled_time" || metric.starts_with("system.linux.pressure.");
}

// What surprises nobody, such as a metric whose band is not learned yet, is no distance.
double doublings(const model::Deviation& metric) {
  if (!(metric.bits.value > 0) || marks_restraint(metric.name.value)) return 0;
  double half = std::max((metric.high - metric.low) / 2, narrowest * std::fabs(metric.expected));
  double off = std::fabs(metric.observed - metric.expected);
  if (!(half > 0) || !(off > half) || !(off - off == 0)) return 0;
  return math::log(off / half) / math::log(2.0);
}

}  // namespace

double distance(const model::DriftScore& score) {
  double sum = 0;
  for (const model::Deviation& metric : score.metrics) sum += doublings(metric);
  return sum;
}

void DistanceTrace::add(WallTime at, double distance) {
  std::int64_t number = number_of(at);
  // A clock that was set back begins anew: spans stay ascending.
  while (!spans.empty() && spans.back().number > number) spans.pop_back();
  if (spans.empty() || spans.back().number < number) spans.push_back({.number = number, .count = 0, .sum = 0});
  ++spans.back().count;
  spans.back().sum += distance;
  if (spans.size() > most_spans) spans.erase(spans.begin());
}

std::optional<remedy::Trace> DistanceTrace::over(WallTime from, WallTime to) const {
  // A span that began before `from` would tell of what was before, and where nothing came after, of nothing else.
  std::int64_t first = number_of(from + (span - Duration{1}));
  std::int64_t end = std::max(number_of(to), first + 1);
  std::vector<double> means;
  for (const Span& one : spans)
    if (one.number >= first && one.number < end) means.push_back(one.sum / one.count);
  if (means.empty()) return std::nullopt;
  remedy::Trace trace{.mean = 0, .variance = 0, .count = static_cast<std::uint32_t>(means.size())};
  for (double mean : means) trace.mean += mean / static_cast<double>(means.size());
  for (double mean : means) trace.variance += (mean - trace.mean) * (mean - trace.mean);
  trace.variance = means.size() > 1 ? trace.variance / static_cast<double>(means.size() - 1) : 0;
  return trace;
}

}  // namespace mien::node
