#include "model/season.h"

#include <algorithm>
#include <cmath>

#include "model/telemetry.h"
#include "stats/counter.h"

namespace mien::model {
namespace {

constexpr double steps_per_scale = 512;
constexpr double most_steps = 32'000;
constexpr double least_rate = 0.1;  // a visit of an hour
constexpr double too_coarse = 4;    // times the grid that the scale asks for: then another is looked for
constexpr double finer = 1.25;      // and taken if it is finer by that
constexpr double reserve = 0.75;    // times the range of all levels fits 32,000 steps: room on either side

}  // namespace

// Lays a grid over all known levels and `level`, as fine as `wanted` where they lie close enough together.
void Season::lay_grid(std::size_t cell, double level, double wanted) {
  double low = level;
  double high = level;
  for (std::size_t i = 0; i < season_cells; ++i) {
    if (i == cell || visits_[i] == 0) continue;
    low = std::min(low, this->level(i));
    high = std::max(high, this->level(i));
  }
  double origin = 0.5 * (low + high);
  auto needed = static_cast<float>(std::max(wanted, reserve * (high - low) / most_steps));
  bool reaches = unit_ > 0 && std::fabs(level - origin_) <= most_steps * static_cast<double>(unit_);
  if (reaches && static_cast<double>(unit_) <= finer * static_cast<double>(needed)) return;
  for (std::size_t i = 0; i < season_cells; ++i) {
    if (i == cell || visits_[i] == 0) continue;
    levels_[i] = static_cast<std::int16_t>(std::floor((this->level(i) - origin) / static_cast<double>(needed) + 0.5));
  }
  double shrinks = static_cast<double>(unit_) / static_cast<double>(needed);
  for (std::int8_t& away : week_)
    if (away != not_seen) away = static_cast<std::int8_t>(std::clamp(std::floor(away * shrinks + 0.5), -127.0, 127.0));
  origin_ = origin;
  unit_ = needed;
}

void Season::place(std::size_t cell, double level, double scale, double rounding) {
  double wanted = std::max(scale / steps_per_scale, 1e-12);
  bool reaches = unit_ > 0 && std::fabs(level - origin_) <= most_steps * static_cast<double>(unit_);
  if (!reaches || static_cast<double>(unit_) > too_coarse * wanted) lay_grid(cell, level, wanted);
  double steps = std::clamp((level - origin_) / static_cast<double>(unit_), -most_steps, most_steps);
  levels_[cell] = static_cast<std::int16_t>(std::floor(steps + rounding));
}

// How often the two hours came is not kept: they come twice while the hour comes on each day of its kind.
void Season::visit_week(std::int32_t hour, double mean, std::uint32_t& coin) {
  std::size_t cell = season_cell_of(hour);
  if (visits_[cell] == 0 || unit_ <= 0) return;
  std::int8_t& away = week_[week_cell_of(hour)];
  double steps = (mean - level(cell)) / (week_step * static_cast<double>(unit_));
  double days = cell < 24 ? 5 : 2;
  double rate = away == not_seen ? 1 : std::max(1 / (1 + 2 * visits_[cell] / days), least_rate);
  double before = away == not_seen ? 0 : away;
  double moved = std::clamp(before + rate * (std::clamp(steps, -127.0, 127.0) - before), -127.0, 126.0);
  away = static_cast<std::int8_t>(std::floor(moved + stats::draw_unit(coin)));
}

void Season::visit(std::int32_t hour, double mean, double scale, std::uint32_t& coin) {
  visit_week(hour, mean, coin);
  std::size_t cell = season_cell_of(hour);
  double first = 1.0 / (visits_[cell] + 1.0);
  double before = visits_[cell] > 0 ? level(cell) : 0;
  place(cell, before + std::max(first, least_rate) * (mean - before), scale, stats::draw_unit(coin));
  if (visits_[cell] < 255) ++visits_[cell];
}

void Season::set_spread(std::size_t cell, float spread, std::uint32_t& coin) {
  double steps = std::clamp(static_cast<double>(spread * spread_steps), 0.0, 254.0);
  spreads_[cell] = static_cast<std::uint8_t>(std::floor(steps + stats::draw_unit(coin)));
}

void Season::set(std::size_t cell, double level, std::uint8_t visits, double scale) {
  place(cell, level, scale, 0.5);
  visits_[cell] = visits;
}

double Season::away(std::size_t week_cell) const {
  std::int8_t steps = week_[week_cell];
  return steps == not_seen ? missing : static_cast<double>(unit_) * week_step * static_cast<double>(steps);
}

void Season::set_away(std::size_t week_cell, double away) {
  if (unit_ <= 0 || std::isnan(away)) return;
  double steps = std::floor(away / (static_cast<double>(unit_) * week_step) + 0.5);
  week_[week_cell] = static_cast<std::int8_t>(std::clamp(steps, -127.0, 127.0));
}

}  // namespace mien::model
