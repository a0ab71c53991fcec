// What kind of thing an episode is: told from what its first rows look like at the series most to blame, not from which
// expert was loudest. Private to drift.
//
//   silence   it began with a row that came far too late
//   frozen    runs of identical values are the strangest about it
//   relation  the relations are stranger than any series, none of which was strange alone
//   shape     every other row jumps, and the values stay where they usually are; or the form is the strangest about it
//   spread    every other row jumps, and the values go far; or far out on either side by turns; or too little moves
//   spike     it jumped, and soon came back
//   level     it jumped, and stayed where it never is
//   ramp      it went there without a jump
//   seasonal  a value that is usual at another hour
#pragma once

#include "drift/episodes.h"

namespace mien::drift {

constexpr std::uint64_t naming_rows = 32;  // after these the kind stands

// Takes the row's look into a learned episode that blames somebody.
void take_likeness(const Scene& scene, Episode& episode);
[[nodiscard]] model::FindingKind kind_of(const Episode& episode);

}  // namespace mien::drift
