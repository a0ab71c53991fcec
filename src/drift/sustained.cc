#include "drift/sustained.h"

#include <algorithm>

#include "base/math.h"

namespace mien::drift {
namespace {

constexpr double memory = 48;                // blocks
constexpr double decades = 1.6812412374;     // log10 memory
constexpr double most = 6;                   // decades that one row counts for
constexpr double unit = 1.3862943611198906;  // ln 4: half a decade of the mean is one octave of its tail
constexpr double rare = 4;                   // teaches with weight 1/4
constexpr double empirical = 0.5;
constexpr double certain_from = 1.5;  // decades from which the stretch's blocks are fully counted
constexpr double least_known = 20;    // stretches

}  // namespace

double follow(Sustained& sustained, const Strength& row) {
  if (row.blocks <= 0) return 0;
  sustained.mean += std::min(1.0, row.blocks / memory) * (std::min(row.value, most) - sustained.mean);
  double u = math::exp(unit * sustained.mean);
  double e = sustained.past.values() < least_known ? 0 : sustained.past.surprise(u, empirical, stats::Tail::Known::few);
  if (e > 0) e += decades * std::min(1.0, e / certain_from);
  sustained.largest = std::max(sustained.largest, static_cast<float>(u));
  sustained.rare = sustained.rare || row.gated || e > rare;
  sustained.blocks += static_cast<float>(row.blocks);
  if (static_cast<double>(sustained.blocks) < memory) return e;
  if (row.judged)
    sustained.past.add(static_cast<double>(sustained.largest),
                       sustained.rare ? stats::Tail::quarter : stats::Tail::whole);
  sustained.largest = 0;
  sustained.blocks = 0;
  sustained.rare = false;
  return e;
}

}  // namespace mien::drift
