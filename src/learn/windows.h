// What changes too softly or too slowly for one sample to show: how the values of the running hour and day are spread,
// against how they were spread in healthy hours, and how far the level of a day is from that of the days before.
//
// Shape. Values are counted in ten bins on a grid of the series' own level and scale, laid once a day. The divergence
// of a window is Jensen and Shannon's (Lin 1991), in bits: 0 is the same, 1 has nothing in common. A window's shares
// begin at those of the healthy hours, worth eight values, so that few values say little. Windows of fewer than ten
// values are not compared. Beside it stand the mean of its own past hours, and the most of about two weeks: what is
// ordinary is its own. Speed. The means of seven days; the speed is the median of the slopes between each two of them
// (Theil 1950, Sen 1968).
//
// Fed with rows on their way into history, so no sample pays for it: about 4 ns a value every two minutes, 1 us a
// series at the end of an hour. 120 bytes a series. Pure; days and hours are UTC.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/fields.h"
#include "model/behavior.h"
#include "model/telemetry.h"

namespace mien::learn {

struct SeriesWindow {
  static constexpr std::size_t bins = 10;
  static constexpr std::size_t days_kept = 7;
  static constexpr std::uint16_t unknown = 0xffff;
  using Counts = std::array<std::uint16_t, bins>;

  double sum = 0;  // of the running day
  std::uint32_t count = 0;
  float location = 0;                       // the grid of the bins
  float scale = 0;                          // 0: none yet
  std::array<float, days_kept> days = [] {  // means of the days before, newest first; missing where nothing was heard
    std::array<float, days_kept> none{};
    none.fill(static_cast<float>(model::missing));
    return none;
  }();
  Counts hour{};
  Counts day{};                       // hours of the running day, each worth 100
  Counts known{};                     // healthy hours, likewise; halved at 60,000, so the newest weeks count
  std::uint16_t hour_bits = unknown;  // of the newest whole hour, day; in 1/50,000
  std::uint16_t day_bits = unknown;
  std::uint16_t usual_bits = unknown;  // mean of its own past hours
  std::uint16_t most_bits = 0;         // the most of them, fading within about two weeks

  static constexpr auto fields = std::tuple{field("sum", &SeriesWindow::sum),
                                            field("count", &SeriesWindow::count),
                                            field("location", &SeriesWindow::location),
                                            field("scale", &SeriesWindow::scale),
                                            field("days", &SeriesWindow::days),
                                            field("hour", &SeriesWindow::hour),
                                            field("day", &SeriesWindow::day),
                                            field("known", &SeriesWindow::known),
                                            field("hour_bits", &SeriesWindow::hour_bits),
                                            field("day_bits", &SeriesWindow::day_bits),
                                            field("usual_bits", &SeriesWindow::usual_bits),
                                            field("most_bits", &SeriesWindow::most_bits)};
};
static_assert(sizeof(SeriesWindow) <= 120);

struct Windows {
  std::vector<SeriesWindow> series;
  std::int32_t hour = 0;  // hours since 1970 that are being counted; 0: none yet
  bool teaches = true;    // nothing was wrong in it so far

  static constexpr auto fields =
      std::tuple{field("series", &Windows::series), field("hour", &Windows::hour), field("teaches", &Windows::teaches)};
};

// Counts rows (row-major, one value per series, as the history's window collects them). `healthy`: nothing is wrong
// with the instance now, so the hour may teach.
void count_rows(Windows& windows, const model::Behavior& behavior, const model::Batch& rows, bool healthy);
// Another life begins (persona, rollback): what healthy hours looked like is forgotten, the days are not.
void forget_shapes(Windows& windows);

// Of one series, for people. What is not known yet is missing (NaN).
struct SlowSeries {
  std::uint32_t series = 0;
  double hour_bits = model::missing;
  double day_bits = model::missing;
  double usual_bits = model::missing;
  double most_bits = model::missing;
  double anchor_scales = 0;  // the last hours against the slow level, in scales; and in bits
  double anchor_bits = 0;
  double per_day = model::missing;        // speed of the level, in the series' unit
  double per_day_ratio = model::missing;  // of its level
  double moved_scales = 0;                // within the days that are known, in scales
  double steadiness = 0;                  // share of the pairs of days that agree on the direction, less the others
  std::uint32_t days = 0;

  // The newest hour is unlike anything of its own past.
  [[nodiscard]] bool is_unlike() const { return hour_bits > 0.1 && hour_bits > most_bits; }
  // It goes one way, day after day, by more than it varies.
  [[nodiscard]] bool is_moving() const {
    return days >= 3 && steadiness >= 0.6 && (moved_scales >= 1 || moved_scales <= -1);
  }
};

// The series that changed most, most first, at most `most` of those of which something is known.
[[nodiscard]] std::vector<SlowSeries> slowest(const Windows& windows, const model::Behavior& behavior,
                                              std::size_t most);

// Jensen-Shannon divergence in bits of a window's counts from known ones (any totals), smoothed as said above.
[[nodiscard]] double shape_bits(const SeriesWindow::Counts& window, const SeriesWindow::Counts& known);

}  // namespace mien::learn
