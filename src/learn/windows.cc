#include "learn/windows.h"

#include <algorithm>
#include <cmath>

#include "base/math.h"

namespace mien::learn {
namespace {

using Counts = SeriesWindow::Counts;

constexpr std::array<float, SeriesWindow::bins - 1> edges{-4, -2, -1, -0.4F, 0, 0.4F, 1, 2, 4};  // in scales
constexpr std::uint32_t least_values = 10;                                                       // of a window
constexpr std::uint32_t hour_worth = 100;
constexpr std::uint32_t known_enough = 12 * hour_worth;  // healthy hours before anything is compared
constexpr std::uint32_t halve_at = 60'000;
constexpr std::uint32_t day_enough = 6 * hour_worth;
constexpr double prior_values = 8;
constexpr double largest_mean = 1e30;  // floats hold it
constexpr double bit_steps = 50'000;
constexpr double usual_rate = 1.0 / 168;  // of an hour
constexpr double most_kept = 1 - 1.0 / 336;
constexpr std::int32_t hours_a_day = 24;
constexpr double deviation_per_scale = 1.2533141373155003;  // normal: standard deviation over mean absolute deviation
constexpr double log2_e = 1.4426950408889634;

std::uint32_t total_of(const Counts& counts) {
  std::uint32_t total = 0;
  for (std::uint16_t count : counts) total += count;
  return total;
}

std::size_t bin_of(const SeriesWindow& window, double x) {
  auto away = static_cast<float>(x - static_cast<double>(window.location));
  std::size_t bin = 0;
  for (float edge : edges) bin += away > edge * window.scale ? 1U : 0U;
  return bin;
}

std::uint16_t stored(double bits) {
  return static_cast<std::uint16_t>(std::floor(std::clamp(bits, 0.0, 1.0) * bit_steps + 0.5));
}
double bits_of(std::uint16_t code) { return code == SeriesWindow::unknown ? model::missing : code / bit_steps; }

// Each value's share of an hour's worth.
void add_hour(Counts& to, const Counts& hour, std::uint32_t values) {
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = static_cast<std::uint16_t>(to[i] + (hour[i] * hour_worth + values / 2) / values);
}

void compare_hour(SeriesWindow& window) {
  double bits = shape_bits(window.hour, window.known);
  window.hour_bits = stored(bits);
  double usual = window.usual_bits == SeriesWindow::unknown ? bits : bits_of(window.usual_bits);
  window.usual_bits = stored(usual + usual_rate * (bits - usual));
}

void close_hour(SeriesWindow& window, bool teaches) {
  std::uint32_t values = total_of(window.hour);
  std::uint16_t before = window.hour_bits;
  window.hour_bits = SeriesWindow::unknown;
  // What the hour before was compared with is its past; it belongs to the past of this one.
  if (before != SeriesWindow::unknown)
    window.most_bits = std::max(before, static_cast<std::uint16_t>(window.most_bits * most_kept));
  if (values >= least_values) {
    if (total_of(window.known) >= known_enough) compare_hour(window);
    add_hour(window.day, window.hour, values);
    if (teaches) {
      if (total_of(window.known) >= halve_at)
        for (std::uint16_t& count : window.known) count = static_cast<std::uint16_t>(count / 2);
      add_hour(window.known, window.hour, values);
    }
  }
  window.hour = {};
}

void remember_day(SeriesWindow& window, float mean) {
  std::copy_backward(window.days.begin(), window.days.end() - 1, window.days.end());
  window.days[0] = mean;
}

// Healthy hours keep their bins, so a grid stays while it fits: it is laid anew only where the level or the scale are
// others than they were, and then what was known of shapes begins anew.
void lay_grid(SeriesWindow& window, const model::Baseline& baseline) {
  const stats::RobustLocation& anchor = baseline.anchor;
  if (anchor.n < stats::RobustLocation::warm_up) return;
  auto location = static_cast<float>(anchor.location);
  auto scale = static_cast<float>(anchor.safe_scale());
  bool fits = window.scale > 0 && std::fabs(location - window.location) <= 2 * window.scale &&
              scale <= 2 * window.scale && 2 * scale >= window.scale;
  if (fits) return;
  window.location = location;
  window.scale = scale;
  window.hour = window.day = window.known = {};
  window.hour_bits = window.day_bits = window.usual_bits = SeriesWindow::unknown;
  window.most_bits = 0;
}

void close_day(SeriesWindow& window, std::int32_t days) {
  bool enough = total_of(window.day) >= day_enough;
  bool comparable = enough && total_of(window.known) >= known_enough;
  window.day_bits = comparable ? stored(shape_bits(window.day, window.known)) : SeriesWindow::unknown;
  double mean = window.count >= least_values ? window.sum / window.count : model::missing;
  remember_day(window, static_cast<float>(mean));
  auto silent = std::min<std::int32_t>(days - 1, SeriesWindow::days_kept);
  for (std::int32_t i = 0; i < silent; ++i) remember_day(window, static_cast<float>(model::missing));
  window.day = {};
  window.sum = 0;
  window.count = 0;
}

void enter_hour(Windows& windows, const model::Behavior& behavior, std::int32_t hour) {
  std::int32_t days = windows.hour == 0 ? 0 : hour / hours_a_day - windows.hour / hours_a_day;
  for (std::size_t s = 0; s < windows.series.size(); ++s) {
    SeriesWindow& window = windows.series[s];
    if (windows.hour != 0) close_hour(window, windows.teaches);
    if (days > 0) close_day(window, days);
    if ((days > 0 || window.scale <= 0) && s < behavior.series.size()) lay_grid(window, behavior.series[s]);
  }
  windows.hour = hour;
  windows.teaches = true;
}

struct Slope {
  double per_day = model::missing;
  double steadiness = 0;
  std::uint32_t days = 0;
  double span = 0;  // between the first and the newest that are known
};

Slope slope_of(const SeriesWindow& window) {
  std::array<double, SeriesWindow::days_kept*(SeriesWindow::days_kept - 1) / 2> slopes{};
  std::size_t count = 0;
  double direction = 0;
  Slope slope;
  for (std::size_t newer = 0; newer < window.days.size(); ++newer) {
    if (std::isnan(window.days[newer])) continue;
    ++slope.days;
    for (std::size_t older = newer + 1; older < window.days.size(); ++older) {
      if (std::isnan(window.days[older])) continue;
      auto apart = static_cast<double>(older - newer);
      double change = static_cast<double>(window.days[newer]) - static_cast<double>(window.days[older]);
      slopes[count++] = change / apart;
      slope.span = std::max(slope.span, apart);
      direction += change > 0 ? 1 : change < 0 ? -1 : 0;
    }
  }
  if (count == 0) return slope;
  auto end = slopes.begin() + static_cast<std::ptrdiff_t>(count);
  std::sort(slopes.begin(), end);
  slope.per_day = 0.5 * (slopes[(count - 1) / 2] + slopes[count / 2]);
  slope.steadiness = std::fabs(direction) / static_cast<double>(count);
  return slope;
}

SlowSeries slow_of(const SeriesWindow& window, const model::Baseline& baseline, std::uint32_t series) {
  SlowSeries slow{.series = series,
                  .hour_bits = bits_of(window.hour_bits),
                  .day_bits = bits_of(window.day_bits),
                  .usual_bits = bits_of(window.usual_bits)};
  if (window.usual_bits != SeriesWindow::unknown) slow.most_bits = bits_of(window.most_bits);
  slow.anchor_scales = static_cast<double>(baseline.recent);
  double deviations = slow.anchor_scales / deviation_per_scale;
  slow.anchor_bits = 0.5 * deviations * deviations * log2_e;
  Slope slope = slope_of(window);
  slow.days = slope.days;
  if (slope.days < 3) return slow;
  slow.per_day = slope.per_day;
  slow.steadiness = slope.steadiness;
  double level = std::fabs(baseline.anchor.location);
  if (level > 1e-9) slow.per_day_ratio = slope.per_day / level;
  slow.moved_scales = slope.per_day * slope.span / baseline.anchor.safe_scale();
  return slow;
}

// How much there is to say of it: each of the three in its own usual size.
double interest_of(const SlowSeries& slow) {
  double shape = std::isnan(slow.hour_bits) ? 0 : slow.hour_bits / std::max(0.1, slow.most_bits);
  double speed = slow.steadiness * std::fabs(slow.moved_scales);
  return std::max({shape, 0.5 * speed, 0.5 * std::fabs(slow.anchor_scales)});
}

}  // namespace

double shape_bits(const Counts& window, const Counts& known) {
  double of_window = total_of(window);
  double of_known = total_of(known);
  if (of_window <= 0 || of_known <= 0) return 0;
  double bits = 0;
  for (std::size_t i = 0; i < window.size(); ++i) {
    double q = known[i] / of_known;
    double p = (window[i] + prior_values * q) / (of_window + prior_values);
    double middle = 0.5 * (p + q);
    if (p > 0) bits += 0.5 * p * math::log2(p / middle);
    if (q > 0) bits += 0.5 * q * math::log2(q / middle);
  }
  return std::clamp(bits, 0.0, 1.0);
}

void count_rows(Windows& windows, const model::Behavior& behavior, const model::Batch& rows, bool healthy) {
  if (rows.times.empty()) return;
  std::size_t width = std::min(rows.values.size() / rows.times.size(), model::Behavior::max_series);
  std::size_t stride = rows.values.size() / rows.times.size();
  if (windows.series.size() < width) windows.series.resize(width);
  for (std::size_t r = 0; r < rows.times.size(); ++r) {
    std::int32_t hour = model::hour_of(rows.times[r]);
    bool set_back = hour + hours_a_day < windows.hour;  // a clock was a day ahead: its hours would never end
    if (hour > windows.hour || set_back) enter_hour(windows, behavior, hour);
    const double* values = rows.values.data() + r * stride;
    for (std::size_t s = 0; s < width; ++s) {
      double x = values[s];
      if (std::isnan(x)) continue;
      SeriesWindow& window = windows.series[s];
      ++window.count;
      window.sum += stats::clip(x, largest_mean);
      if (window.scale <= 0) continue;
      std::uint16_t& count = window.hour[bin_of(window, x)];
      if (count < 0xffff) ++count;
    }
  }
  windows.teaches = windows.teaches && healthy;
}

void forget_shapes(Windows& windows) {
  for (SeriesWindow& window : windows.series) {
    SeriesWindow fresh;
    fresh.sum = window.sum;
    fresh.count = window.count;
    fresh.days = window.days;
    window = fresh;
  }
}

std::vector<SlowSeries> slowest(const Windows& windows, const model::Behavior& behavior, std::size_t most) {
  std::vector<std::pair<double, SlowSeries>> all;
  for (std::size_t s = 0; s < windows.series.size() && s < behavior.series.size(); ++s) {
    const model::Baseline& baseline = behavior.series[s];
    if (!baseline.ready()) continue;
    SlowSeries slow = slow_of(windows.series[s], baseline, static_cast<std::uint32_t>(s));
    all.emplace_back(interest_of(slow), slow);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<SlowSeries> out;
  for (std::size_t i = 0; i < all.size() && i < most; ++i) out.push_back(all[i].second);
  return out;
}

}  // namespace mien::learn
