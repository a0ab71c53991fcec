// The steps of judge.h for many series of a row, four at once: one in each lane of an instruction (docs/adr/0039). The
// same bytes as the plain measure(), ask() and weigh(), which stay the reference: every lane does its operations in the
// same order, and where a branch would be, both sides are computed and one is taken
// (tests/property/lanes_property_test.cc).
//
// On x86 in SSE2, which every such processor has; elsewhere the plain steps are taken. Cost: half of them.
#pragma once

#include <span>

#include "base/fetch.h"
#include "drift/judge.h"

namespace mien::drift {

constexpr std::size_t together = 32;  // samples that are measured before the first of them is weighed
constexpr std::size_t lane_count = 4;

constexpr std::size_t fetched_ahead = 24;  // series whose state is on its way before it is needed

// The state of all series, of which those after the ones that are judged are fetched meanwhile. Empty: all is at hand.
struct Ahead {
  std::span<const model::Baseline> baselines;
  std::span<const SeriesWatch> watches;
  std::span<const BlockSum> sums;

  void fetch(std::size_t series) const {
    if (series < baselines.size()) mien::fetch(&baselines[series], sizeof(model::Baseline));
    if (series < watches.size()) mien::fetch(&watches[series], sizeof(SeriesWatch));
    if (series % 8 == 0 && series < sums.size()) __builtin_prefetch(&sums[series]);
  }
};

// As measure() and ask() of each, and then weigh() of each. Of one row and different series; at most `together`.
void judge_all(std::span<Taken> taken, const Ahead& ahead);

}  // namespace mien::drift
