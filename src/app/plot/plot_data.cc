#include "app/plot/plot_data.h"

#include <algorithm>
#include <cmath>

namespace mien::app {
namespace {

constexpr std::size_t many_columns = 64;
constexpr std::size_t slots_of_many = 1024;
constexpr double gap = 5;                // usual intervals without a row: no line leads across
constexpr std::uint8_t enough_days = 3;  // that an hour was seen before it counts, as in what findings say
// The mean of |r| times this holds 99 of 100 samples whose tails are between those of a normal and a Laplace
// distribution (3.2 and 4.6).
constexpr double spreads_in_band = 4;
constexpr double least_spread = 0.25;
constexpr double scales_in_band = 4;  // of the anchor, while there is no band yet

void join(PlotData::Cell& into, const PlotData::Cell& later) {
  into.blamed = into.blamed || later.blamed;
  if (later.banded) {
    into.band_low = later.band_low;
    into.band_middle = later.band_middle;
    into.band_high = later.band_high;
    into.banded = true;
  }
  if (!later.known) return;
  into.low = into.known ? std::min(into.low, later.low) : later.low;
  into.high = into.known ? std::max(into.high, later.high) : later.high;
  into.begins = into.known ? into.begins : later.begins;
  into.known = true;
}

void join(PlotData::Slot& into, const PlotData::Slot& later) {
  into.score = std::max(into.score, later.score);
  into.alarm_level = later.rows > 0 ? later.alarm_level : into.alarm_level;
  into.alert = into.alert || later.alert;
  into.rows += later.rows;
}

}  // namespace

std::optional<Band> band_of(const model::Behavior& behavior, std::size_t series, WallTime at) {
  if (series >= behavior.series.size() || !behavior.series[series].ready()) return std::nullopt;
  const model::Baseline& baseline = behavior.series[series];
  const model::Past& past = behavior.past[series];
  Band whole{.low = static_cast<double>(baseline.band_low),
             .middle = baseline.anchor.location,
             .high = static_cast<double>(baseline.band_high)};
  if (!(whole.low < whole.high)) {
    double half = scales_in_band * static_cast<double>(baseline.anchor.scale);
    whole.low = whole.middle - half;
    whole.high = whole.middle + half;
  }
  int cell = past.season.known(model::season_cell_of(at));
  if (cell < 0 || past.season.visits(static_cast<std::size_t>(cell)) < enough_days || baseline.season_scale <= 0)
    return whole;
  auto hour = static_cast<std::size_t>(cell);
  double spread = std::max(static_cast<double>(past.season.spread(hour)), least_spread);
  double half = spreads_in_band * spread * static_cast<double>(baseline.season_scale);
  double middle = past.season.level_at(model::hour_of(at));
  return Band{.low = std::clamp(middle - half, std::min(whole.low, middle), middle),
              .middle = middle,
              .high = std::clamp(middle + half, middle, std::max(whole.high, middle))};
}

PlotData::PlotData(std::vector<std::string> columns)
    : columns_(std::move(columns)),
      limit_(columns_.size() > many_columns ? slots_of_many : most_slots),
      slots_(limit_),
      cells_(columns_.size(), std::vector<Cell>(limit_)),
      missing_(columns_.size(), true),
      blame_(columns_.size()) {}

std::size_t PlotData::slot_at(WallTime time) const {
  return static_cast<std::size_t>((time.ns - first_.ns) / width_ns_);
}

WallTime PlotData::slot_time(std::size_t slot) const {
  std::int64_t middle = first_.ns + width_ns_ * static_cast<std::int64_t>(slot) + width_ns_ / 2;
  return WallTime{std::min(middle, last_.ns)};
}

WallTime PlotData::time_of_row(std::uint64_t row) const {
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < used_; ++i) {
    before += slots_[i].rows;
    if (before > row) return slot_time(i);
  }
  return last_;
}

void PlotData::halve() {
  auto fold = [this](auto& all) {
    using Part = typename std::decay_t<decltype(all)>::value_type;
    for (std::size_t i = 0; i < limit_ / 2; ++i) {
      Part folded = all[2 * i];
      join(folded, all[2 * i + 1]);
      all[i] = folded;
    }
    std::fill(all.begin() + static_cast<std::ptrdiff_t>(limit_ / 2), all.end(), Part{});
  };
  if (used_ > 1) {
    fold(slots_);
    for (std::vector<Cell>& column : cells_) fold(column);
    used_ = (used_ + 1) / 2;
  }
  width_ns_ *= 2;
}

void PlotData::make_room_for(WallTime time) {
  while ((time.ns - first_.ns) / width_ns_ >= static_cast<std::int64_t>(limit_)) halve();
  used_ = std::max(used_, slot_at(time) + 1);
}

void PlotData::add(const PlotRow& row, const model::Behavior& behavior) {
  if (rows_ > 0 && row.time <= last_) return;
  if (rows_ == 0) first_ = row.time;
  double step = rows_ == 0 ? 0 : to_seconds(row.time - last_);
  bool apart = interval_ > 0 && step > gap * interval_;
  // Follows the median: each step pulls by a twentieth.
  if (interval_ <= 0) interval_ = step;
  else if (step > 0) interval_ *= step > interval_ ? 1.05 : step < interval_ ? 1 / 1.05 : 1;
  last_ = row.time;
  ++rows_;
  make_room_for(row.time);
  std::size_t index = slot_at(row.time);
  join(slots_[index],
       {.rows = 1, .score = row.line.score, .alarm_level = row.line.alarm_level, .alert = row.line.alert});
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    double x = row.values[c];
    if (std::isnan(x)) {
      missing_[c] = true;
      continue;
    }
    Cell& cell = cells_[c][index];
    Cell one{.low = x, .high = x, .known = true, .begins = missing_[c] || apart};
    missing_[c] = false;
    if (!cell.banded && c < behavior.series.size()) {
      if (std::optional<Band> band = band_of(behavior, c, row.time)) {
        one.banded = true;
        one.band_low = band->low;
        one.band_middle = band->middle;
        one.band_high = band->high;
      }
    }
    join(cell, one);
  }
  for (const drift::EpisodeChange& change : row.line.changes) follow(change);
}

void PlotData::follow(const drift::EpisodeChange& change) {
  open_[change.episode] = change.finding;
  if (change.what != drift::EpisodeChange::What::closed) return;
  settle(change.finding, false);
  open_.erase(change.episode);
}

void PlotData::finish() {
  for (const auto& [number, finding] : open_) settle(finding, true);
  open_.clear();
}

void PlotData::settle(const model::Finding& finding, bool open) {
  ++findings_;
  WallTime closed_at = open ? last_ : finding.updated_at;
  episodes_.push_back({.opened_at = finding.opened_at,
                       .closed_at = closed_at,
                       .open = open,
                       .kind = finding.kind,
                       .score = finding.score});
  if (episodes_.size() > most_episodes)
    episodes_.erase(std::min_element(episodes_.begin(), episodes_.end(),
                                     [](const Episode& a, const Episode& b) { return a.score < b.score; }));
  std::size_t from = finding.opened_at <= first_ ? 0 : slot_at(finding.opened_at);
  std::size_t to = std::min(slot_at(closed_at), used_ - 1);
  for (const model::Deviation& deviation : finding.metrics) {
    auto found = std::find(columns_.begin(), columns_.end(), deviation.name.value);
    if (found == columns_.end()) continue;
    auto column = static_cast<std::size_t>(found - columns_.begin());
    ++blame_[column].findings;
    blame_[column].bits += deviation.bits.value;
    for (std::size_t i = from; i <= to; ++i) cells_[column][i].blamed = true;
  }
}

std::vector<std::size_t> PlotData::ranking() const {
  std::vector<std::size_t> order(columns_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [this](std::size_t a, std::size_t b) { return blame_[a].bits > blame_[b].bits; });
  return order;
}

}  // namespace mien::app
