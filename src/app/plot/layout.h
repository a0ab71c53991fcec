// The page that `mien score --plot` draws: the most blamed columns with what was expected of them, the findings above
// them, score and alarm level below, one time axis. 1,600 points wide, white, whatever it is looked at on.
#pragma once

#include <cstdint>
#include <string>

#include "app/plot/drawing.h"
#include "app/plot/plot_data.h"

namespace mien::app {

struct PlotWords {
  std::string title;
  std::uint64_t train_rows = 0;
  double false_alarms_per_week = 1;
};

constexpr std::size_t most_panels = 8;

// The same data give the same drawing.
[[nodiscard]] Drawing lay_out(const PlotData& data, const PlotWords& words);

}  // namespace mien::app
