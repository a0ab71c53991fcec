#include "node/score_trace.h"

#include <algorithm>

namespace mien::node {
namespace {

std::int64_t number_of(WallTime at) {
  std::int64_t width = ScoreTrace::span.count();
  return at.ns >= 0 ? at.ns / width : -((-at.ns + width - 1) / width);
}

}  // namespace

void ScoreTrace::add(WallTime at, double score) {
  std::int64_t number = number_of(at);
  // A clock that was set back begins anew: spans stay ascending.
  while (!spans.empty() && spans.back().number > number) spans.pop_back();
  if (spans.empty() || spans.back().number < number) spans.push_back({.number = number, .count = 0, .sum = 0});
  ++spans.back().count;
  spans.back().sum += score;
  if (spans.size() > most_spans) spans.erase(spans.begin());
}

std::optional<remedy::Trace> ScoreTrace::over(WallTime from, WallTime to) const {
  std::vector<double> means;
  for (const Span& one : spans)
    if (one.number >= number_of(from) && one.number < std::max(number_of(to), number_of(from) + 1))
      means.push_back(one.sum / one.count);
  if (means.empty()) return std::nullopt;
  remedy::Trace trace{.mean = 0, .variance = 0, .count = static_cast<std::uint32_t>(means.size())};
  for (double mean : means) trace.mean += mean / static_cast<double>(means.size());
  for (double mean : means) trace.variance += (mean - trace.mean) * (mean - trace.mean);
  trace.variance = means.size() > 1 ? trace.variance / static_cast<double>(means.size() - 1) : 0;
  return trace;
}

}  // namespace mien::node
