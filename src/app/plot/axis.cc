#include "app/plot/axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "app/table.h"
#include "base/text.h"

namespace mien::app {
namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;
constexpr std::array<std::int64_t, 23> steps{
    second / 1000, second / 100, second / 10, second / 2, second,      2 * second,  5 * second,  15 * second,
    30 * second,   minute,       2 * minute,  5 * minute, 10 * minute, 15 * minute, 30 * minute, hour,
    2 * hour,      3 * hour,     6 * hour,    12 * hour,  day,         2 * day,     7 * day};
constexpr std::array<int, 9> month_steps{1, 2, 3, 6, 12, 24, 60, 120, 1200};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::int64_t a_monday = 4 * day;  // 1970-01-05
constexpr int short_digits = 3;             // ticks that need no more are written 1.5k, 2M
constexpr int most_digits = 7;              // those that need more are written relative to one of them

// The parts of "2026-11-22T20:53:33.5Z".
struct Written {
  std::string text;
  explicit Written(WallTime t) : text(to_rfc3339(t)) {}
  [[nodiscard]] std::string date() const { return text.substr(0, 10); }
  [[nodiscard]] std::string minutes() const { return text.substr(11, 5); }
  [[nodiscard]] std::string seconds() const { return text.substr(11, 8); }
  [[nodiscard]] std::string year() const { return text.substr(0, 4); }
  [[nodiscard]] int month() const { return std::stoi(text.substr(5, 2)); }
  [[nodiscard]] std::string day_of_month() const {
    return cat(std::stoi(text.substr(8, 2)), ' ', months[static_cast<std::size_t>(month() - 1)]);
  }
};

std::int64_t floor_to(std::int64_t value, std::int64_t step) {
  std::int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

double share_of(WallTime t, WallTime first, WallTime last) {
  return static_cast<double>(t.ns - first.ns) / static_cast<double>(last.ns - first.ns);
}

std::string milliseconds(WallTime t) {
  std::int64_t part = (t.ns - floor_to(t.ns, second)) / 1'000'000;
  std::string digits = std::to_string(1000 + part).substr(1);
  return cat(Written(t).seconds(), ".", digits);
}

std::vector<Tick> even_ticks(WallTime first, WallTime last, std::int64_t step) {
  std::vector<Tick> ticks;
  std::int64_t phase = step >= 7 * day ? a_monday : 0;
  std::string told;
  for (std::int64_t t = floor_to(first.ns - phase - 1, step) + phase + step; t <= last.ns; t += step) {
    Written written(WallTime{t});
    Tick tick{.at = share_of(WallTime{t}, first, last), .text = {}, .below = {}};
    if (step >= day) tick.text = written.day_of_month();
    else if (step >= minute) tick.text = written.minutes();
    else tick.text = step >= second ? written.seconds() : milliseconds(WallTime{t});
    std::string larger = step >= day ? written.year() : written.date();
    if (larger != told) tick.below = larger;
    told = larger;
    ticks.push_back(std::move(tick));
  }
  return ticks;
}

std::vector<Tick> month_ticks(WallTime first, WallTime last, int step) {
  std::vector<Tick> ticks;
  Written begin(first);
  int index = std::stoi(begin.year()) * 12 + begin.month() - 1;
  index -= index % step;
  std::string told;
  for (;; index += step) {
    std::string year = std::to_string(10'000 + index / 12).substr(1);
    std::string month = std::to_string(100 + index % 12 + 1).substr(1);
    std::optional<WallTime> t = parse_time(cat(year, "-", month, "-01T00:00:00Z"));
    if (!t || *t > last) return ticks;
    if (*t < first) continue;
    Tick tick{.at = share_of(*t, first, last), .text = {}, .below = {}};
    if (step >= 12) tick.text = year;
    else tick.text = months[static_cast<std::size_t>(index % 12)];
    if (step < 12 && year != told) tick.below = year;
    told = year;
    ticks.push_back(std::move(tick));
  }
}

// 1, 2 or 5 times a power of ten, at least `least`.
double round_step(double least) {
  double power = std::pow(10.0, std::floor(std::log10(least)));
  for (double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * 0.999) return factor * power;
  }
  return 10 * power;
}

}  // namespace

ValueAxis value_axis(double low, double high, int wanted) {
  double size = std::max(std::fabs(low), std::fabs(high));
  double range = high / 2 - low / 2;  // half of it: the whole may not be a number
  if (!(range > size * 1e-13)) {
    double half = size > 0 ? std::max(size * 0.1, 1e-300) : 1;
    low -= half;
    high += half;
    range = half;
  }
  constexpr double largest = std::numeric_limits<double>::max();
  ValueAxis axis{.low = std::max(low - 0.12 * range, -largest),
                 .high = std::min(high + 0.12 * range, largest),
                 .ticks = {},
                 .offset = {}};
  double step = round_step(std::max(2.24 * (range / (wanted + 1)), 1e-300));
  double first = std::ceil(axis.low / step);
  int count = static_cast<int>(std::floor(axis.high / step) - first) + 1;
  int digits = size > 0 ? static_cast<int>(std::ceil(std::log10(std::max(size / step, 1.0)))) + 1 : 1;
  double base = digits > most_digits ? first * step : 0;
  if (digits > most_digits) axis.offset = to_text(base, std::min(digits, 15));
  for (int i = 0; i < count; ++i) {
    double value = (first + i) * step;
    double at = (value / 2 - axis.low / 2) / (axis.high / 2 - axis.low / 2);
    if (!(at >= 0 && at <= 1)) continue;
    double shown = digits > most_digits ? i * step : std::fabs(value) < step / 2 ? 0 : value;
    std::string text = digits > most_digits    ? cat("+", short_number(shown))
                       : digits > short_digits ? to_text(shown, digits)
                                               : short_number(shown);
    axis.ticks.push_back({.at = at, .text = std::move(text), .below = {}});
  }
  return axis;
}

std::vector<Tick> time_ticks(WallTime first, WallTime last, int most) {
  if (!(first < last)) return {{.at = 0.5, .text = Written(first).seconds(), .below = Written(first).date()}};
  std::int64_t span = last.ns - first.ns;
  for (std::int64_t step : steps) {
    if (span / step + 1 <= most) return even_ticks(first, last, step);
  }
  for (int step : month_steps) {
    if (span / (step * 30 * day) + 1 <= most) return month_ticks(first, last, step);
  }
  return month_ticks(first, last, month_steps.back());
}

std::string span_text(WallTime first, WallTime last) {
  Written a(first);
  Written b(last);
  bool fine = last.ns - first.ns < 10 * minute;
  std::string from = cat(a.date(), " ", fine ? a.seconds() : a.minutes());
  if (!(first < last)) return cat(from, " UTC");
  std::string to = fine ? b.seconds() : b.minutes();
  return cat(from, " to ", a.date() == b.date() ? to : cat(b.date(), " ", to), " UTC");
}

std::string interval_text(double seconds) {
  if (seconds < 99.5) return cat(to_text(seconds, 2), " s");
  if (seconds < 5970) return cat(to_text(seconds / 60, 2), " min");
  if (seconds < 172'800) return cat(to_text(seconds / 3600, 2), " h");
  return cat(to_text(seconds / 86'400, 2), " d");
}

}  // namespace mien::app
