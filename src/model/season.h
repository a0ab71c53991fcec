// The usual level and spread of a series by the hour: 24 UTC hours of working days, then 24 of weekends, and how far
// each two hours of the week lie from those.
//
// Levels are 16 bits on a grid of 1/512 of the series' scale, rounded up or down at random so that slow learning is not
// lost (a level with half the precision of a float is); spreads, visits and the week are bytes. About 290 bytes a
// series.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/fields.h"
#include "base/time.h"

namespace mien::model {

constexpr std::size_t season_cells = 48;
constexpr std::size_t week_cells = 84;

// Hours since 1970, and the cell that an hour belongs to.
[[nodiscard]] constexpr std::int32_t hour_of(WallTime t) {
  constexpr std::int64_t hour_ns = 3'600'000'000'000;
  return static_cast<std::int32_t>(t.ns >= 0 ? t.ns / hour_ns : -((-t.ns + hour_ns - 1) / hour_ns));
}
[[nodiscard]] constexpr std::size_t season_cell_of(std::int32_t hour) {
  std::int32_t day = hour >= 0 ? hour / 24 : -((-hour + 23) / 24);
  std::int32_t weekday = ((day + 3) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0 is Monday
  return static_cast<std::size_t>(hour - day * 24 + (weekday >= 5 ? 24 : 0));
}
[[nodiscard]] constexpr std::size_t week_cell_of(std::int32_t hour) {
  constexpr std::int32_t hours = 7 * 24;
  return static_cast<std::size_t>(((hour + 3 * 24) % hours + hours) % hours / 2);
}
[[nodiscard]] constexpr std::size_t season_cell_of(WallTime t) { return season_cell_of(hour_of(t)); }

class Season {
 public:
  // The cell to go by: this one, else that of the same hour of the other kind of day, else -1: nothing is known.
  [[nodiscard]] int known(std::size_t cell) const {
    if (visits_[cell] > 0) return static_cast<int>(cell);
    std::size_t other = (cell + 24) % season_cells;
    return visits_[other] > 0 ? static_cast<int>(other) : -1;
  }
  [[nodiscard]] std::uint8_t visits(std::size_t cell) const { return visits_[cell]; }  // days that taught it
  [[nodiscard]] double level(std::size_t cell) const {
    return origin_ + static_cast<double>(unit_) * static_cast<double>(levels_[cell]);
  }
  // What is usual in this hour of this day: of all days of its kind, and what the same two hours of past weeks add.
  // Something of the hour must be `known`.
  [[nodiscard]] double level_at(std::int32_t hour) const {
    std::int8_t away = week_[week_cell_of(hour)];
    double usual = level(static_cast<std::size_t>(known(season_cell_of(hour))));
    return away == not_seen ? usual : usual + static_cast<double>(unit_) * week_step * static_cast<double>(away);
  }
  // Mean |residual| in this hour, in scales; 0: not known.
  [[nodiscard]] float spread(std::size_t cell) const { return static_cast<float>(spreads_[cell]) / spread_steps; }

  // The mean of one visit of an hour moves what was usual by max(1 / visits, 0.1). `scale` > 0 is the series' own.
  void visit(std::int32_t hour, double mean, double scale, std::uint32_t& coin);
  void set_spread(std::size_t cell, float spread, std::uint32_t& coin);
  // How far two hours of the week lie from other days, in steps; stored behind the rest (behavior_stored.cc).
  using Week = std::array<std::int8_t, week_cells>;
  [[nodiscard]] const Week& week() const { return week_; }
  void set_week(const Week& week) { week_ = week; }
  // The same in the series' own unit, missing where nothing is known; to be set after the levels, which lay the grid.
  [[nodiscard]] double away(std::size_t week_cell) const;
  void set_away(std::size_t week_cell, double away);
  // As it was stored.
  void set(std::size_t cell, double level, std::uint8_t visits, double scale);

  friend bool operator==(const Season&, const Season&) = default;

 private:
  static constexpr float spread_steps = 63;
  static constexpr double week_step = 16;  // units: a 32nd of a scale, so that a day may lie four scales from others
  static constexpr std::int8_t not_seen = -128;
  static constexpr Week no_week = [] {
    Week cells{};
    for (std::int8_t& cell : cells) cell = not_seen;
    return cells;
  }();
  void visit_week(std::int32_t hour, double mean, std::uint32_t& coin);
  void place(std::size_t cell, double level, double scale, double rounding);
  void lay_grid(std::size_t cell, double level, double wanted);

  double origin_ = 0;
  float unit_ = 0;  // 0: nothing is known
  std::array<std::int16_t, season_cells> levels_{};
  std::array<std::uint8_t, season_cells> spreads_{};
  std::array<std::uint8_t, season_cells> visits_{};
  Week week_ = no_week;  // not among `fields`

 public:
  static constexpr auto fields =
      std::tuple{field("origin", &Season::origin_), field("unit", &Season::unit_), field("levels", &Season::levels_),
                 field("spreads", &Season::spreads_), field("visits", &Season::visits_)};
};

}  // namespace mien::model
