// Moderate surprise that lasts: none of its rows is rare enough for an episode, all of them together are. It finds what
// builds up or stays small: a spread that collapsed, relations that broke, a slow ramp.
//
// The mean of the rows' strength over about 48 blocks, against its own past of that. Such a mean stays at its height
// for many blocks in a row, so its past holds the largest of each 48 blocks; the probability of such a stretch is
// spread over its blocks.
#pragma once

#include "drift/watch_state.h"

namespace mien::drift {

struct Strength {
  double value = 0;     // of a row: how odd it is, in decades
  double blocks = 0;    // since the row before
  bool gated = false;   // an episode is open: it teaches with weight 1/4
  bool judged = false;  // enough is known for it to teach
};
// Takes a row; returns the surprise of the last 48 blocks, -log10 p of a block. 0 until 20 times 48 blocks are known.
double follow(Sustained& sustained, const Strength& row);

}  // namespace mien::drift
