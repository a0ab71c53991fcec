// The steps of judge.h for many series of a row, four at once: one in each lane of an instruction (docs/adr/0039). The
// same bytes as the plain measure(), ask() and weigh(), which stay the reference: every lane does its operations in the
// same order, and where a branch would be, both sides are computed and one is taken
// (tests/property/lanes_property_test.cc).
//
// On x86 in SSE2, which every such processor has; elsewhere the plain steps are taken. Cost: half of them.
#pragma once

#include <span>

#include "drift/judge.h"

namespace mien::drift {

constexpr std::size_t together = 32;  // samples that are measured before the first of them is weighed
constexpr std::size_t lane_count = 4;

// As measure() and ask() of each, and then weigh() of each. Of one row and different series; at most `together`.
void judge_all(std::span<Taken> taken);

}  // namespace mien::drift
