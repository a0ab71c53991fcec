// How far an instance was from its persona over the last ten minutes, as means of ten seconds of its own time: what
// proof of effect compares. Part of the instance's snapshot. A value; 60 entries of 12 bytes at most.
//
// Not the score: that says how sure it is that something is wrong, and is as sure of half the trouble as of the whole.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/fields.h"
#include "base/time.h"
#include "model/finding.h"
#include "remedy/remedy.h"

namespace mien::node {

// In doublings: for each metric that surprises how often the half of its band must be doubled to reach what is
// observed, 0 within the band; the sum over the metrics of the score, without those that a limit itself moves.
[[nodiscard]] double distance(const model::DriftScore& score);

struct DistanceTrace {
  static constexpr Duration span = 10s;
  static constexpr std::size_t most_spans = 60;

  struct Span {
    std::int64_t number = 0;  // of ten seconds since 1970
    std::uint32_t count = 0;
    double sum = 0;
    friend bool operator==(const Span&, const Span&) = default;
    static constexpr auto fields =
        std::tuple{field("number", &Span::number), field("count", &Span::count), field("sum", &Span::sum)};
  };
  std::vector<Span> spans;  // ascending

  void add(WallTime at, double distance);
  // Of the spans that begin at or after `from` and end before `to`, or else of the first; nothing where there is none.
  [[nodiscard]] std::optional<remedy::Trace> over(WallTime from, WallTime to) const;

  friend bool operator==(const DistanceTrace&, const DistanceTrace&) = default;
  static constexpr auto fields = std::tuple{field("spans", &DistanceTrace::spans)};
};

}  // namespace mien::node
