// Where the ticks of an axis stand and what is written at them: round values, round times (UTC).
#pragma once

#include <string>
#include <vector>

#include "base/time.h"

namespace mien::app {

struct Tick {
  double at = 0;  // share of the axis: 0 is its low end, 1 its high one
  std::string text;
  std::string below;  // of times: what this tick begins (a day, a year), in a second line
};

struct ValueAxis {
  double low = 0;
  double high = 1;
  std::vector<Tick> ticks;
  std::string offset;  // not empty: what all ticks are relative to
};

// An axis over low..high and a little more, with about `wanted` ticks at 1, 2 or 5 times a power of ten. One that has
// no extent gets some.
[[nodiscard]] ValueAxis value_axis(double low, double high, int wanted);

// At most `most` ticks from a second to a century apart; fewer where the text is long.
[[nodiscard]] std::vector<Tick> time_ticks(WallTime first, WallTime last, int most);

// "2026-11-22 20:53" or, when both are of one day, whatever tells them apart.
[[nodiscard]] std::string span_text(WallTime first, WallTime last);
// "10 s", "5 min", "1 h": about how far apart rows are.
[[nodiscard]] std::string interval_text(double seconds);

}  // namespace mien::app
