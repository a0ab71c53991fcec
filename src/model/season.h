// The usual level and spread of a series by the hour: 24 UTC hours of working days, then 24 of weekends.
//
// Levels are 16 bits on a grid of 1/512 of the series' scale, rounded up or down at random so that slow learning is not
// lost (a level with half the precision of a float is); spreads and visits are bytes. About 200 bytes a series.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/fields.h"
#include "base/time.h"

namespace mien::model {

constexpr std::size_t season_cells = 48;

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
  // Mean |residual| in this hour, in scales; 0: not known.
  [[nodiscard]] float spread(std::size_t cell) const { return static_cast<float>(spreads_[cell]) / spread_steps; }

  // The mean of one visit moves the level by max(1 / visits, 0.1). `scale` > 0 is the series' own.
  void visit(std::size_t cell, double mean, double scale, std::uint32_t& coin);
  void set_spread(std::size_t cell, float spread, std::uint32_t& coin);
  // As it was stored.
  void set(std::size_t cell, double level, std::uint8_t visits, double scale);

  friend bool operator==(const Season&, const Season&) = default;

 private:
  static constexpr float spread_steps = 63;
  void place(std::size_t cell, double level, double scale, double rounding);
  void lay_grid(std::size_t cell, double level, double wanted);

  double origin_ = 0;
  float unit_ = 0;  // 0: nothing is known
  std::array<std::int16_t, season_cells> levels_{};
  std::array<std::uint8_t, season_cells> spreads_{};
  std::array<std::uint8_t, season_cells> visits_{};

 public:
  static constexpr auto fields =
      std::tuple{field("origin", &Season::origin_), field("unit", &Season::unit_), field("levels", &Season::levels_),
                 field("spreads", &Season::spreads_), field("visits", &Season::visits_)};
};

}  // namespace mien::model
