// The stored form of a Behavior, and the one before it (docs/formats/behavior.md).
#include <algorithm>
#include <type_traits>

#include "base/codec.h"
#include "model/behavior.h"

namespace mien::model {
namespace {

// In front of the fields since version 2; what stood there before is a number of series.
constexpr std::uint32_t versioned = 1U << 20;
constexpr std::uint32_t newest =
    5;  // 4: bands among what is seldom touched; 3: without the seasons' weeks; 2: without security too

struct Tail1 {
  std::array<std::uint32_t, 32> counts{};
  std::uint32_t total = 0;
  std::uint32_t since_summary = 0;
  std::uint8_t mark = 0;
  std::uint8_t knee = 0;
  float index = 0;
  static constexpr auto fields = std::tuple{
      field("counts", &Tail1::counts), field("total", &Tail1::total), field("since_summary", &Tail1::since_summary),
      field("mark", &Tail1::mark),     field("knee", &Tail1::knee),   field("index", &Tail1::index)};
};

struct Location1 {
  double location = 0;
  double scale = 0;
  std::uint64_t n = 0;
  static constexpr auto fields =
      std::tuple{field("location", &Location1::location), field("scale", &Location1::scale), field("n", &Location1::n)};
};

struct Cell1 {
  float level = 0;
  float spread = 0;
  std::uint8_t visits = 0;
  static constexpr auto fields =
      std::tuple{field("level", &Cell1::level), field("spread", &Cell1::spread), field("visits", &Cell1::visits)};
};

struct Baseline1 {
  Location1 anchor;
  double jump_scale = 0;
  double season_scale = 0;
  double forecast_scale = 0;
  double change_rate = 0;
  std::array<Cell1, season_cells> season{};
  std::int64_t hour = 0;
  double hour_sum = 0;
  double hour_weight = 0;
  std::array<Tail1, 11> tails{};
  stats::QuantileSketch values;
  double band_low = 0;
  double band_high = 0;
  std::uint64_t blocks = 0;
  double interval = 0;
  double recent = 0;
  WallTime last;
  static constexpr auto fields = std::tuple{field("anchor", &Baseline1::anchor),
                                            field("jump_scale", &Baseline1::jump_scale),
                                            field("season_scale", &Baseline1::season_scale),
                                            field("forecast_scale", &Baseline1::forecast_scale),
                                            field("change_rate", &Baseline1::change_rate),
                                            field("season", &Baseline1::season),
                                            field("hour", &Baseline1::hour),
                                            field("hour_sum", &Baseline1::hour_sum),
                                            field("hour_weight", &Baseline1::hour_weight),
                                            field("tails", &Baseline1::tails),
                                            field("values", &Baseline1::values),
                                            field("band_low", &Baseline1::band_low),
                                            field("band_high", &Baseline1::band_high),
                                            field("blocks", &Baseline1::blocks),
                                            field("interval", &Baseline1::interval),
                                            field("recent", &Baseline1::recent),
                                            field("last", &Baseline1::last)};
};

// The rest of version 1, behind its series.
struct Rest1 {
  Tail1 combined;
  std::uint64_t samples = 0;
  double health = 1;
  double interval = 0;
  std::uint64_t revision = 0;
  WallTime first;
  WallTime last;
  static constexpr auto fields = std::tuple{field("combined", &Rest1::combined), field("samples", &Rest1::samples),
                                            field("health", &Rest1::health),     field("interval", &Rest1::interval),
                                            field("revision", &Rest1::revision), field("first", &Rest1::first),
                                            field("last", &Rest1::last)};
};

std::uint32_t capped(std::uint64_t n) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, ~std::uint32_t{0}));
}

// The hour that was being summed is left out: it is a visit of one day.
void convert(const Baseline1& from, Baseline& baseline, Past& past) {
  baseline.anchor = {
      .location = from.anchor.location, .scale = static_cast<float>(from.anchor.scale), .n = capped(from.anchor.n)};
  baseline.jump_scale = static_cast<float>(from.jump_scale);
  baseline.season_scale = static_cast<float>(from.season_scale);
  baseline.forecast_scale = static_cast<float>(from.forecast_scale);
  baseline.change_rate = static_cast<float>(from.change_rate);
  baseline.interval = static_cast<float>(from.interval);
  baseline.recent = static_cast<float>(from.recent);
  baseline.blocks = capped(from.blocks);
  for (std::size_t i = 0; i < from.tails.size(); ++i)
    past.tails[i] = stats::SmallTail::narrow(stats::Tail::from_half_octaves(from.tails[i].counts));
  for (std::size_t i = 0; i < season_cells; ++i) {
    const Cell1& cell = from.season[i];
    if (cell.visits > 0)
      past.season.set(i, static_cast<double>(cell.level), cell.visits, std::max(from.season_scale, from.anchor.scale));
    if (cell.spread > 0) past.season.set_spread(i, cell.spread, baseline.coin);
  }
  past.values = stats::SmallSketch::narrow(from.values);
  baseline.band_low = static_cast<float>(from.band_low);
  baseline.band_high = static_cast<float>(from.band_high);
  summarise(baseline, past);
}

void restore_1(Decoder& decoder, std::uint32_t count, Behavior& behavior) {
  for (std::uint32_t i = 0; i < count && !decoder.failed(); ++i) {
    Baseline1 from;
    decoder.get(from);
    behavior.resize(i + 1);
    if (!decoder.failed()) convert(from, behavior.series[i], behavior.past[i]);
  }
  Rest1 rest;
  decoder.get(rest);
  behavior.combined = stats::Tail::from_half_octaves(rest.combined.counts);
  behavior.samples = rest.samples;
  behavior.health = rest.health;
  behavior.interval = rest.interval;
  behavior.revision = rest.revision;
  behavior.first = rest.first;
  behavior.last = rest.last;
}

// Of versions 2 to 4: what is seldom touched, and the band behind it.
struct Past4 {
  Past past;
  float band_low = 0;
  float band_high = 0;
  static constexpr auto fields = std::tuple{field("past", &Past4::past), field("band_low", &Past4::band_low),
                                            field("band_high", &Past4::band_high)};
};

void restore_past_4(Decoder& decoder, Behavior& behavior) {
  std::vector<Past4> stored;
  decoder.get(stored);
  behavior.past.resize(stored.size());
  if (behavior.past.size() != behavior.series.size()) return;  // refused with the rest
  for (std::size_t i = 0; i < stored.size(); ++i) {
    behavior.past[i] = stored[i].past;
    behavior.series[i].band_low = stored[i].band_low;
    behavior.series[i].band_high = stored[i].band_high;
  }
}

void restore_bands(Decoder& decoder, std::vector<Baseline>& series) {
  for (Baseline& one : series) {
    decoder.get(one.band_low);
    decoder.get(one.band_high);
  }
}

void restore_weeks(Decoder& decoder, std::vector<Past>& past) {
  for (Past& one : past) {
    Season::Week week{};
    decoder.get(week);
    one.season.set_week(week);
  }
}

}  // namespace

void Behavior::store(Encoder& encoder) const {
  encoder.put(versioned + newest);
  for_each_field(*this, [&](const char*, const auto& member) { encoder.put(member); });
  encoder.put(security);
  for (const Past& one : past) encoder.put(one.season.week());
  for (const Baseline& one : series) {
    encoder.put(one.band_low);
    encoder.put(one.band_high);
  }
}

void Behavior::restore(Decoder& decoder) {
  *this = {};
  std::uint32_t head = 0;
  decoder.get(head);
  if (head <= max_series) return restore_1(decoder, head, *this);
  if (head < versioned + 2 || head > versioned + newest) return decoder.refuse();
  for_each_field(*this, [&](const char*, auto& member) {
    if constexpr (std::is_same_v<std::decay_t<decltype(member)>, std::vector<Past>>) {
      if (head < versioned + 5) return restore_past_4(decoder, *this);
    }
    decoder.get(member);
  });
  if (head >= versioned + 3) decoder.get(security);
  if (head >= versioned + 4) restore_weeks(decoder, past);
  if (head >= versioned + 5) restore_bands(decoder, series);
  bool whole = security.is_whole() && series.size() == past.size() && series.size() <= max_series &&
               std::all_of(past.begin(), past.end(), [](const Past& one) { return one.values.is_whole(); });
  if (!whole) decoder.refuse();
  series.shrink_to_fit();
  past.shrink_to_fit();
}

}  // namespace mien::model
