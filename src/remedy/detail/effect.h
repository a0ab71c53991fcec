// Proof of effect: did the treated instance's drift fall, more than its untreated peers' did meanwhile?
//
// Difference in differences (Card and Krueger 1994): (after - before) minus the mean of the peers' own (after -
// before); without peers, against its own past only. Interval: Wald, 95 %, over means of ten seconds.
#pragma once

#include <vector>

#include "model/action.h"
#include "remedy/detail/state.h"

namespace mien::remedy {

constexpr double least_error = 0.1;        // of the difference, in doublings: no mean is more exact than that
constexpr double least_difference = 0.25;  // a sixth less or more is neither help nor harm, however sure

struct PeerChange {
  Trace before;
  Trace after;
};
[[nodiscard]] model::Effect compare(const Trace& before, const Trace& after, const std::vector<PeerChange>& peers);

// Over which time drift is averaged, before the order and after the settle time.
struct Window {
  WallTime from;
  WallTime to;
};
[[nodiscard]] Duration window_length(const model::Action& action);
[[nodiscard]] Window window_before(const model::Action& action, const Running& running);
[[nodiscard]] Window window_after(const model::Action& action);

// What was before, kept as soon as the action is applied: history may be shorter than a settle time.
void keep_before(const model::Action& action, const Observer& observer, Running& running);
// The verdict; `unknown` where too little was seen.
[[nodiscard]] model::Effect prove(const model::Action& action, const Running& running, const Observer& observer);

}  // namespace mien::remedy
